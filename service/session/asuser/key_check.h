/* Whether a key may log its user in: is it well formed, strong enough, listed, and is the signature its own? */
#pragma once

#include <sys/types.h>

#include "ipc/messages.h"

#include "session/asuser/key_options.h"

#define KEY_PATHS_MAX 512u /* as many as a line of the configuration has arguments */

/* What helper_open said, copied. */
struct key_owner {
    char home[4097];
    char *paths[KEY_PATHS_MAX]; /* owned */
    size_t path_count;
    uid_t uid;
    bool known;
    bool strict_modes;
    char remote_address[65];
    unsigned rsa_bits_min;
};

/* 0, -EPROTO (more than we take) or -ENOMEM. */
int key_owner_set(const struct msg_helper_open *open, struct key_owner *owner) SP_MUST_USE;
void key_owner_free(struct key_owner *owner);

struct key_verdict {
    enum sp_verdict verdict;
    char fingerprint[128];
    char detail[1024];
    struct key_options options; /* of the line that lists it */
};

/* Always gives a verdict; SP_VERDICT_GOOD only if the key is listed without objection and, for a signed request, the
 * signature is right. */
void key_check(const struct key_owner *owner, const struct msg_helper_check *request,
               struct key_verdict *verdict);
