/*
 * What token processes say. Input: their links. Output: keys noted, requests answered, states changed. A token process
 * runs a vendor's code, so what it says is checked: only what its state allows, keys in order, and a key that has once
 * been announced can never become another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "signer/generation.h"
#include "signer/token.h"

/* What is told of a PIN in doubt has to be told before the next one is asked for, which the link's order sees to. */
static int pin_tell(struct token *t, bool good, bool signing)
{
    return link_send(&t->signer->spawner, pin_judged, .slot = t->slot, .good = good, .signing = signing)
               ? -EPIPE
               : 0;
}

static int on_token_key(struct token *t, const struct msg_token_key *message)
{
    if (t->state != TOKEN_STARTING || message->key != t->announced || message->key >= t->spec.uri_count ||
        message->blob.size == 0)
        return -EPROTO;
    struct token_blob *blob = &t->blobs[message->key];
    t->announced++;
    if (blob->data) {
        if (!sp_span_equal(sp_span_of(blob->data, blob->size), message->blob))
            token_stop(t, false,
                       "after its restart a key is another one than before: reload the configuration if "
                       "that is right");
        return 0;
    }
    blob->data = malloc(message->blob.size);
    if (!blob->data)
        return -ENOMEM;
    memcpy(blob->data, message->blob.data, message->blob.size);
    blob->size = message->blob.size;
    return 0;
}

static int on_token_ready(struct token *t, const struct msg_token_ready *message)
{
    if (t->state != TOKEN_STARTING || t->announced != t->spec.uri_count)
        return -EPROTO;
    const struct log_field fields[] = {{"token", message->token}};
    log_event(&t->signer->log, LOG_LEVEL_INFO, "token_ready", fields, ARRAY_SIZE(fields),
              "token \"%.*s\" is ready after %llu ms, process %u", (int)message->token.size,
              (const char *)message->token.data, (unsigned long long)(clock_ms() - t->started_ms), t->pid);
    if (pin_tell(t, true, false))
        return -EPIPE;
    token_move(t, TOKEN_READY);
    t->missing = false;
    t->why[0] = 0;
    token_pump(t);
    return 0;
}

static struct request *request_take(struct token *t, uint64_t ticket)
{
    struct request *request = request_by_ticket(&t->in_flight, ticket);
    if (request)
        request_remove(&t->in_flight, request);
    return request;
}

static int on_token_signed(struct token *t, const struct msg_token_signed *message)
{
    struct request *request = request_take(t, message->ticket);
    if (!request)
        return -EPROTO;
    if (!t->served && pin_tell(t, true, true))
        return -EPIPE;
    t->served = true;
    /* It began with this one when it was done with the one before. */
    uint64_t now = clock_us();
    request->latency_us = now - (request->sent_us > t->answered_us ? request->sent_us : t->answered_us);
    t->answered_us = now;
    token_count(t, request->latency_us);
    request_signed(t->signer, request, message->raw);
    token_pump(t);
    return 0;
}

static int on_token_failed(struct token *t, const struct msg_token_failed *message)
{
    char why[513];
    struct request *request = request_take(t, message->ticket);
    if (!request)
        return -EPROTO;
    snprintf(why, sizeof why, "%.*s", (int)message->why.size, (const char *)message->why.data);
    t->failures++;
    if (request->orphaned)
        free(request);
    else
        request_failed(t->signer, request, why);
    token_pump(t);
    return 0;
}

static int on_token_unusable(struct token *t, const struct msg_token_unusable *message)
{
    char why[1200];
    snprintf(why, sizeof why, "%.*s%s", (int)message->why.size, (const char *)message->why.data,
             message->pin ? ": the PIN is wrong and will not be sent again; correct it and reload" : "");
    if (message->pin && link_send(&t->signer->spawner, pin_refused, .slot = t->slot))
        return -EPIPE;
    if (message->again)
        token_miss(t, why);
    else
        token_stop(t, message->pin, why);
    return 0;
}

static int on_token_lost(struct token *t, const struct msg_token_lost *message)
{
    char why[513];
    if (message->pin && pin_tell(t, false, t->state == TOKEN_READY))
        return -EPIPE;
    snprintf(why, sizeof why, "%.*s", (int)message->why.size, (const char *)message->why.data);
    /* Of one that never was there it is the same as that it is missing: a module says so in many ways. */
    if (t->state == TOKEN_STARTING && !message->pin)
        token_miss(t, why);
    else
        token_lose(t, why);
    return 0;
}

static int dispatch(struct token *t, const struct link_inbox *inbox)
{
    const union msg_body *body = &inbox->body;
    switch (inbox->row->number) {
    case MSG_token_key:
        return on_token_key(t, &body->token_key);
    case MSG_token_ready:
        return on_token_ready(t, &body->token_ready);
    case MSG_token_signed:
        return on_token_signed(t, &body->token_signed);
    case MSG_token_failed:
        return on_token_failed(t, &body->token_failed);
    case MSG_token_unusable:
        return on_token_unusable(t, &body->token_unusable);
    case MSG_token_lost:
        return on_token_lost(t, &body->token_lost);
    default:
        return -EPROTO;
    }
}

/* A state change closes the link, so it is asked for again before every message. */
static int messages_take(struct token *t)
{
    int r = 0;
    while (r == 0 && link_is_open(&t->link)) {
        r = link_receive(&t->link, PHASE_ANY, t->signer->inbox);
        if (r == 0)
            r = dispatch(t, t->signer->inbox);
    }
    return r;
}

static void link_end(struct token *t, int result)
{
    char why[256];
    if (result == LINK_E_ILLEGAL)
        snprintf(why, sizeof why, "%s", link_complaint(&t->link));
    else if (result == LINK_E_CLOSED)
        snprintf(why, sizeof why, TOKEN_PROCESS_ENDED);
    else
        snprintf(why, sizeof why, "its process said what it must not: %s",
                 strerror(result < 0 ? -result : EPROTO));
    token_lose(t, why);
}

int on_token_io(void *context, uint32_t events)
{
    struct token *t = context;
    struct signer *s = t->signer;
    int r = (events & EPOLLOUT) ? link_flush(&t->link) : 0;
    if (r == 0)
        r = messages_take(t);
    if (r == -ENOMEM)
        return r;
    if (r != 0 && r != LINK_E_AGAIN && link_is_open(&t->link))
        link_end(t, r);
    return signer_settle(s);
}
