/* Proofs of host keys. Input: `prove` of the monitor, signatures of token processes. Output: prove_done, prove_refused. */
#include "signer/prover.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include <sallyport/wire.h>

#include "base/loop.h"
#include "signer/host_keys.h"
#include "signer/prove_budget.h"
#include "signer/token.h"

#define SIGNATURES_SIZE_MAX 28672u /* as in messages.def */
#define FINGERPRINTS_SIZE_MAX 4096u

static_assert(PLAN_KEYS_MAX <= 64, "a connection's keys are bits of one number");
static_assert(PROVE_MESSAGE_MAX >= 12 + sizeof PROVE_NAME - 1 + 64 + SP_KEY_BLOB_MAX, "every message fits");

/* What one connection has asked for. */
struct proving {
    struct proving *next;
    uint64_t connection, deadline_ms;
    struct generation *generation;
    struct request *request; /* with a token; NULL: none */
    const struct sp_keytype_ops *keytypes[PLAN_KEYS_MAX];
    size_t keys[PLAN_KEYS_MAX], count, done;
    uint8_t session_id[64];
    size_t session_id_size;
    char peer[65];
    size_t signatures_size;
    uint8_t signatures[SIGNATURES_SIZE_MAX];
};

struct prover {
    struct prove_budget *budget;
    struct proving *first; /* the next to be served */
    size_t count;
    bool signing; /* one of them has a request with a token */
};

int prover_new(struct prover **prover)
{
    struct prover *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    int r = prove_budget_new(&made->budget);
    if (r)
        free(made);
    else
        *prover = made;
    return r;
}

void prover_free(struct prover *prover)
{
    if (!prover)
        return;
    prove_budget_free(prover->budget);
    free(prover);
}

void prove_message(struct sp_span session_id, struct sp_span blob, struct sp_out *out)
{
    sp_put_text(out, PROVE_NAME);
    sp_put_string(out, session_id);
    sp_put_string(out, blob);
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void proving_append(struct prover *p, struct proving *proving)
{
    struct proving **at = &p->first;
    while (*at)
        at = &(*at)->next;
    proving->next = NULL;
    *at = proving;
    p->count++;
}

static void proving_take(struct prover *p, struct proving *proving)
{
    struct proving **at = &p->first;
    while (*at != proving)
        at = &(*at)->next;
    *at = proving->next;
    p->count--;
}

static struct proving *proving_of_connection(const struct prover *p, uint64_t connection)
{
    struct proving *proving = p->first;
    while (proving && proving->connection != connection)
        proving = proving->next;
    return proving;
}

static struct proving *proving_of_request(const struct prover *p, const struct request *request)
{
    struct proving *proving = p->first;
    while (proving && proving->request != request)
        proving = proving->next;
    return proving;
}

static void proving_end(struct signer *s, struct proving *proving)
{
    proving_take(s->prover, proving);
    if (proving->request) {
        request_cancel(s, proving->request);
        s->prover->signing = false;
    }
    free(proving);
}

static void refuse(struct signer *s, uint64_t connection, bool illegal, const char *why)
{
    signer_told(s, link_send(&s->monitor, prove_refused, .connection = connection, .illegal = illegal,
                             .why = sp_text(why)));
}

static void proving_refuse(struct signer *s, struct proving *proving, const char *why)
{
    refuse(s, proving->connection, false, why);
    proving_end(s, proving);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* NULL, or what is wrong with the list, which no honest worker sends. */
static const char *keys_read(struct proving *proving, struct sp_span list, struct sp_span negotiated,
                             uint64_t *bits)
{
    const struct generation *g = proving->generation;
    struct sp_in in = sp_in_of(list);
    *bits = 0;
    while (in.left != 0 && !in.bad) {
        size_t key;
        struct sp_span blob = sp_get_string(&in, SP_KEY_BLOB_MAX);
        if (in.bad || proving->count == PLAN_KEYS_MAX)
            return "a malformed list of keys to be proved";
        if (!host_keys_find(g, blob, &key))
            return "proof was asked for of a key that is none of ours";
        if (*bits & (UINT64_C(1) << key))
            return "proof of a key was asked for twice at once";
        *bits |= UINT64_C(1) << key;
        proving->keys[proving->count] = key;
        proving->keytypes[proving->count++] = host_key_algorithm(&g->keys[key].proven, negotiated);
    }
    return in.bad || in.left != 0 || proving->count == 0 ? "a malformed list of keys to be proved" : NULL;
}

static struct proving *proving_make(struct generation *g, const struct msg_prove *message)
{
    struct proving *proving = calloc(1, sizeof *proving);
    if (!proving)
        return NULL;
    proving->connection = message->connection;
    proving->generation = g;
    proving->deadline_ms = clock_ms() + (uint64_t)g->config->token_timeout_s * 1000;
    proving->session_id_size = message->session_id.size;
    memcpy(proving->session_id, message->session_id.data, message->session_id.size);
    snprintf(proving->peer, sizeof proving->peer, "%.*s", (int)message->remote_address.size,
             message->remote_address.size != 0 ? (const char *)message->remote_address.data : "");
    return proving;
}

/* Refused before it is counted: when there is room again, it may be asked for again. */
static const char *hindrance(const struct signer *s, const struct generation *g)
{
    if (!g)
        return "the connection's configuration is not known to this signer";
    return s->prover->count >= PROVER_WAITING_MAX ? "too many clients want host keys proved" : NULL;
}

static void budget_refuse(struct signer *s, uint64_t connection, int r)
{
    if (r == PROVE_E_AGAIN)
        refuse(s, connection, true, "proof of a key was asked for a second time");
    else
        refuse(s, connection, false,
               r == PROVE_E_FULL ? "too many clients have had host keys proved" : "out of memory");
}

void prover_ask(struct signer *s, const struct msg_prove *message)
{
    struct generation *g = generation_find(s, message->generation);
    struct prover *p = s->prover;
    uint64_t bits;
    const char *hindered = hindrance(s, g);
    if (message->session_id.size == 0 || proving_of_connection(p, message->connection)) {
        refuse(s, message->connection, true, "proof was asked for out of turn");
        return;
    }
    CLEANUP_FREE struct proving *proving = hindered ? NULL : proving_make(g, message);
    if (!proving) {
        refuse(s, message->connection, false, hindered ? hindered : "out of memory");
        return;
    }
    const char *wrong = keys_read(proving, message->keys, message->negotiated, &bits);
    if (wrong) {
        refuse(s, message->connection, true, wrong);
        return;
    }
    int r = prove_budget_take(p->budget, message->connection, bits);
    if (r)
        budget_refuse(s, message->connection, r);
    else
        proving_append(p, TAKE(proving));
}

/* ---- serving ----------------------------------------------------------------------------------------------------- */

static int request_send(struct signer *s, struct proving *proving, struct token *token, size_t key)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return -ENOMEM;
    struct sp_out message = {.data = request->message, .capacity = sizeof request->message};
    prove_message(sp_span_of(proving->session_id, proving->session_id_size),
                  proving->generation->keys[key].proven.blob, &message);
    request->kind = REQUEST_PROVE;
    request->purpose = "prove";
    memcpy(request->peer, proving->peer, sizeof request->peer);
    request->lane = REQUEST_AHEAD; /* nothing waits that it could be ahead of */
    request->ticket = ++s->next_ticket;
    request->deadline_ms = proving->deadline_ms;
    request->generation = proving->generation;
    request->connection = proving->connection;
    request->key = key;
    request->keytype = proving->keytypes[proving->done];
    request->message_size = message.size;
    proving->request = request;
    s->prover->signing = true;
    token_submit(token, request);
    return 0;
}

/* Its next key, if that key's token has nothing else to do. */
static void proving_serve(struct signer *s, struct proving *proving)
{
    struct request probe = {.kind = REQUEST_PROVE,
                            .generation = proving->generation,
                            .key = proving->keys[proving->done],
                            .keytype = proving->keytypes[proving->done]};
    struct token *token = generation_place(&probe);
    if (!token)
        proving_refuse(s, proving, "its token is stopped");
    else if (token_is_idle(token) && prove_budget_spend(s->prover->budget, clock_ms()) &&
             request_send(s, proving, token, probe.key))
        proving_refuse(s, proving, "out of memory");
}

static void expire(struct signer *s)
{
    uint64_t now = clock_ms();
    for (struct proving *proving = s->prover->first, *next; proving; proving = next) {
        next = proving->next;
        if (!proving->request && proving->deadline_ms <= now)
            proving_refuse(s, proving, "the token had no time for it");
    }
}

void prover_pump(struct signer *s)
{
    struct prover *p = s->prover;
    if (!p->first)
        return;
    expire(s);
    if (p->signing || !p->first)
        return;
    /* In turns: who asks for many keys waits for who asks for one, and one token's queue is not in another's way. */
    struct proving *proving = p->first;
    proving_take(p, proving);
    proving_append(p, proving);
    proving_serve(s, proving);
}

bool prover_is_busy(const struct signer *s)
{
    return s->prover->first != NULL;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void proving_answer(struct signer *s, struct proving *proving)
{
    uint8_t bytes[FINGERPRINTS_SIZE_MAX];
    char fingerprint[HOST_KEY_FINGERPRINT_MAX];
    struct sp_out fingerprints = {.data = bytes, .capacity = sizeof bytes};
    for (size_t i = 0; i < proving->count; i++) {
        host_key_fingerprint(proving->generation->keys[proving->keys[i]].proven.blob, fingerprint);
        sp_put_text(&fingerprints, fingerprint);
    }
    signer_told(s, link_send(&s->monitor, prove_done, .connection = proving->connection,
                             .signatures = sp_span_of(proving->signatures, proving->signatures_size),
                             .fingerprints = sp_written(&fingerprints)));
    proving_end(s, proving);
}

void prover_signed(struct signer *s, const struct request *request, struct sp_span signature)
{
    struct proving *proving = proving_of_request(s->prover, request);
    if (!proving)
        return;
    struct sp_out out = {.data = proving->signatures,
                         .capacity = sizeof proving->signatures,
                         .size = proving->signatures_size};
    proving->request = NULL;
    s->prover->signing = false;
    sp_put_string(&out, signature);
    if (sp_put_end(&out)) {
        proving_refuse(s, proving, "the signatures are too long together");
        return;
    }
    proving->signatures_size = out.size;
    if (++proving->done == proving->count)
        proving_answer(s, proving);
}

void prover_failed(struct signer *s, const struct request *request, const char *why)
{
    struct proving *proving = proving_of_request(s->prover, request);
    if (!proving)
        return;
    proving->request = NULL;
    s->prover->signing = false;
    proving_refuse(s, proving, why);
}

/* ---- who is gone ------------------------------------------------------------------------------------------------- */

void prover_forget(struct signer *s, uint64_t connection)
{
    struct proving *proving = proving_of_connection(s->prover, connection);
    if (proving)
        proving_end(s, proving);
    prove_budget_forget(s->prover->budget, connection);
}

void prover_reset(struct signer *s)
{
    while (s->prover->first)
        proving_end(s, s->prover->first);
    prove_budget_clear(s->prover->budget);
}

void prover_drop(struct signer *s, const struct generation *g)
{
    for (struct proving *proving = s->prover->first, *next; proving; proving = next) {
        next = proving->next;
        if (proving->generation == g)
            proving_refuse(s, proving, "its configuration was dropped");
    }
}
