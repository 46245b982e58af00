/*
 * How generations begin. Input: the sealed snapshot that came with `configure`. Output: policies that can be chosen, and uses of
 * tokens.
 *
 * Why the snapshot may be believed: it comes from the monitor, which is the one program that reads the configuration, and
 * its seals say that nobody can change it any more. What it could do at worst is bounded elsewhere: modules are root's
 * (base/root_file.c), and only transcripts and proofs are ever signed.
 */
#include <errno.h>
#include <time.h>

#include "base/fd.h"
#include "signer/generation_parts.h"
#include "signer/policy_trust.h"

/* Every policy that the configuration can choose, so that a bad one is refused now. */
static int policies_load(struct generation *g, struct config_error *error)
{
    CLEANUP(config_policies_free) struct config_policies policies = {0};
    int r = config_policies_check(g->source, 0, error);
    if (r == 0)
        r = config_policies_find(g->source, g->config, &policies, error);
    for (size_t i = 0; r == 0 && i < policies.count; i++)
        r = variant_load(&g->variants[g->variant_count++], g->source, g->config, policies.specs[i], error);
    return r ? r : variant_load_reported(&g->reported, g->source, g->config, error);
}

/* Signatures, by what root has told us, whatever the snapshot itself says of that. */
static int policies_judge(struct generation *g)
{
    const struct policy_anchors *anchors = g->signer->anchors;
    const char *oddity = policy_trust_oddity(anchors, g->config);
    char why[2048];
    if (oddity)
        log_say(&g->signer->log, LOG_LEVEL_WARNING, "policy_trust", "PolicyTrust %s: %s",
                g->config->policy_trust, oddity);
    if (!anchors)
        return 0;
    g->accepted = calloc(1, sizeof *g->accepted);
    if (!g->accepted)
        return -ENOMEM;
    int r =
        policy_trust_accept(anchors, g->source, g->config, (int64_t)time(NULL), g->accepted, why, sizeof why);
    if (r > 0)
        generation_fail(g, "%s", why);
    return r < 0 ? r : 0;
}

int generation_read(struct generation *g, int snapshot_fd)
{
    static const struct config_who nobody = {0};
    struct config_error error = {{0}};
    struct sp_span bytes;
    int r = fd_sealed_map(snapshot_fd, CONFIG_SNAPSHOT_MAX, &bytes);
    if (r) {
        generation_fail(g, "the configuration's snapshot cannot be read");
        return 0;
    }
    r = config_source_unpack(bytes, &g->source, &error);
    if (r == 0)
        r = config_evaluate(g->source, &nobody, &g->config, &error);
    if (r == 0)
        r = policies_judge(g);
    if (r == 0 && g->state != GENERATION_FAILED)
        r = policies_load(g, &error);
    fd_sealed_unmap(bytes);
    if (r > 0) {
        generation_fail(g, "%s", error.text);
        return 0;
    }
    return r || g->state == GENERATION_FAILED ? r : certificates_read(g);
}

/* Before it is asked for anew, which is a reason to look again. */
static void tokens_look(struct generation *g)
{
    for (size_t i = 0; i < g->plan.token_count; i++)
        g->was_away[i] = token_is_away(g->signer, &g->plan.tokens[i]);
}

int generation_acquire(struct generation *g)
{
    char why[1024];
    uint64_t timeout_ms = (uint64_t)g->config->token_timeout_s * 1000;
    int r = plan_make(g->config, &g->plan, why, sizeof why);
    if (r > 0) {
        generation_fail(g, "%s", why);
        return 0;
    }
    if (r == 0)
        tokens_look(g);
    for (size_t i = 0; r == 0 && i < g->plan.token_count; i++)
        r = token_acquire(g->signer, &g->plan.tokens[i], timeout_ms, g->config->token_queue, &g->tokens[i]);
    g->deadline_ms =
        clock_ms() + timeout_ms + 1000; /* a token's own timeout speaks first, with a better reason */
    if (r == -EAGAIN) {
        generation_fail(g, "more than %u token processes", SPAWNER_SLOTS);
        return 0;
    }
    return r;
}
