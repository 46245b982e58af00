/*
 * Judging keys, as the user. Input: a request's blob and signature (hostile), the user's files (his own), the
 * administrator's lists. Output: a verdict. RFC 4252 section 7; PROTOCOL.certkeys and PROTOCOL.u2f of OpenSSH.
 */
#include "session/asuser/key_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "session/asuser/key_search.h"

static struct key_subject_rules rules_of(const struct key_policy *policy)
{
    return (struct key_subject_rules){
        .sizes = &policy->sizes, .ca_algorithms = sp_text(policy->ca_algorithms), .now = (int64_t)time(NULL)};
}

static bool is_sound(const struct key_owner *owner, const struct msg_helper_check *request,
                     struct key_verdict *verdict)
{
    const struct key_subject_rules rules = rules_of(&owner->in_force);
    int r = key_subject_open(request->algorithm, request->blob, &rules, &verdict->subject, verdict->detail,
                             sizeof verdict->detail);
    snprintf(verdict->fingerprint, sizeof verdict->fingerprint, "%s", verdict->subject.fingerprint);
    verdict->objection = verdict->subject.objection;
    return r == 0;
}

static bool is_revoked(const struct key_owner *owner, struct key_verdict *verdict)
{
    char why[128] = "";
    if (!owner->revoked.present || revoked_check(&owner->revoked, &verdict->subject, why, sizeof why) == 0)
        return false;
    snprintf(verdict->detail, sizeof verdict->detail, "RevokedKeys: %.512s: %s", owner->revoked_path, why);
    return true;
}

/* A touch is needed unless everybody who has a say lets it be; a PIN or the like if anybody asks for it. */
static bool is_touched(const struct key_owner *owner, const struct sp_signature_facts *facts,
                       struct key_verdict *verdict)
{
    if (!facts->by_authenticator)
        return true;
    bool touch = owner->touch_required || !verdict->options.no_touch;
    bool verify = owner->verify_required || verdict->options.verify;
    const char *missing = touch && !facts->user_present ? "touch-required: nobody touched the authenticator"
                          : verify && !facts->user_verified
                              ? "verify-required: the authenticator did not verify its user"
                              : NULL;
    if (missing)
        snprintf(verdict->detail, sizeof verdict->detail, "%s", missing);
    return !missing;
}

static bool is_signed(const struct key_owner *owner, const struct msg_helper_check *request,
                      struct key_verdict *verdict)
{
    struct sp_signature_facts facts = {0};
    if (verdict->subject.keytype->verify(request->blob, request->signature, request->data, &facts) !=
        SP_VERDICT_GOOD) {
        snprintf(verdict->detail, sizeof verdict->detail, "wrong signature");
        return false;
    }
    return is_touched(owner, &facts, verdict);
}

/* For the log: which certificate it was. */
static void certificate_describe(struct key_verdict *verdict)
{
    const struct sp_certificate *certificate = &verdict->subject.certificate;
    if (!verdict->subject.certified)
        return;
    snprintf(verdict->certificate, sizeof verdict->certificate,
             "certificate \"%.*s\" serial %" PRIu64 " of %s",
             (int)(certificate->key_id.size < 128 ? certificate->key_id.size : 128),
             certificate->key_id.data ? (const char *)certificate->key_id.data : "", certificate->serial,
             verdict->subject.ca_fingerprint);
}

static bool is_let_in(const struct key_owner *owner, struct key_verdict *verdict)
{
    if (key_search(owner, &verdict->subject, &verdict->options, verdict->detail, sizeof verdict->detail))
        return owner->known;
    verdict->unlisted = !verdict->detail[0];
    if (verdict->unlisted)
        snprintf(verdict->detail, sizeof verdict->detail, "%s",
                 verdict->subject.certified ? "no such certificate authority" : "no such key");
    return false;
}

static enum sp_verdict judge(const struct key_owner *owner, const struct msg_helper_check *request,
                             struct key_verdict *verdict)
{
    if (!is_sound(owner, request, verdict) || is_revoked(owner, verdict) || !is_let_in(owner, verdict))
        return SP_VERDICT_BAD;
    if (request->signed_request && !is_signed(owner, request, verdict))
        return SP_VERDICT_BAD;
    return SP_VERDICT_GOOD;
}

/* PolicyMode report: only of what logs somebody in, so that nobody else waits for it. */
static void reported_judge(const struct key_owner *owner, struct key_verdict *verdict)
{
    const struct key_subject_rules rules = rules_of(&owner->reported);
    if (owner->reported.known && key_subject_check_rules(&verdict->subject, &rules, verdict->reported_detail,
                                                         sizeof verdict->reported_detail))
        verdict->reported = verdict->subject.objection;
}

void key_check(const struct key_owner *owner, const struct msg_helper_check *request,
               struct key_verdict *verdict)
{
    *verdict = (struct key_verdict){.verdict = SP_VERDICT_BAD};
    enum sp_verdict judged = judge(owner, request, verdict);
    certificate_describe(verdict);
    if (judged != SP_VERDICT_GOOD)
        return;
    if (request->signed_request)
        reported_judge(owner, verdict);
    verdict->verdict = SP_VERDICT_GOOD;
}
