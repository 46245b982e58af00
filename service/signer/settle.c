/*
 * What follows from events, and from time alone. Input: the state that handlers left. Output: generations answered, links
 * closed, requests let go, and the tick: it runs while anything is under way and at no other time.
 */
#include <sys/epoll.h>

#include "signer/generation.h"
#include "signer/settle.h"
#include "signer/signer.h"
#include "signer/states.h"
#include "signer/token.h"

void signer_told(struct signer *s, int send_result)
{
    if (send_result != 0)
        s->monitor_failed = true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The next time that something is to be done without an event: UINT64_MAX if only events can bring it. */
static uint64_t due_ms(const struct signer *s, uint64_t now_ms)
{
    uint64_t due = s->delayed.oldest || prover_is_busy(s) ? now_ms : UINT64_MAX;
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i])
            due = earlier(due, token_due_ms(s->tokens[i], now_ms));
    for (const struct generation *g = s->generations; g; g = g->next)
        if (g->state != GENERATION_READY && !g->is_waiting)
            due = now_ms;
    return earlier(due, states_due_ms(s, now_ms));
}

static int tick_arm(struct signer *s)
{
    uint64_t now = clock_ms(), due = due_ms(s, now);
    if (due == UINT64_MAX || (s->ticking && s->tick_at_ms <= due))
        return 0;
    uint64_t wait_ms = due > now + TICK_MS ? due - now : TICK_MS;
    if (s->ticking && s->tick_at_ms <= now + wait_ms)
        return 0;
    s->ticking = true;
    s->tick_at_ms = now + wait_ms;
    return loop_timer_set(s->tick, wait_ms);
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
    states_pump(s);
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
            request_unavailable(s, request, generation_token(request));
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
