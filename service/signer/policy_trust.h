/*
 * Trust anchors: whose signatures a policy needs before the signer signs anything under it. They come from a file named
 * on the command line, which root alone can have written, and are read before the signer locks itself down; never from the
 * snapshot, which an unprivileged process brings. What is judged by them is all that the snapshot says of policies: its
 * files, which of them were chosen, and the configuration's own lines that change them.
 */
#pragma once

#include "config/source.h"
#include "policy/trust.h"
#include "signer/serials.h"
#include "signer/signer.h"

struct policy_anchors {
    char path[PATH_MAX]; /* as on the command line */
    struct policy_trust *trust;
    char policy[POLICY_SPEC_MAX]; /* the one that was chosen by whoever started us; "": any that is signed */
    bool is_told;                 /* what is remembered has been heard of */
    struct serials serials;       /* what was accepted before */
    char unusable[1024];          /* why nobody knows that, or will after a restart; or "" */
};

enum {
    POLICY_TRUST_E_REFUSED = 1, /* `why` says which file and what is wrong with it */
};

/* Reads the file; the spawner has yet to say what is remembered. 0, POLICY_TRUST_E_REFUSED or -errno. */
int policy_trust_open(const char *path, const char *policy, struct policy_anchors **anchors, char *why,
                      size_t why_size) MUST_USE;
void policy_trust_close(struct policy_anchors *anchors);

/* Takes what the spawner remembers. 0 or a negative errno; *why is what is wrong with it, or "". */
int policy_trust_remember(struct policy_anchors *anchors, const struct msg_policy_serials *message, char *why,
                          size_t why_size) MUST_USE;

/*
 * Whether a configuration's policies are what the anchors allow. now: seconds since the epoch. *accepted are the serials
 * to be remembered once somebody is served by it (policy_trust_keep()). 0, POLICY_TRUST_E_REFUSED or a negative errno.
 */
int policy_trust_accept(const struct policy_anchors *anchors, const struct config_source *source,
                        const struct config *config, int64_t now, struct serials *accepted, char *why,
                        size_t why_size) MUST_USE;
/* Whether they are still what may follow: 0, or POLICY_TRUST_E_REFUSED, as something newer has served somebody since. */
int policy_trust_check(const struct policy_anchors *anchors, const struct serials *accepted, char *why,
                       size_t why_size) MUST_USE;
/*
 * A client is about to be served by a configuration's policies: what follows them may not be older. Has the spawner write
 * that down, unless it has before. 0, or POLICY_TRUST_E_REFUSED as above, and then nothing is changed.
 */
int policy_trust_keep(struct signer *s, const struct serials *accepted, char *why, size_t why_size) MUST_USE;

/* What is odd about the snapshot's own PolicyTrust, which decides nothing, or NULL. anchors may be NULL. */
const char *policy_trust_oddity(const struct policy_anchors *anchors, const struct config *config);
