/* Records of signatures, on their way to the spawner. Input: requests that were signed. Output: record_signature; the event
 * `signed`, which holds each record's hash, so that the monitor's log knows how far the chain has come. */
#include "signer/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <sallyport/registry.h>

#include "base/base64.h"
#include "signer/chain.h"
#include "signer/generation.h"

/* So much may wait for a spawner that waits for a disk. Clients decide how many signatures there are, and a link that is full
 * would be a lost spawner. */
#define RECORDS_QUEUED_MAX (LINK_QUEUE_MAX / 4)
#define FAILURE_LOG_MS 60000u /* between two lines that say that signatures are not recorded */

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* As ssh-keygen -l shows it. 0 or -errno. */
static int fingerprint(struct sp_span blob, char text[65])
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    struct sp_out out = {.data = (uint8_t *)text, .capacity = 64};
    int r = sha256 ? sha256->hash(&blob, 1, digest) : -ENOENT;
    if (r)
        return r;
    sp_put_raw(&out, sp_text("SHA256:"));
    r = base64_encode_bare(sp_span_of(digest, sha256->size), &out);
    text[out.size] = 0;
    return r ? -EINVAL : 0;
}

/* Each signature that is not recorded counts; that there are such is said now and then. */
static void failed(struct signer *s, const char *why)
{
    uint64_t now = clock_ms();
    s->ledger.unsaid++;
    if (s->ledger.is_failing && now < s->ledger.said_ms + FAILURE_LOG_MS)
        return;
    log_say(&s->log, LOG_LEVEL_ERROR, "signature_log_failed", "%zu signatures are not in the chain: %s",
            s->ledger.unsaid, why);
    s->ledger.is_failing = true;
    s->ledger.said_ms = now;
    s->ledger.unsaid = 0;
}

static void works_again(struct signer *s)
{
    if (!s->ledger.is_failing)
        return;
    log_say(&s->log, LOG_LEVEL_NOTICE, "signature_log_restored", "signatures are recorded again");
    s->ledger.is_failing = false;
    s->ledger.unsaid = 0;
}

static int ask(struct signer *s, const struct request *request)
{
    char key[65];
    if (s->spawner.queued_octets >= RECORDS_QUEUED_MAX)
        return -EAGAIN;
    int r = fingerprint(generation_key_blob(request), key);
    return r ? r
             : link_send(&s->spawner, record_signature, .ticket = request->ticket,
                         .limit = request->generation->config->signature_log_size, .lost = s->ledger.lost,
                         .time_us = now_us(), .key = sp_text(key),
                         .algorithm = sp_text(request->keytype->head.name),
                         .purpose = sp_text(request->purpose), .connection = request->connection,
                         .peer = sp_text(request->peer), .latency_us = request->latency_us);
}

bool ledger_record(struct signer *s, struct request *request, const char **why)
{
    const struct config *config = request->generation->config;
    *why = NULL;
    if (!config->signature_log)
        return false;
    if (ask(s, request) != 0) {
        s->ledger.lost++;
        failed(s, "the spawner does not take the order to record them");
        *why = config->signature_log_required ? "its signature cannot be recorded" : NULL;
        return false;
    }
    s->ledger.lost = 0;
    if (!config->signature_log_required)
        return false;
    request_append(&s->ledger.held, request);
    return true;
}

static void say_signed(struct signer *s, const struct msg_signature_recorded *answer)
{
    char hash[SIGNATURE_HASH_TEXT] = "";
    struct signature_record record;
    if (answer->hash.size == SIGNATURE_HASH_SIZE)
        signature_hash_text(answer->hash.data, hash);
    if (!signature_record_read(answer->line, &record))
        return;
    char connection[17];
    snprintf(connection, sizeof connection, "%016llx", (unsigned long long)record.connection);
    const struct log_field fields[] = {
        {"hash", sp_text(hash)}, {"record", answer->line}, {"connection", sp_text(connection)}};
    log_event(&s->log, LOG_LEVEL_INFO, "signed", fields, ARRAY_SIZE(fields),
              "signature %llu, %s with %s, connection %016llx of %s, hash %s",
              (unsigned long long)record.number, record.purpose, record.algorithm,
              (unsigned long long)record.connection, record.peer[0] ? record.peer : "nobody", hash);
}

void ledger_answered(struct signer *s, const struct msg_signature_recorded *answer)
{
    char why[1100];
    struct request *request = request_by_ticket(&s->ledger.held, answer->ticket);
    bool is_lost = answer->result == CHAIN_LOST;
    snprintf(why, sizeof why, "%s%.*s", is_lost ? "its signature cannot be recorded: " : "",
             (int)answer->why.size, (const char *)answer->why.data);
    if (request)
        request_remove(&s->ledger.held, request);
    if (is_lost) {
        failed(s, why + strlen("its signature cannot be recorded: "));
    } else {
        works_again(s);
        say_signed(s, answer);
    }
    if (answer->result == CHAIN_BROKEN)
        log_say(&s->log, LOG_LEVEL_ERROR, "signature_log_broken", "%s", why);
    if (answer->result == CHAIN_NOTE)
        log_say(&s->log, LOG_LEVEL_WARNING, "signature_log_removed", "%s", why);
    if (request)
        request_recorded(s, request, is_lost ? why : NULL);
}

void ledger_free(struct ledger *ledger)
{
    while (ledger->held.first) {
        struct request *request = ledger->held.first;
        request_remove(&ledger->held, request);
        free(request);
    }
}
