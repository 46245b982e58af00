/*
 * How requests end. Input: what a token process gave for one. Output: sign_done or sign_refused to the monitor, or a proof
 * noted. Nothing leaves here that was not verified with the public key first: a signature that went wrong in the
 * arithmetic of an RSA token gives the private key away to whoever sees it.
 */
#include <stdio.h>

#include <sallyport/registry.h>

#include "signer/generation.h"
#include "signer/ledger.h"
#include "signer/signer.h"
#include "signer/states.h"
#include "signer/watchdog.h"

static void request_free(struct signer *s, struct request *request)
{
    if (request->kind == REQUEST_SIGN)
        budget_done(s->budget, request->connection);
    free(request);
}

void request_refuse(struct signer *s, struct request *request, uint32_t reason, const char *text,
                    const char *why)
{
    signer_told(s, link_send(&s->monitor, sign_refused, .connection = request->connection, .reason = reason,
                             .text = sp_text(text), .why = sp_text(why)));
    request_free(s, request);
}

void request_failed(struct signer *s, struct request *request, const char *why)
{
    if (request->kind == REQUEST_SIGN) {
        request_refuse(s, request, REASON_SERVICE_NOT_AVAILABLE, "the host key is not available now", why);
        return;
    }
    if (request->kind == REQUEST_PROVE)
        prover_failed(s, request, why);
    else if (request->kind == REQUEST_WATCH)
        watchdog_failed(s, request, why);
    else
        generation_proved(request, why);
    request_free(s, request);
}

void request_unavailable(struct signer *s, struct request *request, const struct token *token)
{
    char why[1536];
    snprintf(why, sizeof why, "the host key's token is not available: token %s: %s", token_name(token),
             token->why[0] ? token->why : "it is not ready");
    request_failed(s, request, why);
}

void request_busy(struct signer *s, struct request *request)
{
    s->states.refused_full++;
    states_moved(s);
    request_refuse(s, request, REASON_SERVICE_NOT_AVAILABLE, TOKEN_BUSY_TEXT,
                   "TokenQueue is full, and of all sources this one has the most requests in it");
}

void request_cancel(struct signer *s, struct request *request)
{
    if (request->room) {
        fair_remove(request->room, request);
        free(request);
        return;
    }
    request->orphaned = true;
    request->generation = NULL;
}

/* The signature blob of a raw signature, if it is right. */
static bool signature_make(const struct request *request, struct sp_span raw, struct sp_out *signature)
{
    struct sp_span blob = generation_key_blob(request);
    struct sp_span message = sp_span_of(request->message, request->message_size);
    return request->keytype->encode(blob, raw, signature) == 0 &&
           request->keytype->verify(blob, sp_written(signature), message, NULL) == SP_VERDICT_GOOD;
}

/* Another try on the same token, once: a fault may have been a bit that flipped. It is an error for the log either way. */
static void signature_faulty(struct signer *s, struct request *request)
{
    log_say(&s->log, LOG_LEVEL_ERROR, "signature_faulty",
            "token %s made a signature with %s that its own public key does not verify; it was not used",
            token_name(request->token), request->keytype->head.name);
    request->token->failures++;
    if (request->retried) {
        request_failed(s, request, "the token's signatures do not verify with its public key");
        return;
    }
    request->retried = true;
    request->lane = REQUEST_AHEAD;
    token_submit(request->token, request);
}

/* To whoever asked for it. */
static void request_answer(struct signer *s, struct request *request)
{
    if (request->kind == REQUEST_PROOF) {
        generation_proved(request, NULL);
    } else if (request->kind == REQUEST_PROVE) {
        prover_signed(s, request, sp_span_of(request->signature, request->signature_size));
    } else if (request->kind == REQUEST_SIGN) {
        signer_told(s, link_send(&s->monitor, sign_done, .connection = request->connection,
                                 .h = sp_span_of(request->message, request->message_size),
                                 .signature = sp_span_of(request->signature, request->signature_size),
                                 .host_key = request->host_key,
                                 .negotiated = sp_span_of(request->negotiated, request->negotiated_size),
                                 .policy = sp_text(request->policy),
                                 .client_kexinit =
                                     sp_span_of(request->client_kexinit, request->client_kexinit_size)));
    }
    request_free(s, request);
}

void request_recorded(struct signer *s, struct request *request, const char *failure)
{
    if (request->orphaned)
        free(request);
    else if (failure)
        request_failed(s, request, failure);
    else
        request_answer(s, request);
}

void request_signed(struct signer *s, struct request *request, struct sp_span raw)
{
    struct sp_out signature = {.data = request->signature, .capacity = sizeof request->signature};
    const char *failure;
    if (request->orphaned) {
        free(request);
        return;
    }
    if (!signature_make(request, raw, &signature)) {
        signature_faulty(s, request);
        return;
    }
    request->signature_size = signature.size;
    watchdog_signed(s, request);
    if (!ledger_record(s, request, &failure))
        request_recorded(s, request, failure);
}
