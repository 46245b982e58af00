/*
 * Look-up of built-in modules by name. Each function is in a file of its own (modules/registry_<kind>.c), so that
 * a program links only the kinds it calls for.
 */
#pragma once

#include <sallyport/cipher.h>
#include <sallyport/digest.h>
#include <sallyport/kex.h>
#include <sallyport/keytype.h>
#include <sallyport/mac.h>

/* NULL if this build has no module of that name. The *_at functions give NULL past the end. */
const struct sp_kex_info *kex_info_find(struct sp_span name);
const struct sp_kex_info *kex_info_at(size_t index);
const struct sp_kex_ops *kex_find(struct sp_span name);
const struct sp_kex_ops *kex_at(size_t index);
const struct sp_cipher_ops *cipher_find(struct sp_span name);
const struct sp_cipher_ops *cipher_at(size_t index);
const struct sp_mac_ops *mac_find(struct sp_span name);
const struct sp_mac_ops *mac_at(size_t index);
const struct sp_digest_ops *digest_find(struct sp_span name);
const struct sp_digest_ops *digest_at(size_t index);
const struct sp_keytype_ops *keytype_find(struct sp_span name);
const struct sp_keytype_ops *keytype_at(size_t index);
