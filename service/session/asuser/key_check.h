/* Whether a key may log its user in: is it sound, not revoked, let in by somebody, and is the signature its own? */
#pragma once

#include "session/asuser/key_owner.h"
#include "session/asuser/key_subject.h"

struct key_verdict {
    enum sp_verdict verdict;
    bool unlisted;         /* refused because nobody lists it */
    char fingerprint[128]; /* of the plain key */
    char detail[1024];
    struct key_objection objection; /* if it was refused by a rule in force; points into the request */
    char certificate[512];          /* which it was, for the log; "": none */
    char reported_detail[256];      /* of what was accepted with its signature */
    struct key_objection reported;
    struct key_options options; /* what it may and has to do */
    struct key_subject subject; /* what was presented, while it is judged */
};

/* Always gives a verdict; SP_VERDICT_GOOD only if the key is let in without objection and, for a signed request, the
 * signature is right. */
void key_check(const struct key_owner *owner, const struct msg_helper_check *request,
               struct key_verdict *verdict);
