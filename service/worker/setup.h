/*
 * What the zygote has prepared for one generation, shared read-only by every worker that it forks: nothing here is
 * looked up, fetched or allocated again once a client is connected.
 */
#pragma once

#include <sallyport/types.h>

#include "base/sandbox.h"
#include "base/util.h"
#include "config/config.h"
#include "ipc/log.h"
#include "worker/variant.h"

struct worker_setup {
    uint64_t generation;
    enum log_level log_level;
    struct config *config; /* as it is for everybody: no user is known here */
    uint8_t *offer_bytes;  /* owned; what `offer` points into */
    struct msg_offer offer;
    struct worker_variant variants[OFFER_VARIANTS_MAX]; /* the first is everybody's */
    size_t variant_count;
};

/*
 * From the monitor's `prepare`: the snapshot's lines and the signer's offer. Checks that this build has every algorithm
 * that is offered. 0; SETUP_E_REFUSED: *error says why; or -errno.
 */
enum {
    SETUP_E_REFUSED = 1,
};
int worker_setup_new(uint64_t generation, struct sp_span snapshot, struct sp_span offer,
                     struct worker_setup **setup, struct config_error *error) MUST_USE;
/* The variant of that policy (empty: the first), or NULL. */
const struct worker_variant *worker_setup_variant(const struct worker_setup *setup, struct sp_span policy);
void worker_setup_free(struct worker_setup *setup);
