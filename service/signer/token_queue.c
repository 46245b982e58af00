/*
 * What waits for a token and what is with it. Input: requests, and how the token is. Output: token_sign to its process; refusals
 * of what has no place or no time.
 */
#include <stdio.h>

#include <sallyport/wire.h>

#include "signer/algorithm.h"
#include "signer/generation.h"
#include "signer/states.h"

#define BUSY_LOG_MS 10000u /* between two lines that say that a token is busy */
#define TOKEN_SLOW "the token is too slow: it waited for TokenTimeout"

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static int ask_sign(struct token *t, struct request *request)
{
    uint8_t bytes[PROVE_MESSAGE_MAX];
    struct sp_out input = {.data = bytes, .capacity = sizeof bytes};
    int r = algorithm_input(request->keytype, sp_span_of(request->message, request->message_size), &input);
    return r ? r
             : link_send(&t->link, token_sign, .ticket = request->ticket,
                         .key = (uint32_t)generation_key_index(request),
                         .mechanism = algorithm_mechanism(request->keytype), .data = sp_written(&input));
}

void token_pump(struct token *t)
{
    while (t->state == TOKEN_READY && t->in_flight.count < TOKEN_WINDOW && t->waiting.oldest) {
        struct request *request = fair_take(&t->waiting);
        request->sent_us = clock_us();
        int r = ask_sign(t, request);
        if (r < 0) {
            request_failed(t->signer, request, "it cannot be put to the token process");
        } else {
            /* A link that is closed by now is seen by its own handler, which takes the request back. */
            request_append(&t->in_flight, request);
        }
    }
}

/* Each of those without a place is told so by itself; that there are such is said now and then. */
static void busy_log(struct token *t, uint64_t now_ms)
{
    t->busy_unsaid++;
    if (t->busy_said_ms != 0 && now_ms < t->busy_said_ms + BUSY_LOG_MS)
        return;
    char count[24], what[128];
    snprintf(count, sizeof count, "%zu", t->busy_unsaid);
    snprintf(what, sizeof what, "busy: %zu exchanges refused, %zu of at most %zu wait", t->busy_unsaid,
             t->waiting.count + t->in_flight.count, t->queue_max);
    const struct log_field fields[] = {{"token", sp_text(token_name(t))}, {"refused", sp_text(count)}};
    log_event(&t->signer->log, LOG_LEVEL_WARNING, "token_busy", fields, ARRAY_SIZE(fields), "token %s is %s",
              token_name(t), what);
    t->busy_said_ms = now_ms;
    t->busy_unsaid = 0;
}

void token_submit(struct token *t, struct request *request)
{
    struct request *loser;
    size_t room = t->queue_max > t->in_flight.count ? t->queue_max - t->in_flight.count : 0;
    request->token = t;
    if (fair_put(&t->waiting, request, room, &loser) != 0) {
        request_failed(t->signer, request, "out of memory");
        return;
    }
    if (loser) {
        busy_log(t, clock_ms());
        request_busy(t->signer, loser);
    }
    token_hasten(t);
    states_moved(t->signer);
    token_pump(t);
}

void token_count(struct token *t, uint64_t latency_us)
{
    t->signatures++;
    t->latency_us += latency_us;
    t->latencies[token_latency_bucket(latency_us)]++;
    states_moved(t->signer);
}

bool token_is_idle(const struct token *t)
{
    return t->state == TOKEN_READY && t->waiting.count == 0 && t->in_flight.count < TOKEN_WINDOW;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static void request_expire(struct token *t, struct request *request, uint64_t now_ms)
{
    if (request->kind == REQUEST_SIGN) {
        t->signer->states.refused_late++;
        states_moved(t->signer);
    }
    if (t->state != TOKEN_READY) {
        request_unavailable(t->signer, request, t);
    } else if (request->kind != REQUEST_SIGN) {
        request_failed(t->signer, request, TOKEN_SLOW);
    } else {
        busy_log(t, now_ms);
        request_refuse(t->signer, request, REASON_SERVICE_NOT_AVAILABLE, TOKEN_BUSY_TEXT, TOKEN_SLOW);
    }
}

void token_expire(struct token *t, uint64_t now_ms)
{
    for (struct request *request = t->waiting.oldest, *next; request; request = next) {
        next = request->younger;
        if (request->deadline_ms > now_ms)
            continue;
        fair_remove(&t->waiting, request);
        request_expire(t, request, now_ms);
    }
}
