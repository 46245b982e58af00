/* What the files of a generation do for each other; generation.h is what others may know. */
#pragma once

#include "signer/generation.h"

/* generation.c: says no, once and for all. */
void generation_fail(struct generation *g, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops what it is put in the place of: older ones of its number, of a monitor that began to count anew. */
void generation_replace(struct generation *g);
/* generation_steps.c: as far as it goes now. */
void generation_step(struct generation *g);

/* generation_begin.c: the configuration, its policies and its tokens. 0 (a failure that is the configuration's is said) or
 * -errno. */
int generation_read(struct generation *g, int snapshot_fd) MUST_USE;
int generation_acquire(struct generation *g) MUST_USE;

/* generation_keys.c */
/* Has every key that was found since copied, to be proved. 0 (what is wrong with one is said) or -errno. */
int keys_begin(struct generation *g) MUST_USE;
/* Asks for the proofs of those. 0 or -errno. */
int keys_prove(struct generation *g) MUST_USE;
/* Draws the conclusion: PROVEN, WRONG, or AWAITED again if its token was lost meanwhile. */
void keys_end(struct generation *g);
/* As if it had not been found. */
void key_forget(struct generation *g, size_t key);
size_t keys_in(const struct generation *g, enum key_state state);
/* Of those, the ones that sign exchanges: none that is staged. */
size_t keys_signing(const struct generation *g, enum key_state state);
/* "HostKey", and what stands behind it. */
const char *key_keyword(const struct generation *g, size_t key);
const char *key_written(const struct generation *g, size_t key);
/* Why a key is awaited: what is the matter with its token. */
const char *key_trouble(const struct generation *g, size_t key);

/* generation_certificates.c */
int certificates_read(struct generation *g) MUST_USE;
/* To keys that have been found since. */
void certificates_place(struct generation *g);
/* A certificate's own algorithms, as far as the key in it can sign with their plain ones. */
void certificate_offer(const struct generation_certificate *certificate, const struct proven_key *plain,
                       struct variant_key *offered);

/* generation_offer.c */
enum {
    OFFER_E_NOTHING = 1, /* no policy can do with the keys that are there; *error says why */
};
/* Resolves every policy for the keys that are proven, and for those that are to be proved. 0, OFFER_E_NOTHING or -errno. */
int policies_resolve(struct generation *g, struct config_error *error) MUST_USE;
/* Whether some policy may have this key sign with this algorithm, by itself or through a certificate of it. */
bool algorithm_is_wanted(const struct generation *g, size_t key, const struct sp_keytype_ops *plain);
/* Makes the offer of what is proven. *changed: it is another one than before. 0, -EMSGSIZE or -errno. */
int offer_renew(struct generation *g, bool *changed) MUST_USE;
void offers_free(struct generation *g);
/* Tells the monitor. */
void offer_tell(struct generation *g);
void policies_log(const struct generation *g);
