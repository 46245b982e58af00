/*
 * The keys of a generation, each by itself. Input: what tokens announce, and how the proofs end. Output: keys that are proven,
 * wrong, or still awaited.
 *
 *   AWAITED --its token is ready--> PROVING --signs with something--> PROVEN
 *                 ^---its token was lost---'  '--signs with nothing--> WRONG
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "signer/algorithm.h"
#include "signer/generation_parts.h"

const char *key_keyword(const struct generation *g, size_t key)
{
    return g->plan.keys[key].keyword;
}

const char *key_written(const struct generation *g, size_t key)
{
    return g->plan.keys[key].written;
}

/* All processes on its token (TokenThreads) have to be ready: a key is as good as the worst of them. */
static bool key_is_there(const struct generation *g, size_t key)
{
    const struct plan_key *planned = &g->plan.keys[key];
    for (size_t i = 0; i < g->plan.replicas; i++)
        if (g->tokens[planned->first_token + i]->state != TOKEN_READY)
            return false;
    return true;
}

const char *key_trouble(const struct generation *g, size_t key)
{
    const struct plan_key *planned = &g->plan.keys[key];
    for (size_t i = 0; i < g->plan.replicas; i++) {
        const struct token *t = g->tokens[planned->first_token + i];
        if (t->state != TOKEN_READY && t->why[0])
            return t->why;
    }
    return g->keys[key].why[0] ? g->keys[key].why : "its token is not ready";
}

size_t keys_in(const struct generation *g, enum key_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < g->plan.key_count; i++)
        count += g->keys[i].state == state ? 1 : 0;
    return count;
}

size_t keys_signing(const struct generation *g, enum key_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < g->plan.key_count; i++)
        count += g->keys[i].state == state && !g->plan.keys[i].staged ? 1 : 0;
    return count;
}

void key_forget(struct generation *g, size_t key)
{
    free(g->keys[key].blob);
    g->keys[key] = (struct generation_key){.state = KEY_AWAITED};
}

/* It is there, and not what it should be: the end of a configuration that nobody is served by; one that serves goes on
 * without it. */
static void key_reject(struct generation *g, size_t n, const char *why)
{
    struct generation_key *key = &g->keys[n];
    key->state = KEY_WRONG;
    snprintf(key->why, sizeof key->why, "%s", why);
    if (g->state != GENERATION_READY)
        generation_fail(g, "%s %s: %s", key_keyword(g, n), key_written(g, n), why);
    else
        log_say(&g->signer->log, LOG_LEVEL_ERROR, "host_key_wrong",
                "%s %s has been found, and is not offered: %s; the others serve on", key_keyword(g, n),
                key_written(g, n), why);
}

/* ---- found ------------------------------------------------------------------------------------------------------- */

/* All tokens of a key (TokenThreads) have to announce the same one. */
static int key_copy(struct generation *g, size_t n)
{
    const struct plan_key *planned = &g->plan.keys[n];
    struct generation_key *key = &g->keys[n];
    const struct token_blob *first = &g->tokens[planned->first_token]->blobs[planned->index];
    for (size_t i = 1; i < g->plan.replicas; i++) {
        const struct token_blob *other = &g->tokens[planned->first_token + i]->blobs[planned->index];
        if (!sp_span_equal(sp_span_of(first->data, first->size), sp_span_of(other->data, other->size))) {
            key_reject(g, n, "two processes on one token see different keys");
            return 0;
        }
    }
    key_forget(g, n);
    key->blob = malloc(first->size);
    if (!key->blob)
        return -ENOMEM;
    memcpy(key->blob, first->data, first->size);
    key->blob_size = first->size;
    key->state = KEY_PROVING;
    return 0;
}

/* Every algorithm of a key, as a candidate until it is proved. */
static void key_candidates(struct generation *g, size_t n)
{
    struct generation_key *key = &g->keys[n];
    struct proven_key *candidate = &key->candidate;
    unsigned bits = 0;
    const struct sp_keytype_ops *keytype;
    candidate->blob = sp_span_of(key->blob, key->blob_size);
    candidate->valid_before = UINT64_MAX;
    for (size_t i = 0; i < OFFER_ALGORITHMS_MAX && (keytype = algorithm_of_key(candidate->blob, i, &bits));
         i++)
        if (algorithm_mechanism(keytype))
            candidate->algorithms[candidate->algorithm_count++] = keytype;
    if (candidate->algorithm_count == 0)
        key_reject(g, n, "its public key is malformed, too small, or of no type of ours");
}

int keys_begin(struct generation *g)
{
    bool found = false;
    for (size_t i = 0; g->state != GENERATION_FAILED && i < g->plan.key_count; i++) {
        if (g->keys[i].state != KEY_AWAITED || !key_is_there(g, i))
            continue;
        int r = key_copy(g, i);
        if (r)
            return r;
        if (g->keys[i].state == KEY_PROVING)
            key_candidates(g, i);
        found = true;
    }
    if (found && g->state != GENERATION_FAILED)
        certificates_place(g);
    return 0;
}

/* ---- proofs ------------------------------------------------------------------------------------------------------ */

int generation_proof(struct generation *g, size_t key, const struct sp_keytype_ops *keytype,
                     enum request_kind kind, uint64_t deadline_ms, struct request **out)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return -ENOMEM;
    struct sp_out message = {.data = request->message, .capacity = sizeof request->message};
    int r = proof_message(&message);
    if (r) {
        free(request);
        return r;
    }
    request->kind = kind;
    request->lane = REQUEST_AHEAD;
    request->purpose = kind == REQUEST_WATCH ? "watch" : "proof";
    request->ticket = ++g->signer->next_ticket;
    request->deadline_ms = deadline_ms;
    request->generation = g;
    request->key = key;
    request->keytype = keytype;
    request->message_size = message.size;
    *out = request;
    return 0;
}

static int proof_submit(struct generation *g, size_t key, const struct sp_keytype_ops *keytype,
                        struct token *token)
{
    struct request *request;
    uint64_t deadline_ms = clock_ms() + (uint64_t)g->config->token_timeout_s * 1000;
    int r = generation_proof(g, key, keytype, REQUEST_PROOF, deadline_ms, &request);
    if (r)
        return r;
    g->proofs_open++;
    token_submit(token, request);
    return 0;
}

/* What of it some policy may negotiate. */
static void key_choose(struct generation *g, size_t n)
{
    const struct proven_key candidates = g->keys[n].candidate;
    struct proven_key *wanted = &g->keys[n].candidate;
    wanted->algorithm_count = 0;
    for (size_t i = 0; i < candidates.algorithm_count; i++)
        if (algorithm_is_wanted(g, n, candidates.algorithms[i]))
            wanted->algorithms[wanted->algorithm_count++] = candidates.algorithms[i];
}

/* On each of its tokens, with each algorithm. */
static int key_prove(struct generation *g, size_t n)
{
    const struct plan_key *planned = &g->plan.keys[n];
    key_choose(g, n);
    const struct proven_key wanted = g->keys[n].candidate; /* a proof may fail at once */
    for (size_t i = 0; i < wanted.algorithm_count; i++)
        for (size_t t = 0; t < g->plan.replicas; t++) {
            int r = proof_submit(g, n, wanted.algorithms[i], g->tokens[planned->first_token + t]);
            if (r)
                return r;
        }
    return 0;
}

int keys_prove(struct generation *g)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->plan.key_count; i++)
        if (g->keys[i].state == KEY_PROVING)
            r = key_prove(g, i);
    return r;
}

static void key_lose_algorithm(struct proven_key *key, const struct sp_keytype_ops *keytype)
{
    size_t kept = 0;
    for (size_t i = 0; i < key->algorithm_count; i++)
        if (key->algorithms[i] != keytype)
            key->algorithms[kept++] = key->algorithms[i];
    key->algorithm_count = kept;
}

void generation_proved(struct request *request, const char *failure)
{
    struct generation *g = request->generation;
    struct generation_key *key = &g->keys[request->key];
    struct log *log = &g->signer->log;
    const char *name = request->keytype->head.name;
    g->proofs_open--;
    if (failure) {
        key_lose_algorithm(&key->candidate, request->keytype);
        key->failures++;
        key->lost = key->lost || request->token->state != TOKEN_READY;
        snprintf(key->why, sizeof key->why, "%s: %s", name, failure);
        log_say(log, LOG_LEVEL_WARNING, "key_failed", "%s %s cannot sign with %s and does not offer it: %s",
                key_keyword(g, request->key), key_written(g, request->key), name, failure);
        return;
    }
    const struct log_field fields[] = {{"algorithm", sp_text(name)},
                                       {"key", sp_text(key_written(g, request->key))}};
    log_event(log, LOG_LEVEL_INFO, "key_proved", fields, ARRAY_SIZE(fields), "%s %s signs with %s",
              key_keyword(g, request->key), key_written(g, request->key), name);
}

/* Its token was lost before it could prove itself: it is awaited again, and why is kept. */
static void key_lose(struct generation *g, size_t n)
{
    char why[sizeof g->keys[n].why];
    memcpy(why, g->keys[n].why, sizeof why);
    key_forget(g, n);
    memcpy(g->keys[n].why, why, sizeof why);
}

static void key_end(struct generation *g, size_t n)
{
    struct generation_key *key = &g->keys[n];
    bool may_wait = g->state == GENERATION_READY || !g->reload;
    char why[sizeof key->why + 64];
    if (key->failures != 0 && key->lost && may_wait) {
        key_lose(g, n);
    } else if (key->failures != 0 && key->candidate.algorithm_count == 0) {
        snprintf(why, sizeof why, "it does not prove itself: %s", key->why);
        key_reject(g, n, why);
    } else {
        key->state = KEY_PROVEN;
        key->proven = key->candidate;
    }
}

void keys_end(struct generation *g)
{
    for (size_t i = 0; g->state != GENERATION_FAILED && i < g->plan.key_count; i++) {
        if (g->keys[i].state != KEY_PROVING)
            continue;
        key_end(g, i);
        if (g->state == GENERATION_READY && g->keys[i].state == KEY_PROVEN)
            log_say(&g->signer->log, LOG_LEVEL_NOTICE, "host_key_found",
                    "%s %s has been found and has proved itself", key_keyword(g, i), key_written(g, i));
    }
}
