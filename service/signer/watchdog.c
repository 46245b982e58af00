/* The watchdog. Input: time, and signatures that were verified (answer.c). Output: requests of our own, and keep-alives. */
#include "signer/watchdog.h"

#include "signer/generation.h"
#include "signer/signer.h"
#include "signer/token.h"

static uint64_t period_ms(const struct signer *s)
{
    return s->manager.watchdog_ms * WATCHDOG_SIGNATURE_PERIODS;
}

/* A process that has just been started has all of the time before it. */
static uint64_t last_ms(const struct signer *s, const struct token *t)
{
    uint64_t signed_ms = s->watchdog.slots[t->slot].signed_ms;
    return signed_ms > t->started_ms ? signed_ms : t->started_ms;
}

bool watchdog_is_content(const struct signer *s, const struct token *t, uint64_t now_ms)
{
    if (t->state != TOKEN_READY || now_ms < last_ms(s, t) + period_ms(s))
        return true;
    /* It is at work, and what takes it too long is its own timeout's business, which knows better what to do. */
    return t->in_flight.first && now_ms < t->in_flight.first->sent_us / 1000 + t->timeout_ms;
}

/* A key of that token that is in use, and what it can do; NULL: none, so there is nothing that it could be asked. */
static struct generation *generation_of(const struct signer *s, const struct token *t, size_t *key)
{
    for (struct generation *g = s->generations; g; g = g->next)
        for (size_t k = 0; g->state == GENERATION_READY && k < g->plan.key_count; k++)
            for (size_t i = 0; g->keys[k].proven.algorithm_count != 0 && i < g->plan.replicas; i++)
                if (g->tokens[g->plan.keys[k].first_token + i] == t) {
                    *key = k;
                    return g;
                }
    return NULL;
}

/* The same proof that a key makes when a configuration is loaded. */
static int proof_ask(struct signer *s, struct token *t, struct generation *g, size_t key, uint64_t now_ms)
{
    struct request *request;
    int r = generation_proof(g, key, g->keys[key].proven.algorithms[0], REQUEST_WATCH, now_ms + t->timeout_ms,
                             &request);
    if (r)
        return r;
    s->watchdog.slots[t->slot].asked_ms = now_ms;
    token_submit(t, request);
    return 0;
}

/* One at a time; one whose answer was dropped with its configuration is not waited for for ever. */
static bool is_asked(const struct signer *s, const struct token *t, uint64_t now_ms)
{
    uint64_t asked_ms = s->watchdog.slots[t->slot].asked_ms;
    return asked_ms != 0 && now_ms < asked_ms + 2 * t->timeout_ms;
}

static void token_ask(struct signer *s, struct token *t, uint64_t now_ms)
{
    size_t key;
    if (t->state != TOKEN_READY || is_asked(s, t, now_ms) || now_ms < last_ms(s, t) + period_ms(s) / 2)
        return;
    struct generation *g = generation_of(s, t, &key);
    if (!g)
        s->watchdog.slots[t->slot].signed_ms = now_ms; /* nothing is expected of it */
    else if (proof_ask(s, t, g, key, now_ms))
        log_say(&s->log, LOG_LEVEL_WARNING, "watchdog_unsigned",
                "token %s cannot be asked for a proof: out of memory", token_name(t));
}

bool watchdog_look(struct signer *s, uint64_t now_ms)
{
    bool all = true;
    for (size_t i = 0; i < SPAWNER_SLOTS; i++) {
        struct token *t = s->tokens[i];
        if (!t)
            continue;
        bool is_content =
            watchdog_is_content(s, t, now_ms); /* with what it was asked before, not with what follows */
        token_ask(s, t, now_ms);
        if (is_content)
            continue;
        if (!s->watchdog.is_silent)
            log_say(&s->log, LOG_LEVEL_ERROR, "watchdog_silent",
                    "token %s is ready, and has made no signature for %llu seconds: the service manager may "
                    "start this "
                    "program again",
                    token_name(t), (unsigned long long)((now_ms - last_ms(s, t)) / 1000));
        all = false;
    }
    s->watchdog.is_silent = !all;
    return all;
}

static int on_watchdog(void *context)
{
    struct signer *s = context;
    if (watchdog_look(s, clock_ms()))
        manager_say(&s->manager, "WATCHDOG=1");
    int r = loop_timer_set(s->watchdog.timer, s->manager.watchdog_ms);
    return r ? r : signer_settle(s);
}

int watchdog_start(struct signer *s)
{
    uint64_t interval_ms = s->manager.watchdog_ms;
    return interval_ms == 0 ? 0 : loop_add_timer(s->loop, interval_ms, on_watchdog, s, &s->watchdog.timer);
}

void watchdog_signed(struct signer *s, const struct request *request)
{
    s->watchdog.slots[request->token->slot].signed_ms = clock_ms();
    if (request->kind == REQUEST_WATCH)
        s->watchdog.slots[request->token->slot].asked_ms = 0;
}

void watchdog_failed(struct signer *s, const struct request *request, const char *why)
{
    s->watchdog.slots[request->token->slot].asked_ms = 0;
    log_say(&s->log, LOG_LEVEL_WARNING, "watchdog_unsigned",
            "token %s was asked for a proof, and did not sign: %s", token_name(request->token), why);
}
