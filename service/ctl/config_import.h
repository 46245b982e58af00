/* From OpenSSH's sshd_config to a configuration of this server: lines, and what has become of each. */
#pragma once

#include "config/source.h"
#include "ctl/ctl.h"

#define IMPORT_KEYS_MAX 32u
#define IMPORT_TOKEN "sallyport" /* the token's label in the configuration that comes with the server */

struct import_key {
    char path[SOURCE_NAME_MAX + 1];
    char label[64];
};

struct import {
    const char *root;          /* of the machine that the file is of; "" */
    const char *file, *output; /* output: where the result is written to; NULL: standard output */
    json_t *found;
    struct import_key keys[IMPORT_KEYS_MAX];
    size_t key_count;
    bool keys_are_said; /* some HostKey line was there */
    bool has_pam_service;
    bool pam_is_said; /* some UsePAM line was there */
    bool pam_changed; /* sshd's PAM rules have a line that ours have not */
    size_t counts[5];      /* of each enum translation_kind */
    char *global, *blocks; /* the text, in two parts: what holds for everybody, and Match blocks */
};

/* Translates all lines. *found gets "notes". 0, or CTL_FAILED and said. import_free() it in any case. */
int import_lines(struct import *import, const struct config_source *source) MUST_USE;
void import_free(struct import *import);
/* config_import_pam.c: looks at sshd's PAM rules. *found gets "pam_changed", and a note. */
void import_pam_look(struct import *import);

/* OpenSSH's own host keys, where no line names any: those that are there, or all if none is. */
void import_default_keys(struct import *import);
/* The whole configuration: *text is the caller's. *found gets "commands". 0, or CTL_FAILED and said. */
int import_text(struct import *import, char **text) MUST_USE;

extern const struct ctl_command config_commands[];
