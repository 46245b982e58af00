/* Whether a key may be taken off the list of host keys. */
#pragma once

#include "config/config.h"
#include "ctl/ctl.h"

/*
 * A certificate of a key that is not listed any more would have the server refuse its configuration. What the keys are the running
 * server knows. CTL_OK, CTL_FINDING or CTL_FAILED, and said.
 */
int retirement_check(const struct ctl_options *o, const struct config_source *source,
                     const struct config *config, const char *uri) MUST_USE;

/* The certificate of the key with this fingerprint among those of a configuration; NULL: there is none. One that cannot be read
 * is none here: the server says so by itself. */
const char *retirement_certificate(const struct config_source *source, const struct config *config,
                                   const char *fingerprint);
