/*
 * How a generation comes to serve, step by step. Input: its tokens and its keys as they are. Output: `configured`, again whenever
 * keys have joined; or why not.
 *
 *   TOKENS --each is ready, or away for now--> PROVING --enough is proved--> READY --a token appears--> its keys join
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "signer/generation_parts.h"
#include "signer/host_keys.h"
#include "signer/policy_trust.h"
#include "signer/states.h"

/* How often in a row a token process may be lost before a configuration gives up on it for now; or find its token or a key
 * missing, which is a fact sooner, but may be a moment's. */
#define LOSSES_MAX 4u
#define MISSING_MAX 3u
#define WHY_MAX 2048u

/* One bit each. */
static uint32_t tokens_ready(const struct generation *g)
{
    static_assert(PLAN_TOKENS_MAX <= 32, "every token has a bit");
    uint32_t ready = 0;
    for (size_t i = 0; i < g->plan.token_count; i++)
        if (g->tokens[i]->state == TOKEN_READY)
            ready |= UINT32_C(1) << i;
    return ready;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

enum verdict { TOKEN_PENDING, TOKEN_THERE, TOKEN_AWAY, TOKEN_WRONG };

static bool is_late(const struct generation *g)
{
    return g->is_waiting || clock_ms() >= g->deadline_ms;
}

static enum verdict token_judge(const struct generation *g, const struct token *t)
{
    unsigned most = t->missing ? MISSING_MAX : LOSSES_MAX;
    if (t->state == TOKEN_READY || t->state == TOKEN_STOPPED)
        return t->state == TOKEN_READY ? TOKEN_THERE : TOKEN_WRONG;
    return is_late(g) || (t->state == TOKEN_WAITING && t->losses >= most) ? TOKEN_AWAY : TOKEN_PENDING;
}

/* Processes on one token start one after the other: where the first is away, the others have not been started. */
static enum verdict token_judge_nth(const struct generation *g, size_t i)
{
    const struct token *t = g->tokens[i], *first = g->tokens[i - t->spec.replica];
    enum verdict verdict = token_judge(g, t);
    return verdict == TOKEN_PENDING && token_judge(g, first) == TOKEN_AWAY ? TOKEN_AWAY : verdict;
}

static void token_complain(struct generation *g, const struct token *t)
{
    bool late = t->state != TOKEN_STOPPED && clock_ms() >= g->deadline_ms;
    generation_fail(g, "token %s of module %s%s: %s", t->spec.token[0] ? t->spec.token : "(any)",
                    t->spec.module, late ? " was not ready within TokenTimeout" : "",
                    t->why[0] ? t->why : "it cannot be used");
}

/* Whether it is known of every token if it is there. What is wrong ends the generation, and so does what is away and was
 * not before: a mistake in a token's name must not pass for a token that will come. */
static bool tokens_decided(struct generation *g)
{
    bool decided = true;
    for (size_t i = 0; i < g->plan.token_count; i++) {
        enum verdict verdict = token_judge_nth(g, i);
        if (verdict == TOKEN_WRONG || (verdict == TOKEN_AWAY && g->reload && !g->was_away[i])) {
            token_complain(g, g->tokens[i]);
            return false;
        }
        decided = decided && verdict != TOKEN_PENDING;
    }
    return decided;
}

/* ---- not enough -------------------------------------------------------------------------------------------------- */

/* Nothing can be signed yet. Each time that other tokens are there it is said again; the answer proper follows by itself. */
static void generation_wait(struct generation *g, const char *why)
{
    struct signer *s = g->signer;
    g->state = GENERATION_TOKENS;
    g->is_waiting = true;
    g->tried = tokens_ready(g);
    log_say(&s->log, LOG_LEVEL_ERROR, "keys_awaited", "generation %llu: no host key can sign yet: %s",
            (unsigned long long)g->id, why);
    signer_told(
        s, link_send(&s->monitor, unconfigured, .generation = g->id, .waits = true, .why = sp_text(why)));
}

/* Who has a configuration in force is refused; who has none is kept waiting, if there is anything to wait for. */
static void generation_lack(struct generation *g, const char *why)
{
    bool awaited = keys_in(g, KEY_AWAITED) != 0;
    for (size_t i = 0; i < g->plan.key_count; i++)
        if (g->keys[i].state != KEY_AWAITED)
            key_forget(g, i);
    if (g->reload || !awaited)
        generation_fail(g, "%s", why);
    else
        generation_wait(g, why);
}

/* What is the matter with the first key that would sign. */
static void trouble_describe(const struct generation *g, char why[WHY_MAX])
{
    size_t key = 0;
    while (key + 1 < g->plan.key_count && (g->keys[key].state != KEY_AWAITED || g->plan.keys[key].staged))
        key++;
    snprintf(why, WHY_MAX, "%s %s: %s", key_keyword(g, key), key_written(g, key), key_trouble(g, key));
}

/* A policy that can do nothing with the keys that are there may have waited for one that is not. */
static void policy_lack(struct generation *g, const char *error)
{
    char why[WHY_MAX], trouble[WHY_MAX];
    trouble_describe(g, trouble);
    bool awaited = keys_in(g, KEY_AWAITED) != 0;
    snprintf(why, sizeof why, "%.1000s%s%.900s", error, awaited ? "; " : "", awaited ? trouble : "");
    generation_lack(g, why);
}

/* ---- moving on --------------------------------------------------------------------------------------------------- */

static int proofs_begin(struct generation *g)
{
    struct config_error error;
    char why[WHY_MAX];
    if (g->is_waiting && tokens_ready(g) == g->tried)
        return 0;
    int r = keys_begin(g);
    if (r || g->state == GENERATION_FAILED)
        return r;
    if (keys_signing(g, KEY_PROVING) == 0) {
        trouble_describe(g, why);
        generation_lack(g, why);
        return 0;
    }
    r = policies_resolve(g, &error);
    if (r > 0)
        policy_lack(g, error.text);
    if (r)
        return r < 0 ? r : 0;
    g->state = GENERATION_PROVING;
    return keys_prove(g);
}

/* False: something newer has come into force while this one got ready. What is ready is not in force: the worker may yet
 * refuse it, and what was in force before must not be too old then. */
static bool policies_may_follow(struct generation *g)
{
    char why[1024];
    if (!g->accepted || policy_trust_check(g->signer->anchors, g->accepted, why, sizeof why) == 0)
        return true;
    generation_fail(g, "%s", why);
    return false;
}

static void absent_log(const struct generation *g)
{
    for (size_t i = 0; i < g->plan.key_count; i++)
        if (g->keys[i].state == KEY_AWAITED)
            log_say(&g->signer->log, LOG_LEVEL_WARNING, "host_key_absent",
                    "%s %s is not offered, as it is not there: %s; it will be when it is found",
                    key_keyword(g, i), key_written(g, i), key_trouble(g, i));
}

static void offer_answer(struct generation *g)
{
    struct signer *s = g->signer;
    g->state = GENERATION_READY;
    g->is_waiting = false;
    generation_replace(g);
    host_keys_tell(g);
    offer_tell(g);
    states_changed(s);
    log_say(&s->log, LOG_LEVEL_INFO, "keys_ready", "generation %llu: %zu of %zu host keys on %zu tokens, %s",
            (unsigned long long)g->id, keys_in(g, KEY_PROVEN), g->plan.key_count, g->plan.token_count,
            g->variants[0].effective->lists[POLICY_HOST_KEY]);
    absent_log(g);
    policies_log(g);
}

/* A token that was lost for good meanwhile is wrong after all. */
static bool any_token_is_stopped(struct generation *g)
{
    for (size_t i = 0; i < g->plan.token_count; i++)
        if (g->tokens[i]->state == TOKEN_STOPPED) {
            token_complain(g, g->tokens[i]);
            return true;
        }
    return false;
}

static int offer_begin(struct generation *g)
{
    struct config_error error;
    bool changed;
    int r = policies_resolve(g, &error);
    if (r > 0)
        policy_lack(g, error.text);
    if (r)
        return r < 0 ? r : 0;
    r = offer_renew(g, &changed);
    if (r == -EMSGSIZE)
        generation_fail(g, "the lists of all policies and the host keys are too long together");
    else if (r == 0 && policies_may_follow(g))
        offer_answer(g);
    return r == -EMSGSIZE ? 0 : r;
}

static int proofs_end(struct generation *g)
{
    char why[WHY_MAX];
    keys_end(g);
    if (g->state == GENERATION_FAILED || any_token_is_stopped(g))
        return 0;
    if (keys_signing(g, KEY_PROVEN) != 0)
        return offer_begin(g);
    trouble_describe(g, why);
    generation_lack(g, why);
    return 0;
}

/* ---- joining ----------------------------------------------------------------------------------------------------- */

/* Connections that are open keep their offer, and it is accepted from them as before. */
static int join_end(struct generation *g)
{
    struct config_error error;
    bool changed = false;
    keys_end(g);
    int r = policies_resolve(g, &error);
    if (r == 0)
        r = offer_renew(g, &changed);
    if (r > 0 || r == -EMSGSIZE) {
        log_say(&g->signer->log, LOG_LEVEL_ERROR, "offer_kept",
                "generation %llu: the offer stays as it was: %s", (unsigned long long)g->id,
                r > 0 ? error.text : "with the keys that were found it would be too long");
        r = 0;
    }
    if (r)
        return r;
    host_keys_tell(g);
    states_changed(g->signer);
    if (changed)
        offer_tell(g);
    return 0;
}

static int join_begin(struct generation *g)
{
    struct config_error error;
    int r = keys_begin(g);
    if (r || keys_in(g, KEY_PROVING) == 0)
        return r;
    /* With which algorithms they are wanted; what is wrong with that is said in the end. */
    r = policies_resolve(g, &error);
    return r < 0 ? r : keys_prove(g);
}

static int generation_join(struct generation *g)
{
    if (g->proofs_open != 0)
        return 0;
    return keys_in(g, KEY_PROVING) != 0 ? join_end(g) : join_begin(g);
}

/* ---- all ---------------------------------------------------------------------------------------------------------- */

void generation_step(struct generation *g)
{
    int r = 0;
    if (g->state == GENERATION_TOKENS && tokens_decided(g))
        r = proofs_begin(g);
    if (r == 0 && g->state == GENERATION_PROVING && g->proofs_open == 0)
        r = proofs_end(g);
    if (r == 0 && g->state == GENERATION_READY && !g->is_unheard &&
        keys_in(g, KEY_PROVEN) != g->plan.key_count)
        r = generation_join(g);
    if (r && g->state == GENERATION_READY)
        log_say(&g->signer->log, LOG_LEVEL_ERROR, "offer_kept", "generation %llu: keys cannot join it: %s",
                (unsigned long long)g->id, strerror(-r));
    else if (r)
        generation_fail(g, "preparing the host keys: %s", strerror(-r));
}
