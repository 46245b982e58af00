/* Keys in a token: as JSON, by their labels, and signing with them. What `work` steps share; all of it is for the child. */
#pragma once

#include <sallyport/keytype.h>

#include "ctl/token_command.h"

#define KEY_TEXT_MAX (SP_KEY_BLOB_MAX / 3 * 4 + 64u) /* "TYPE BASE64" with a NUL */
#define KEY_FINGERPRINT_MAX 64u

struct key_table {
    size_t count;
    struct sp_manage_key keys[SP_HOSTKEY_KEYS_MAX];
    bool configured[SP_HOSTKEY_KEYS_MAX]; /* a HostKey line means it */
    char doubt[512]; /* why it is not known which key some HostKey line means; "": it is known of all */
};

/* Text from a token or a file: control characters are written as "\xNN". */
void found_set_label(json_t *into, const char *key, const char *text);
/* "label", "serial", "model", "manufacturer" of a token. In token_list.c. */
void token_describe(const struct sp_token_slot *slot, json_t *into);
/* The token that we are logged in to, under "token". 0, or CTL_FAILED and said. */
int token_set(struct token_run *run, json_t *into) MUST_USE;

/* Every private key of the token (free()). 0, or CTL_FAILED and said. */
int keys_load(struct token_run *run, struct key_table **table) MUST_USE;
/* The one of that label. 0, or CTL_FAILED and said. */
int keys_find(const struct key_table *table, const char *label, size_t *index) MUST_USE;
/* Whether a key is one that the command line means: its arguments are labels, and none means all. */
bool keys_wants(const struct token_run *run, const struct sp_manage_key *key);
/* That each argument is some key's label. 0, or CTL_FAILED and said. */
int keys_check_labels(const struct token_run *run, const struct key_table *table) MUST_USE;

/* "label", "id", "type", "bits", "fingerprint", "public", "uri", or "why" of a key of no use. */
void key_describe(const struct token_run *run, const struct sp_manage_key *key, json_t *into);
/* "sensitive", "extractable", ...: true, false or null. */
void key_describe_attributes(const struct sp_manage_key *key, json_t *into);
/* "yes", "no" or "unknown" of such a member. */
const char *key_word(const json_t *row, const char *key);

/* "SHA256:..." of a blob. 0 or CTL_FAILED, and said. */
int key_fingerprint(struct sp_span blob, char text[KEY_FINGERPRINT_MAX]) MUST_USE;
/* "TYPE BASE64". 0 or CTL_FAILED, and said. */
int key_text(struct sp_span blob, char text[KEY_TEXT_MAX]) MUST_USE;
/* The other way round; a comment behind it is not looked at. `blob` has room for SP_KEY_BLOB_MAX. 0 or SP_E_MALFORMED. */
int key_from_text(const char *text, struct sp_out *blob) MUST_USE;

/* The n-th signature algorithm of a blob that a token can be asked for; NULL: there are no more. */
const struct sp_keytype_ops *key_algorithm(struct sp_span blob, size_t n);
/*
 * Signs in the token and verifies here: a signature blob is appended, and is the key's. 0, CTL_FINDING with the reason in
 * error->text.
 */
int key_sign(struct token_run *run, const struct sp_manage_key *key, const struct sp_keytype_ops *algorithm,
             struct sp_span message, struct sp_out *signature, struct sp_hostkey_error *error) MUST_USE;
/* One signature of a fixed text, so that a new key is known to be what the token says. 0, or CTL_FAILED and said. */
int key_prove(struct token_run *run, const struct sp_manage_key *key) MUST_USE;

/* --label, where it is needed: present, not too long, and no other key's. 0, CTL_USAGE, CTL_FINDING or CTL_FAILED, and said. */
int key_label_check(const struct token_run *run) MUST_USE;
int key_label_is_free(struct token_run *run) MUST_USE;
/* Destroys a new key that turned out to be none, and says so. */
void key_unmake(struct token_run *run, const struct sp_manage_key *key);
/* What the administrator needs of a new key. */
void key_new_show(const json_t *found);
