/*
 * What follows from events, and from time alone. Input: the state that handlers left. Output: generations answered, links
 * closed, requests let go, and the tick: it runs while anything is under way and at no other time.
 */
#include <sys/epoll.h>

#include "signer/generation.h"
#include "signer/settle.h"
#include "signer/signer.h"
#include "signer/token.h"

void signer_told(struct signer *s, int send_result)
{
    if (send_result != 0)
        s->monitor_failed = true;
}

static bool is_busy(const struct signer *s)
{
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i] && token_is_busy(s->tokens[i]))
            return true;
    for (const struct generation *g = s->generations; g; g = g->next)
        if (g->state != GENERATION_READY)
            return true;
    return s->delayed.oldest != NULL || prover_is_busy(s);
}

static int tick_arm(struct signer *s)
{
    if (s->ticking || !is_busy(s))
        return 0;
    s->ticking = true;
    return loop_timer_set(s->tick, TICK_MS);
}

/* Has the loop watch for room in a link exactly while something waits to be written to it. */
static int link_watch(struct link *link, struct loop_source *source, bool *writing)
{
    bool wants = link_is_open(link) && link_wants_write(link);
    if (!source || wants == *writing)
        return 0;
    *writing = wants;
    return loop_modify(source, wants ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int signer_settle(struct signer *s)
{
    if (s->monitor_failed)
        monitor_drop(s);
    generations_settle(s);
    tokens_sweep(s);
    prover_pump(s);
    if (s->monitor_failed)
        monitor_drop(s);
    int r = link_watch(&s->monitor, s->monitor_source, &s->monitor_writing);
    if (r == 0)
        r = link_watch(&s->spawner, s->spawner_source, &s->spawner_writing);
    for (size_t i = 0; r == 0 && i < SPAWNER_SLOTS; i++)
        if (s->tokens[i])
            r = link_watch(&s->tokens[i]->link, s->tokens[i]->source, &s->tokens[i]->writing);
    return r ? r : tick_arm(s);
}

/* Requests whose connection is within its budget again. */
static void delayed_release(struct signer *s, uint64_t now_ms)
{
    for (struct request *request = s->delayed.oldest, *next; request; request = next) {
        next = request->younger;
        if (request->release_ms > now_ms)
            continue;
        fair_remove(&s->delayed, request);
        struct token *t = generation_place(request);
        if (t)
            token_submit(t, request);
        else
            request_failed(s, request, "its token is stopped");
    }
}

int on_tick(void *context)
{
    struct signer *s = context;
    uint64_t now = clock_ms();
    s->ticking = false;
    delayed_release(s, now);
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i])
            token_tick(s->tokens[i], now);
    return signer_settle(s);
}
