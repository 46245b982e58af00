/*
 * Proofs of host keys. Input: ask_proof of workers, answers of the signer. Output: `proofs` to the worker, one record and one
 * count per key and address. A worker says which keys; whose connection it is, its session and what was negotiated are our
 * own knowledge, so that it can have nothing signed for another connection.
 */
#include "monitor/host_keys.h"

#include <time.h>

#include <sallyport/wire.h>

#include "monitor/monitor.h"
#include "monitor/on_connection.h"

/* Proofs are the first to go without when the signer's link is full: exchanges need it. */
#define PROVE_QUEUED_MAX (LINK_QUEUE_MAX / 16)

static void proofs_send(struct connection *c, struct sp_span signatures)
{
    c->proof.waits = false;
    if (c->phase != PHASE_CLOSING && watch_send(&c->worker, proofs, .signatures = signatures))
        connection_worker_gone(c);
}

static bool signer_can(const struct connection *c)
{
    return c->generation->at_signer && c->monitor->signer.watch.link.queued_octets < PROVE_QUEUED_MAX;
}

/* Each question costs the signer a turn and the log a line. */
static bool may_not_ask(struct connection *c)
{
    if (c->proof.questions > CONNECTION_PROOFS_MAX)
        return true;
    if (++c->proof.questions <= CONNECTION_PROOFS_MAX)
        return false;
    const struct log_field fields[] = {{"why", sp_text("asked for too often")}};
    monitor_log(c->monitor, c, LOG_LEVEL_NOTICE, "host_key_unproved", fields, ARRAY_SIZE(fields),
                "Proof of host keys was asked for more than %u times, and is not given any more",
                CONNECTION_PROOFS_MAX);
    return true;
}

void connection_ask_proof(struct connection *c, struct sp_span keys)
{
    if (c->proof.waits) {
        connection_illegal(c, "worker sent a second ask_proof before the first was answered");
        return;
    }
    if (may_not_ask(c) || !signer_can(c)) {
        proofs_send(c, (struct sp_span){0});
        return;
    }
    c->proof.waits = c->proof.asked = true;
    if (!service_send(&c->monitor->signer, prove, .connection = c->id, .generation = c->generation->number,
                      .session_id = sp_span_of(c->session_id, c->session_id_size),
                      .remote_address = sp_text(c->remote.text), .negotiated = c->negotiated, .keys = keys) &&
        c->proof.waits)
        proofs_send(c, (struct sp_span){0});
}

bool connection_forget_proofs(struct connection *c)
{
    bool asked = c->proof.asked;
    c->proof = (struct connection_proof){0};
    return asked;
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

/* The connection that this answer is for; NULL if it has gone, or asked for nothing: then the answer is dropped. */
static struct connection *proof_finish(struct monitor *m, uint64_t id)
{
    struct connection *c = connection_find(m, id);
    if (!c || !c->proof.waits)
        return NULL;
    c->proof.waits = false;
    return c;
}

static void proved_record(struct connection *c, struct sp_span fingerprint)
{
    const struct log_field fields[] = {{"address", sp_text(c->remote.text)}, {"fingerprint", fingerprint}};
    monitor_log(c->monitor, c, LOG_LEVEL_INFO, "host_key_proved", fields, ARRAY_SIZE(fields),
                "Host key %.*s proved to the client at %s", (int)fingerprint.size,
                (const char *)fingerprint.data, c->remote.text);
    if (known_keys_proved(&c->monitor->known_keys, c->remote.text, fingerprint, (int64_t)time(NULL)))
        monitor_say(c->monitor, c, LOG_LEVEL_WARNING, "no_memory", "The proof could not be counted");
}

void host_keys_prove_done(struct monitor *m, const union msg_body *body)
{
    const struct msg_prove_done *done = &body->prove_done;
    struct connection *c = proof_finish(m, done->connection);
    struct sp_in fingerprints = sp_in_of(done->fingerprints);
    if (!c || c->phase != PHASE_LOGIN)
        return;
    while (fingerprints.left != 0 && !fingerprints.bad) {
        struct sp_span fingerprint = sp_get_text(&fingerprints, KNOWN_FINGERPRINT_MAX - 1);
        if (!fingerprints.bad)
            proved_record(c, fingerprint);
    }
    proofs_send(c, done->signatures);
}

void host_keys_prove_refused(struct monitor *m, const union msg_body *body)
{
    const struct msg_prove_refused *refused = &body->prove_refused;
    struct connection *c = proof_finish(m, refused->connection);
    if (!c)
        return;
    const struct log_field fields[] = {{"why", refused->why}};
    monitor_log(m, c, refused->illegal ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO, "host_key_unproved", fields,
                ARRAY_SIZE(fields), "No proof of host keys for %s port %u: %.*s", c->remote.text,
                c->remote.port, (int)refused->why.size, (const char *)refused->why.data);
    if (refused->illegal)
        connection_end(c, DISCONNECT_PROTOCOL_ERROR, sp_text("protocol error"), "host_key_unproved");
    else
        proofs_send(c, (struct sp_span){0});
}

void host_keys_signer_lost(struct monitor *m)
{
    for (struct connection *c = m->connections.first, *next; c; c = next) {
        next = c->next;
        if (c->proof.waits)
            proofs_send(c, (struct sp_span){0});
    }
}
