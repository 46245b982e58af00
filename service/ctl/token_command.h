/*
 * Commands about tokens and the keys in them. Each has up to three steps, of which only the middle one meets a vendor's
 * code, in a process of its own:
 *
 *   before   here, perhaps as root: reads files that only root may read
 *   work     in a child that has become the user whom the token belongs to, with the token
 *   after    here again: writes files, from what the child found
 */
#pragma once

#include <sallyport/hostkey_manage.h>

#include "base/secret.h"
#include "ctl/ctl.h"
#include "ctl/found.h"
#include "ctl/token_setup.h"

#define TOKEN_ARGUMENTS_MAX 64u
#define TOKEN_ENVIRONMENT_MAX 16u

struct token_options {
    const char *config, *module, *token, *pin_file, *so_pin_file, *user, *state_dir, *label, *type, *request,
        *install, *directory, *nonce, *output, *verify, *keys, *socket;
    const char *environment[TOKEN_ENVIRONMENT_MAX];
    size_t environment_count;
    const char *arguments[TOKEN_ARGUMENTS_MAX];
    size_t argument_count;
    bool as_root, reinitialise, yes, hash, json, help;
};

enum token_option {
    OPTION_CONFIG = 1 << 0,
    OPTION_MODULE = 1 << 1,
    OPTION_TOKEN = 1 << 2,
    OPTION_PIN_FILE = 1 << 3,
    OPTION_ENVIRONMENT = 1 << 4,
    OPTION_USER = 1 << 5,
    OPTION_AS_ROOT = 1 << 6,
    OPTION_STATE_DIR = 1 << 7,
    OPTION_SO_PIN_FILE = 1 << 8,
    OPTION_LABEL = 1 << 9,
    OPTION_TYPE = 1 << 10,
    OPTION_REINITIALISE = 1 << 11,
    OPTION_YES = 1 << 12,
    OPTION_HASH = 1 << 13,
    OPTION_REQUEST = 1 << 14,
    OPTION_INSTALL = 1 << 15,
    OPTION_DIRECTORY = 1 << 16,
    OPTION_NONCE = 1 << 17,
    OPTION_OUTPUT = 1 << 18,
    OPTION_VERIFY = 1 << 19,
    OPTION_KEYS = 1 << 20,
    OPTION_SOCKET = 1 << 21,
};
/* What every command has that meets a token. */
#define OPTIONS_TOKEN                                                                                        \
    (OPTION_CONFIG | OPTION_MODULE | OPTION_TOKEN | OPTION_PIN_FILE | OPTION_ENVIRONMENT | OPTION_USER |     \
     OPTION_AS_ROOT | OPTION_STATE_DIR)

struct token_run {
    struct token_options o;
    struct token_setup setup;
    struct sp_manage *manage; /* in the child */
    struct secret pin;        /* in the child, until it ends: some keys want it with each signature */
    struct secret so_pin;     /* token init: read by root, wiped here once the child has it */
    int input_fd;             /* a file opened by `before` for the child; -1: none */
    json_t *given;            /* what `before` found and `work` needs; NULL: nothing */
    char made[2][PATH_MAX];   /* PIN files that are new, to be removed if nothing comes of it */
    bool *begun; /* token init, shared with the child: the token may have these PINs; NULL: no child yet */
    bool done;   /* `before` has found everything: no token is needed */
};

struct token_command {
    const char *name; /* NULL behind the last row */
    const char *arguments, *summary;
    unsigned options; /* enum token_option */
    size_t arguments_min, arguments_max;
    bool login;      /* `work` finds a token that it is logged in to, and not only a module */
    bool read_write; /* with the right to change it */
    int (*run)(const char *path, int argc,
               char **argv); /* instead of all other fields: a group of commands without a token */
    bool reads_any_config;   /* also the usual file beside --module, if there is one */
    /* Each gives an exit status; for CTL_USAGE and CTL_FAILED it has said why. NULL: nothing to do. */
    int (*before)(struct token_run *run, json_t *found);
    int (*work)(struct token_run *run, json_t *found);
    int (*after)(struct token_run *run, json_t *found);
    void (*show)(const struct token_run *run, const json_t *found);
};

/* For struct ctl_command.run. */
int token_commands_run(const char *path, int argc, char **argv) MUST_USE;
int key_commands_run(const char *path, int argc, char **argv) MUST_USE;

/* The commands' steps, in the files that are called after them. */
int token_list_work(struct token_run *run, json_t *found);
void token_list_show(const struct token_run *run, const json_t *found);
int token_init_before(struct token_run *run, json_t *found);
int token_init_work(struct token_run *run, json_t *found);
void token_init_show(const struct token_run *run, const json_t *found);
int key_generate_before(struct token_run *run, json_t *found);
int key_generate_work(struct token_run *run, json_t *found);
void key_generate_show(const struct token_run *run, const json_t *found);
int key_list_work(struct token_run *run, json_t *found);
void key_list_show(const struct token_run *run, const json_t *found);
int key_import_before(struct token_run *run, json_t *found);
int key_import_work(struct token_run *run, json_t *found);
void key_import_show(const struct token_run *run, const json_t *found);
int key_public_work(struct token_run *run, json_t *found);
/* The same for commands whose arguments are no labels; --label chooses. */
int key_blobs_work(struct token_run *run, json_t *found);
void key_public_show(const struct token_run *run, const json_t *found);
int key_sshfp_after(struct token_run *run, json_t *found);
int key_known_hosts_before(struct token_run *run, json_t *found);
int key_known_hosts_after(struct token_run *run, json_t *found);
void key_lines_show(const struct token_run *run, const json_t *found);
int key_test_work(struct token_run *run, json_t *found);
void key_test_show(const struct token_run *run, const json_t *found);
int key_certify_before(struct token_run *run, json_t *found);
int key_certify_after(struct token_run *run, json_t *found);
void key_certify_show(const struct token_run *run, const json_t *found);
int key_retire_work(struct token_run *run, json_t *found);
void key_retire_show(const struct token_run *run, const json_t *found);
int key_attest_before(struct token_run *run, json_t *found);
int key_attest_work(struct token_run *run, json_t *found);
int key_attest_after(struct token_run *run, json_t *found);
void key_attest_show(const struct token_run *run, const json_t *found);
