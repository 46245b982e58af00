/*
 * Generations: their life. Input: `configure`, and what becomes of tokens and proofs. Output: `configured` with the offer, again
 * whenever keys have joined it; or `unconfigured` with one sentence that names what is wrong.
 *
 * What is wrong (a PIN that was refused, a key that cannot be what it is configured for) refuses a configuration. What is away
 * does not, as long as some other key signs; unless one is in force that had it, when it is taken for a mistake. A first
 * configuration without any key that signs is not refused either: it waits, and says so.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "signer/generation_parts.h"
#include "signer/policy_trust.h"

/* ---- ending ------------------------------------------------------------------------------------------------------ */

static void request_drop(struct signer *s, struct request *request)
{
    if (request->kind == REQUEST_SIGN) {
        signer_told(s, link_send(&s->monitor, sign_refused, .connection = request->connection,
                                 .reason = REASON_SERVICE_NOT_AVAILABLE,
                                 .text = sp_text("service not available"),
                                 .why = sp_text("its configuration was dropped")));
        budget_done(s->budget, request->connection);
    }
    request_cancel(s, request);
}

static void room_drop(struct signer *s, const struct generation *g, struct fair *room)
{
    for (struct request *request = room->oldest, *next; request; request = next) {
        next = request->younger;
        if (request->generation == g)
            request_drop(s, request);
    }
}

static void list_drop(struct signer *s, const struct generation *g, struct request_list *list)
{
    for (struct request *request = list->first, *next; request; request = next) {
        next = request->next;
        if (request->generation == g)
            request_drop(s, request);
    }
}

static void generation_free(struct generation *g)
{
    struct signer *s = g->signer;
    prover_drop(s, g);
    room_drop(s, g, &s->delayed);
    list_drop(s, g, &s->ledger.held);
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i]) {
            room_drop(s, g, &s->tokens[i]->waiting);
            list_drop(s, g, &s->tokens[i]->in_flight);
        }
    for (size_t i = 0; i < g->plan.token_count; i++)
        if (g->tokens[i])
            token_release(g->tokens[i]);
    for (size_t i = 0; i < PLAN_KEYS_MAX; i++)
        free(g->keys[i].blob);
    for (size_t i = 0; i < g->certificate_count; i++)
        host_certificate_free(&g->certificates[i].read);
    for (size_t i = 0; i < g->variant_count; i++)
        variant_free(&g->variants[i]);
    variant_free(&g->reported);
    plan_free(&g->plan);
    config_free(g->config);
    config_source_free(g->source);
    offers_free(g);
    free(g->accepted);
    free(g);
}

void generation_fail(struct generation *g, const char *format, ...)
{
    char why[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    g->state = GENERATION_FAILED;
    signer_told(g->signer,
                link_send(&g->signer->monitor, unconfigured, .generation = g->id, .why = sp_text(why)));
}

static void generations_drop(struct signer *s, bool (*unwanted)(const struct generation *, const void *),
                             const void *context)
{
    for (struct generation **at = &s->generations; *at;) {
        struct generation *g = *at;
        if (!unwanted(g, context)) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        generation_free(g);
    }
}

static bool is_failed(const struct generation *g, const void *context)
{
    return g->state == GENERATION_FAILED;
}

static bool has_id(const struct generation *g, const void *context)
{
    return g->id == *(const uint64_t *)context;
}

static bool is_unanswered(const struct generation *g, const void *context)
{
    return g->state != GENERATION_READY;
}

static bool is_any(const struct generation *g, const void *context)
{
    return true;
}

/* An older generation of the same number, which a monitor that was started afresh counts from the beginning again. */
static bool is_replaced(const struct generation *g, const void *context)
{
    const struct generation *by = context;
    return g != by && g->id == by->id;
}

void generation_replace(struct generation *g)
{
    generations_drop(g->signer, is_replaced, g);
}

void generation_forget(struct signer *s, uint64_t id)
{
    generations_drop(s, has_id, &id);
}

void generations_monitor_lost(struct signer *s)
{
    generations_drop(s, is_unanswered, NULL);
    for (struct generation *g = s->generations; g; g = g->next)
        g->is_unheard = true;
}

void generations_free(struct signer *s)
{
    generations_drop(s, is_any, NULL);
}

struct generation *generation_find(struct signer *s, uint64_t id)
{
    for (struct generation *g = s->generations; g; g = g->next)
        if (g->id == id && g->state == GENERATION_READY)
            return g;
    return NULL;
}

/* Without a choice there is nothing to evaluate: the common case costs nothing. */
int generation_variant(const struct generation *g, const struct config_who *who, size_t *variant)
{
    struct config *config = NULL;
    struct config_error unused;
    const char *spec = g->variants[0].spec;
    int r = g->variant_count == 1 ? 0 : config_evaluate(g->source, who, &config, &unused);
    if (config)
        spec = config_policy_spec(config);
    size_t i = 0;
    while (r == 0 && i < g->variant_count && strcmp(g->variants[i].spec, spec) != 0)
        i++;
    config_free(config);
    if (r || i == g->variant_count)
        return r < 0 ? r : -EINVAL;
    *variant = i;
    return 0;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static size_t generations_count(const struct signer *s)
{
    size_t count = 0;
    for (const struct generation *g = s->generations; g; g = g->next)
        count++;
    return count;
}

int generation_begin(struct signer *s, uint64_t id, bool reload, int snapshot_fd)
{
    bool room = generations_count(s) < GENERATIONS_MAX;
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    *g = (struct generation){.signer = s, .id = id, .reload = reload, .next = s->generations};
    s->generations = g;
    if (!room) {
        generation_fail(g, "more than %u configurations are still in use by connections", GENERATIONS_MAX);
        return 0;
    }
    int r = generation_read(g, snapshot_fd);
    return r || g->state == GENERATION_FAILED ? r : generation_acquire(g);
}

int generation_serve(struct generation *g, bool first, char *why, size_t why_size)
{
    return first && g->accepted ? policy_trust_keep(g->signer, g->accepted, why, why_size) : 0;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void generations_settle(struct signer *s)
{
    for (struct generation *g = s->generations; g; g = g->next)
        generation_step(g);
    generations_drop(s, is_failed, NULL);
}
