/*
 * Look-up of modules by name, built in but for the MACs that a program has added. Each function is in a file of its own (modules/registry_<kind>.c), so that
 * a program links only the kinds it calls for.
 */
#pragma once

#include <sallyport/auth.h>
#include <sallyport/cipher.h>
#include <sallyport/compression.h>
#include <sallyport/digest.h>
#include <sallyport/kex.h>
#include <sallyport/keytype.h>
#include <sallyport/mac.h>

/* All names of a kind that negotiation knows, comma-separated, "none" of compression among them; links no module. */
const char *registry_names(enum sp_module_kind kind);

/* NULL if this build has no module of that name. The *_at functions give NULL past the end. */
const struct sp_kex_info *kex_info_find(struct sp_span name);
const struct sp_kex_info *kex_info_at(size_t index);
const struct sp_kex_ops *kex_find(struct sp_span name);
const struct sp_kex_ops *kex_at(size_t index);
const struct sp_cipher_ops *cipher_find(struct sp_span name);
const struct sp_cipher_ops *cipher_at(size_t index);
const struct sp_mac_ops *mac_find(struct sp_span name);
const struct sp_mac_ops *mac_at(size_t index);
const struct sp_compression_ops *compression_find(struct sp_span name);
const struct sp_compression_ops *compression_at(size_t index);
const struct sp_digest_ops *digest_find(struct sp_span name);
const struct sp_digest_ops *digest_at(size_t index);
const struct sp_keytype_ops *keytype_find(struct sp_span name);
const struct sp_keytype_ops *keytype_at(size_t index);
const struct sp_auth_wire_ops *auth_wire_find(struct sp_span name);
const struct sp_auth_wire_ops *auth_wire_at(size_t index);

/* One module more of its kind, which has to stay as it is from now on. For programs with one thread, as they start. 0;
 * SP_E_REFUSED: its sizes are none for SSH, or an operation is missing; -EEXIST: its name is taken; -ENOSPC. */
#define SP_LOADED_MACS_MAX 16u
SP_MUST_USE int mac_add(const struct sp_mac_ops *mac);

/*
 * Each makes everything ahead of time that its kind's modules look up or compute at their first use, so that forks
 * share it and nothing of it is left to do behind a lock-down. Call from the program's start, after which these
 * modules open no file. A built-in kex, cipher, MAC or keytype that cannot be prepared is none that this machine has: it is
 * neither found nor counted afterwards. 0 or the first negative errno. kex_prepare and kex_info_prepare are apart for who links which.
 */
SP_MUST_USE int kex_info_prepare(void);
SP_MUST_USE int kex_prepare(void);
SP_MUST_USE int cipher_prepare(void);
SP_MUST_USE int mac_prepare(void);
SP_MUST_USE int compression_prepare(void);
SP_MUST_USE int digest_prepare(void);
SP_MUST_USE int keytype_prepare(void);
/* All kinds of the transport: kex with its descriptions, cipher, mac, compression and digest. For the worker's zygote. */
SP_MUST_USE int modules_prepare(void);
