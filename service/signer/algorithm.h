/*
 * What a public key can sign with, and how a token is asked for it. Pure.
 */
#pragma once

#include <sallyport/keytype.h>

#include "base/util.h"
#include "ipc/messages.h"

/*
 * The n-th signature algorithm of a key blob, or NULL. *bits is the key's size; a blob that its own algorithm finds
 * malformed or too weak has none.
 */
const struct sp_keytype_ops *algorithm_of_key(struct sp_span blob, size_t n, unsigned *bits);

/* 0 if no token can be asked for it. */
enum token_mechanism algorithm_mechanism(const struct sp_keytype_ops *keytype);

/* What a token is given for a message: the digest that the algorithm begins with, or the message. 0 or -errno. */
int algorithm_input(const struct sp_keytype_ops *keytype, struct sp_span message,
                    struct sp_out *input) MUST_USE;

/* The key exchange methods that this machine's libcrypto offers; of those, the post-quantum ones alone. 0 or -ENOSPC. */
int algorithm_available_kex(char *list, size_t size, bool post_quantum_only) MUST_USE;

/* Appends a name to a comma-separated list. 0 or -ENOSPC. */
int list_append(char *list, size_t size, const char *name) MUST_USE;
