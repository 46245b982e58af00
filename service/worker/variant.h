/*
 * One policy as workers use it: what they say first, made ahead of time by the zygote if it is the same for everybody at
 * any time, and for each client when it is due otherwise.
 */
#pragma once

#include "base/util.h"
#include "config/config.h"
#include "ipc/offer.h"

struct worker_variant {
    struct msg_variant said; /* spans into the setup's offer */
    struct sp_span keys;     /* likewise */
    /* Prepared payloads, owned; empty unless the lists are constant. The cookie of both KEXINITs is zeros. */
    struct sp_span kexinit_first, kexinit_later; /* with the markers, and without */
    struct sp_span ext_info;                     /* the whole EXT_INFO payload (RFC 8308 section 2.3) */
};

/*
 * Checks that this build has every algorithm that the variant may ever offer, and prepares what can be. 0;
 * SETUP_E_REFUSED: *error says why; or -errno. The caller frees it in any case.
 */
int variant_prepare(struct worker_variant *variant, const struct msg_variant *said, struct sp_span keys,
                    struct config_error *error) MUST_USE;
void variant_free(struct worker_variant *variant);

/* Our KEXINIT for a client at that time, with a cookie of zeros, appended. 0 or -errno. */
int variant_kexinit(const struct worker_variant *variant, const char *address, int64_t now, bool first,
                    struct sp_out *payload) MUST_USE;
/* EXT_INFO likewise. */
int variant_ext_info(const struct worker_variant *variant, const char *address, int64_t now,
                     struct sp_out *payload) MUST_USE;
