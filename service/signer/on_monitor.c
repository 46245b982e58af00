/*
 * What the monitor asks. Input: its link, accepted on the listening socket. Output: generations, signatures.
 *
 * Why it may be believed: the kernel says that the peer has the monitor's uid, or root's. What is believed is what only the
 * monitor knows (which connection, whether it has signed before, which configuration); the transcript it relays unread is
 * the worker's and is not.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "config/listeners.h"
#include "signer/explain.h"
#include "signer/generation.h"
#include "signer/states.h"
#include "signer/transcript.h"

/* ---- sign -------------------------------------------------------------------------------------------------------- */

static void refuse(struct signer *s, uint64_t connection, uint32_t reason, const char *text, const char *why)
{
    signer_told(s, link_send(&s->monitor, sign_refused, .connection = connection, .reason = reason,
                             .text = sp_text(text), .why = sp_text(why)));
}

/* For the log and the login process: messages.def says in which order. */
static int negotiated_put(const struct transcript_result *result, struct request *request)
{
    struct sp_out out = {.data = request->negotiated, .capacity = sizeof request->negotiated};
    sp_put_string(&out, result->client_version);
    for (size_t i = 0; i < KEXINIT_NEGOTIATED; i++) {
        struct sp_span name = result->chosen.names[i];
        sp_put_string(&out, name.size ? name : sp_text(TRANSCRIPT_IMPLICIT));
    }
    request->negotiated_size = out.size;
    return sp_put_end(&out) ? -EMSGSIZE : 0;
}

/* Which of the generation's keys signs for what is offered: a key by its blob, which the plan may name twice and the offer
 * names once, or the key of a certificate. */
static size_t key_of_blob(const struct generation *g, struct sp_span blob)
{
    for (size_t i = 0; i < g->certificate_count; i++) {
        const struct host_certificate *certificate = &g->certificates[i].read;
        if (sp_span_equal(sp_span_of(certificate->blob, certificate->size), blob))
            return g->certificates[i].key;
    }
    size_t key = 0;
    while (key + 1 < g->plan.key_count && !sp_span_equal(g->keys[key].proven.blob, blob))
        key++;
    return key;
}

static struct request *request_make(struct signer *s, struct generation *g, const struct variant *variant,
                                    const struct msg_sign *message, const char *address,
                                    const struct transcript_result *result)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request || negotiated_put(result, request) != 0) {
        free(request);
        return NULL;
    }
    request->kind = REQUEST_SIGN;
    request->ticket = ++s->next_ticket;
    request->generation = g;
    request->connection = message->connection;
    request->lane = message->first ? REQUEST_FIRST : REQUEST_REKEY;
    request->source = fair_source_of(address);
    request->purpose = message->first ? "kex" : "rekey";
    snprintf(request->peer, sizeof request->peer, "%s", address);
    request->keytype = result->keytype->plain ? result->keytype->plain : result->keytype;
    request->key = key_of_blob(g, result->host_key);
    request->host_key = result->host_key;
    request->policy = variant->spec;
    memcpy(request->message, result->h, result->h_size);
    request->message_size = result->h_size;
    if (result->client_kexinit.size <= sizeof request->client_kexinit) {
        memcpy(request->client_kexinit, result->client_kexinit.data, result->client_kexinit.size);
        request->client_kexinit_size = result->client_kexinit.size;
    }
    return request;
}

/* Until its connection is within its budget again; as fair as a token's room, and as bounded. */
static void request_delay(struct signer *s, size_t limit, struct request *request)
{
    struct request *loser;
    if (fair_put(&s->delayed, request, limit, &loser) != 0)
        request_failed(s, request, "out of memory");
    else if (loser)
        request_busy(s, loser);
}

static void request_queue(struct signer *s, struct generation *g, struct request *request)
{
    struct token *t = generation_place(request);
    uint64_t now = clock_ms();
    if (budget_take(s->budget, request->connection, now, request, &request->release_ms) != 0) {
        request_refuse(s, request, REASON_SERVICE_NOT_AVAILABLE, "service not available", "out of memory");
        return;
    }
    request->deadline_ms = request->release_ms + (uint64_t)g->config->token_timeout_s * 1000;
    if (!t)
        request_unavailable(s, request, generation_token(request));
    else if (request->release_ms > now)
        request_delay(s, g->config->token_queue, request);
    else
        token_submit(t, request);
}

static void connection_cancel(struct signer *s, uint64_t connection);

/* Texts of the monitor's, which knows addresses as getpeername(2) does. */
struct sign_who {
    char address[65], local_address[65], listener[CONFIG_LISTENER_MAX + 1];
    struct config_who who;
};

static void who_take(const struct msg_sign *message, struct sign_who *w)
{
    snprintf(w->address, sizeof w->address, "%.*s", (int)message->remote_address.size,
             (const char *)message->remote_address.data);
    snprintf(w->local_address, sizeof w->local_address, "%.*s", (int)message->local_address.size,
             (const char *)message->local_address.data);
    snprintf(w->listener, sizeof w->listener, "%.*s", (int)message->listener.size,
             (const char *)message->listener.data);
    w->who = (struct config_who){.address = w->address[0] ? w->address : NULL,
                                 .local_address = w->local_address[0] ? w->local_address : NULL,
                                 .local_port = message->local_port,
                                 .listener = w->listener[0] ? w->listener : NULL};
}

/* Before anything is signed: what goes by an exception is to be known. */
static void exceptions_tell(struct signer *s, uint64_t connection, const struct transcript_context *context,
                            const struct transcript_result *result)
{
    struct offer_exception exception;
    for (enum kexinit_list list = 0; list < KEXINIT_NEGOTIATED; list++)
        if (transcript_exception(context, result, list, &exception))
            signer_told(s, link_send(&s->monitor, policy_exception, .connection = connection,
                                     .policy = context->variant->policy,
                                     .what = sp_text(kexinit_list_name(list)), .name = exception.name,
                                     .origin = exception.origin, .not_after = (uint64_t)exception.not_after));
}

static void report_tell(struct signer *s, const struct generation *g, uint64_t connection,
                        const struct transcript_context *context, const struct transcript_result *result)
{
    const char *what;
    char detail[1024];
    if (!g->reported.policy || !context->first ||
        !explain_report(&g->reported, context, result, &what, detail, sizeof detail))
        return;
    signer_told(s, link_send(&s->monitor, policy_report, .connection = connection,
                             .policy = sp_text(g->reported.spec), .what = sp_text(what),
                             .detail = sp_text(detail)));
}

static void refuse_exchange(struct signer *s, uint64_t connection, const struct variant *variant, int64_t now,
                            const struct transcript_refusal *refusal)
{
    char why[EXPLAIN_WHY_MAX];
    uint8_t bytes[EXPLAIN_FIELDS_MAX];
    struct sp_out fields = {.data = bytes, .capacity = sizeof bytes};
    if (explain_refusal(variant, refusal, now, why, &fields))
        fields.size = 0;
    signer_told(s, link_send(&s->monitor, sign_refused, .connection = connection, .reason = refusal->reason,
                             .text = sp_text(refusal->text), .why = sp_text(why),
                             .fields = sp_written(&fields)));
}

/* By the newest offer, or by one that the connection may have begun with: an older one has fewer host keys and nothing else,
 * so whoever names it gains nothing. `context` is the last's that was asked. */
static int offers_check(const struct generation *g, size_t variant, struct sp_span transcript,
                        struct transcript_context *context, struct msg_variant *offered,
                        struct transcript_result *result, struct transcript_refusal *refusal)
{
    int r = -EINVAL;
    context->variant = offered;
    for (const struct generation_offer *o = g->offers; o; o = o->older) {
        if (!offer_variant_at(&o->offer, variant, offered))
            return -EINVAL;
        context->keys = o->offer.keys;
        context->key_is_forbidden = o->key_is_forbidden[variant];
        *refusal = (struct transcript_refusal){0};
        r = transcript_check(context, transcript, result, refusal);
        if (r <= 0 || !refusal->by_offer)
            break;
    }
    return r;
}

/* Under the policy that holds for the connection, which neither worker nor monitor chooses. */
static void exchange_judge(struct signer *s, struct generation *g, const struct msg_sign *message)
{
    struct transcript_refusal refusal = {0};
    struct transcript_result result;
    struct msg_variant offered;
    size_t index;
    struct sign_who w;
    who_take(message, &w);
    int r = generation_variant(g, &w.who, &index);
    if (r) {
        refuse(s, message->connection, REASON_SERVICE_NOT_AVAILABLE, "service not available",
               "no policy could be found for the connection");
        return;
    }
    const struct variant *variant = &g->variants[index];
    struct transcript_context context = {.rules = &variant->effective->rules,
                                         .address = w.who.address,
                                         .now = (int64_t)time(NULL),
                                         .first = message->first,
                                         .session_id = message->session_id,
                                         .negotiated = message->negotiated,
                                         .host_key = message->host_key};
    r = offers_check(g, index, message->transcript, &context, &offered, &result, &refusal);
    if (r > 0) {
        refuse_exchange(s, message->connection, variant, context.now, &refusal);
        return;
    }
    struct request *request = r ? NULL : request_make(s, g, variant, message, w.address, &result);
    if (!request) {
        refuse(s, message->connection, REASON_SERVICE_NOT_AVAILABLE, "service not available",
               r ? strerror(-r) : "out of memory");
        return;
    }
    exceptions_tell(s, message->connection, &context, &result);
    report_tell(s, g, message->connection, &context, &result);
    request_queue(s, g, request);
}

static void on_sign(struct signer *s, const struct msg_sign *message)
{
    char why[1024];
    struct generation *g = generation_find(s, message->generation);
    if (budget_outstanding(s->budget, message->connection)) {
        connection_cancel(s, message->connection);
        refuse(s, message->connection, REASON_PROTOCOL_ERROR, "protocol error",
               "a second signature was asked for while the first was under way");
        return;
    }
    if (!g) {
        refuse(s, message->connection, REASON_SERVICE_NOT_AVAILABLE, "service not available",
               "the connection's configuration is not known to this signer");
        return;
    }
    if (generation_serve(g, message->first, why, sizeof why) != 0) {
        refuse(s, message->connection, REASON_SERVICE_NOT_AVAILABLE, "service not available", why);
        return;
    }
    exchange_judge(s, g, message);
}

/* ---- abandon ----------------------------------------------------------------------------------------------------- */

static void connection_cancel(struct signer *s, uint64_t connection)
{
    struct request *request = budget_outstanding(s->budget, connection);
    budget_done(s->budget, connection);
    if (request)
        request_cancel(s, request);
}

static void on_abandon(struct signer *s, const struct msg_abandon *message)
{
    connection_cancel(s, message->connection);
    budget_forget(s->budget, message->connection);
    prover_forget(s, message->connection);
}

/* ---- the link ---------------------------------------------------------------------------------------------------- */

static int on_configure(struct signer *s, const struct msg_configure *message)
{
    CLEANUP_CLOSE int snapshot = link_take_fd(s->inbox, 0);
    return generation_begin(s, message->generation, message->reload, snapshot);
}

static int dispatch(struct signer *s)
{
    const union msg_body *body = &s->inbox->body;
    switch (s->inbox->row->number) {
    case MSG_configure:
        return on_configure(s, &body->configure);
    case MSG_sign:
        on_sign(s, &body->sign);
        return 0;
    case MSG_prove:
        prover_ask(s, &body->prove);
        return 0;
    case MSG_abandon:
        on_abandon(s, &body->abandon);
        return 0;
    case MSG_forget:
        generation_forget(s, body->forget.generation);
        return 0;
    default:
        return LINK_E_ILLEGAL;
    }
}

static void request_drop(struct signer *s, struct request *request)
{
    if (request->kind != REQUEST_SIGN || request->orphaned)
        return;
    budget_done(s->budget, request->connection);
    request_cancel(s, request);
}

static void room_drop(struct signer *s, struct fair *room)
{
    for (struct request *request = room->oldest, *next; request; request = next) {
        next = request->younger;
        request_drop(s, request);
    }
}

static void list_drop(struct signer *s, struct request_list *list)
{
    for (struct request *request = list->first, *next; request; request = next) {
        next = request->next;
        request_drop(s, request);
    }
}

/* Its answers must not reach a later monitor, which may count its connections from the beginning again. */
void monitor_drop(struct signer *s)
{
    s->monitor_failed = false;
    if (!link_is_open(&s->monitor))
        return;
    loop_remove(s->monitor_source);
    s->monitor_source = NULL;
    link_close(&s->monitor);
    prover_reset(s);
    generations_monitor_lost(s);
    room_drop(s, &s->delayed);
    list_drop(s, &s->ledger.held);
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i]) {
            room_drop(s, &s->tokens[i]->waiting);
            list_drop(s, &s->tokens[i]->in_flight);
        }
}

/* Clients decide how much the monitor has to ask: no more of it at a time, so that tokens and deadlines have their turn. */
#define MESSAGES_PER_TURN 16u

static int on_monitor_io(void *context, uint32_t events)
{
    struct signer *s = context;
    int r = (events & EPOLLOUT) ? link_flush(&s->monitor) : 0;
    for (unsigned i = 0; i < MESSAGES_PER_TURN && r == 0 && !s->monitor_failed; i++) {
        r = link_receive(&s->monitor, PHASE_ANY, s->inbox);
        if (r == 0)
            r = dispatch(s);
    }
    if (r == -ENOMEM)
        return r;
    if (r == LINK_E_ILLEGAL)
        log_say(&s->log, LOG_LEVEL_ERROR, "link_illegal", "%s", link_complaint(&s->monitor));
    if (r != 0 && r != LINK_E_AGAIN)
        monitor_drop(s);
    return signer_settle(s);
}

static bool peer_is_monitor(const struct signer *s, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == 0 || peer.uid == s->monitor_uid;
}

int on_monitor_connect(void *context, uint32_t events)
{
    struct signer *s = context;
    CLEANUP_CLOSE int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return 0;
    if (!peer_is_monitor(s, fd)) {
        log_say(&s->log, LOG_LEVEL_ERROR, "peer_refused",
                "somebody else than the monitor connected to the signer");
        return 0;
    }
    monitor_drop(s);
    s->monitor_writing = false;
    link_init(&s->monitor, TAKE_FD(fd), ROLE_SIGNER, ROLE_MONITOR);
    states_changed(s);
    int r = loop_add(s->loop, s->monitor.fd, EPOLLIN, on_monitor_io, s, &s->monitor_source);
    return r ? r : signer_settle(s);
}
