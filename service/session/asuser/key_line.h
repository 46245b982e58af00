/* One line of an authorized_keys file, taken apart: sshd(8) AUTHORIZED_KEYS FILE FORMAT; and of the files like it. */
#pragma once

#include <sallyport/types.h>

#define KEY_LINE_MAX 16384u /* octets of a line; a longer one is no line at all */

struct key_line {
    struct sp_span options; /* as written; empty: none */
    struct sp_span type;
    struct sp_span base64;
};

enum {
    KEY_LINE_E_EMPTY = 1,   /* blank or a comment */
    KEY_LINE_E_INVALID = 2, /* not of the format */
};

/* Spans borrow from the line, which is without its line feed. */
int key_line_parse(struct sp_span line, struct key_line *parsed) SP_MUST_USE;

/* One line of AuthorizedPrincipalsFile: "[options] principal". */
struct principal_line {
    struct sp_span options, principal;
};

int principal_line_parse(struct sp_span line, struct principal_line *parsed) SP_MUST_USE;

/* Of a list of keys without options ("type base64 comment"): blank or a comment; and its first two words, which may be
 * empty. Nothing is said about whether they are a key. */
bool key_line_is_empty(struct sp_span line);
void key_line_words(struct sp_span line, struct sp_span *type, struct sp_span *base64);
