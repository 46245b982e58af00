/*
 * What the signer says. Input: its answers. It is trusted with signatures and with nothing else: what it answers is
 * matched with what we asked, and a wrong one can harm only the handshake that it names.
 */
#include "monitor/on_signer.h"

#include <stdlib.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "monitor/events.h"
#include "monitor/host_keys.h"
#include "monitor/monitor.h"
#include "monitor/on_connection.h"
#include "monitor/record.h"

/* A transcript that was on its way to two signers which then died is taken for the reason. */
#define SIGN_ATTEMPTS_MAX 2
/* So much may wait on its link at a time. Clients decide how large transcripts are and when they come: past this they stay
 * with their connections, since a full link would be a lost signer, to everybody. */
#define SIGN_QUEUED_MAX (LINK_QUEUE_MAX / 4)

/* ---- asking ------------------------------------------------------------------------------------------------ */

static void sign_wait(struct connection *c)
{
    struct sign_queue *queue = &c->monitor->sign_queue;
    if (c->sign.waits)
        return;
    c->sign.waits = true;
    c->sign.waits_previous = queue->last;
    *(queue->last ? &queue->last->sign.waits_next : &queue->first) = c;
    queue->last = c;
}

static void sign_wait_no_more(struct connection *c)
{
    struct sign_queue *queue = &c->monitor->sign_queue;
    struct connection_sign *sign = &c->sign;
    if (!sign->waits)
        return;
    *(sign->waits_previous ? &sign->waits_previous->sign.waits_next : &queue->first) = sign->waits_next;
    *(sign->waits_next ? &sign->waits_next->sign.waits_previous : &queue->last) = sign->waits_previous;
    sign->waits = false;
    sign->waits_next = sign->waits_previous = NULL;
}

static bool signer_has_room(const struct monitor *m)
{
    return m->signer.watch.link.queued_octets < SIGN_QUEUED_MAX;
}

static void sign_send(struct connection *c)
{
    if (c->sign.attempts == SIGN_ATTEMPTS_MAX) {
        connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("The signer failed"), "signer_failed");
        return;
    }
    c->sign.attempts++;
    observe_sign_asked(c);
    c->sign.sent = service_send(
        &c->monitor->signer, sign, .connection = c->id, .generation = c->generation->number,
        .first = c->session_id_size == 0, .session_id = sp_span_of(c->session_id, c->session_id_size),
        .remote_address = sp_text(c->remote.text), .local_address = sp_text(c->local.text),
        .local_port = c->local.port, .listener = sp_text(c->listener), .negotiated = c->negotiated,
        .host_key = c->host_key, .transcript = sp_span_of(c->sign.transcript, c->sign.size));
}

void connection_ask_sign(struct connection *c)
{
    struct monitor *m = c->monitor;
    if (!c->sign.transcript || c->sign.sent || !c->generation->at_signer)
        return; /* signatures_resend() will */
    if (m->sign_queue.first || !signer_has_room(m))
        sign_wait(c);
    else
        sign_send(c);
}

static void on_room(struct monitor *m)
{
    while (m->sign_queue.first && signer_has_room(m)) {
        struct connection *c = m->sign_queue.first;
        sign_wait_no_more(c);
        if (c->generation->at_signer)
            sign_send(c);
    }
}

void signatures_resend(struct monitor *m, struct generation *g)
{
    for (struct connection *c = m->connections.first, *next; c; c = next) {
        next = c->next;
        if (c->generation == g)
            connection_ask_sign(c);
    }
}

static void on_lost(struct monitor *m)
{
    generations_signer_lost(m);
    while (m->sign_queue.first) /* the next signer is told when it knows their generations */
        sign_wait_no_more(m->sign_queue.first);
    for (struct connection *c = m->connections.first; c; c = c->next)
        c->sign.sent = false;
    host_keys_signer_lost(m);
    token_states_forget(&m->token_states);
}

static void sign_forget(struct connection *c)
{
    sign_wait_no_more(c);
    if (c->sign.transcript)
        explicit_bzero(c->sign.transcript, c->sign.size); /* it holds the exchange's shared secret */
    free(c->sign.transcript);
    c->sign = (struct connection_sign){0};
}

void connection_abandon_sign(struct connection *c)
{
    bool remembered = connection_forget_proofs(c);
    if (c->sign.sent || remembered)
        (void)service_send(&c->monitor->signer, abandon, .connection = c->id);
    sign_forget(c);
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

/* The connection that this answer is for; NULL if it has gone, or asked for nothing: then the answer is dropped. */
static struct connection *sign_finish(struct monitor *m, uint64_t id)
{
    struct connection *c = connection_find(m, id);
    if (!c || !c->sign.transcript || !c->sign.sent)
        return NULL;
    sign_forget(c);
    return c;
}

static bool span_keep(struct sp_span from, struct sp_span *kept)
{
    uint8_t *copy = malloc(from.size + 1);
    if (!copy)
        return false;
    if (from.size != 0)
        memcpy(copy, from.data, from.size);
    free((void *)(uintptr_t)kept->data);
    *kept = sp_span_of(copy, from.size);
    return true;
}

/* The first H is the session id for good (RFC 4253 section 7.2). */
static int first_exchange_keep(struct connection *c, const struct msg_sign_done *done)
{
    if (done->h.size == 0 || !span_keep(done->host_key, &c->host_key) ||
        !span_keep(done->negotiated, &c->negotiated) || !span_keep(done->policy, &c->policy) ||
        !span_keep(done->client_kexinit, &c->client_kexinit))
        return -1;
    memcpy(c->session_id, done->h.data, done->h.size);
    c->session_id_size = (uint8_t)done->h.size;
    return 0;
}

static void negotiated_log(struct connection *c, struct sp_span negotiated, struct sp_span policy)
{
    static const char *const keys[] = {"client_version", "kex",    "host_key", "cipher_in",
                                       "cipher_out",     "mac_in", "mac_out",  "compression_in",
                                       "compression_out"};
    struct log_field fields[ARRAY_SIZE(keys) + 1];
    struct sp_in in = sp_in_of(negotiated);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        fields[i] = (struct log_field){keys[i], sp_get_string(&in, 2048)};
    if (sp_get_end(&in))
        return;
    fields[ARRAY_SIZE(keys)] = (struct log_field){"policy", policy};
    monitor_log(c->monitor, c, LOG_LEVEL_INFO, "negotiated", fields, ARRAY_SIZE(fields),
                "Negotiated %.*s, %.*s, %.*s with client %.*s", (int)fields[1].value.size,
                (const char *)fields[1].value.data, (int)fields[2].value.size,
                (const char *)fields[2].value.data, (int)fields[4].value.size,
                (const char *)fields[4].value.data, (int)fields[0].value.size,
                (const char *)fields[0].value.data);
}

static void on_sign_done(struct monitor *m, const union msg_body *body)
{
    const struct msg_sign_done *done = &body->sign_done;
    struct connection *c = sign_finish(m, done->connection);
    if (!c || c->phase == PHASE_CLOSING)
        return;
    observe_signed(c, c->phase == PHASE_START);
    if (c->phase == PHASE_START) {
        observe_negotiated(c, done->negotiated);
        negotiated_log(c, done->negotiated, done->policy);
        if (first_exchange_keep(c, done)) {
            connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("Out of memory"), "no_memory");
            return;
        }
        connection_move(c, PHASE_READY);
    }
    if (watch_send(&c->worker, signature, .h = done->h, .signature = done->signature,
                   .host_key = done->host_key))
        connection_worker_gone(c);
}

static void on_sign_refused(struct monitor *m, const union msg_body *body)
{
    const struct msg_sign_refused *refused = &body->sign_refused;
    struct event_fields fields;
    struct connection *c = sign_finish(m, refused->connection);
    if (!c)
        return;
    event_fields_read(ROLE_SIGNER, refused->fields, &fields);
    if (fields.count < RECORD_FIELDS_MAX)
        fields.list[fields.count++] = (struct log_field){"why", refused->why};
    record_exchange_refused(c, refused->reason, &fields, refused->why);
    connection_end(c, refused->reason, refused->text, "exchange_refused");
}

static void on_configured(struct monitor *m, const union msg_body *body)
{
    generation_configured(m, &body->configured);
}

/* For the log and the table alone: nothing follows from it for the connection. */
static void on_policy_report(struct monitor *m, const union msg_body *body)
{
    const struct msg_policy_report *report = &body->policy_report;
    struct connection *c = connection_find(m, report->connection);
    if (c)
        record_policy_report(c, report->policy, report->what, report->detail);
}

static void on_policy_exception(struct monitor *m, const union msg_body *body)
{
    struct connection *c = connection_find(m, body->policy_exception.connection);
    if (c)
        record_policy_exception(c, &body->policy_exception);
}

static void on_unconfigured(struct monitor *m, const union msg_body *body)
{
    generation_unconfigured(m, &body->unconfigured);
}

static void on_host_keys(struct monitor *m, const union msg_body *body)
{
    generation_host_keys(m, body->host_keys.generation, body->host_keys.keys);
}

/* For who asks. What is not well formed is no signer of ours, and what it knew is known no more. */
static void on_token_states(struct monitor *m, const union msg_body *body)
{
    int r = token_states_take(&m->token_states, &body->token_states, clock_ms());
    if (r < 0)
        monitor_say(m, NULL, LOG_LEVEL_WARNING, "no_memory", "The states of the tokens could not be kept");
    else if (r > 0)
        service_lose(&m->signer, "sent states of tokens that are malformed");
}

static const struct service_handler handlers[] = {
    {MSG_token_states, on_token_states},
    {MSG_prove_done, host_keys_prove_done},
    {MSG_prove_refused, host_keys_prove_refused},
    {MSG_host_keys, on_host_keys},
    {MSG_sign_done, on_sign_done},
    {MSG_sign_refused, on_sign_refused},
    {MSG_policy_report, on_policy_report},
    {MSG_policy_exception, on_policy_exception},
    {MSG_configured, on_configured},
    {MSG_unconfigured, on_unconfigured},
};

const struct service_kind signer_kind = {
    .name = "signer",
    .socket = "signer.sock",
    .role = ROLE_SIGNER,
    .priority = SD_EVENT_PRIORITY_NORMAL,
    .handlers = handlers,
    .handler_count = ARRAY_SIZE(handlers),
    .on_connected = generations_signer_connected,
    .on_lost = on_lost,
    .on_room = on_room,
};
