/*
 * Generations. Input: the sealed snapshot that came with `configure`, and what the tokens announce and sign. Output:
 * `configured` with the offer, or `unconfigured` with one sentence that names what is wrong.
 *
 * Why the snapshot may be believed: it comes from the monitor, which is the one program that reads the configuration, and
 * its seals say that nobody can change it any more. What it could do at worst is bounded elsewhere: modules are root's
 * (module_path.c), and only transcripts and proofs are ever signed.
 */
#include "signer/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdarg.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "ipc/codec.h"
#include "signer/algorithm.h"

/* How often in a row a token process may be lost before a configuration gives up on it; or find its token or a key missing,
 * which is a fact sooner, but may be a moment's. */
#define LOSSES_MAX 4u
#define MISSING_MAX 2u

/* ---- ending ------------------------------------------------------------------------------------------------------ */

static void requests_cancel(struct signer *s, const struct generation *g, struct request_list *list,
                            bool in_flight)
{
    for (struct request *request = list->first, *next; request; request = next) {
        next = request->next;
        if (request->generation != g)
            continue;
        if (request->kind == REQUEST_SIGN) {
            signer_told(s, link_send(&s->monitor, sign_refused, .connection = request->connection,
                                     .reason = REASON_SERVICE_NOT_AVAILABLE,
                                     .text = sp_text("service not available"),
                                     .why = sp_text("its configuration was dropped")));
            budget_done(s->budget, request->connection);
        }
        if (!in_flight)
            request_remove(list, request);
        request_cancel(s, request, in_flight);
    }
}

static void generation_free(struct generation *g)
{
    struct signer *s = g->signer;
    requests_cancel(s, g, &s->delayed, false);
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i]) {
            requests_cancel(s, g, &s->tokens[i]->waiting, false);
            requests_cancel(s, g, &s->tokens[i]->in_flight, true);
        }
    for (size_t i = 0; i < g->plan.token_count; i++)
        if (g->tokens[i])
            token_release(g->tokens[i]);
    for (size_t i = 0; i < PLAN_KEYS_MAX; i++)
        free(g->keys[i].blob);
    plan_free(&g->plan);
    config_free(g->config);
    free(g->offer_bytes);
    free(g);
}

static void generation_fail(struct generation *g, const char *format, ...) PRINTF_LIKE(2, 3);
static void generation_fail(struct generation *g, const char *format, ...)
{
    char why[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    g->state = GENERATION_FAILED;
    signer_told(g->signer,
                link_send(&g->signer->monitor, unconfigured, .generation = g->id, .why = sp_text(why)));
}

static void generations_drop(struct signer *s, bool (*unwanted)(const struct generation *, const void *),
                             const void *context)
{
    for (struct generation **at = &s->generations; *at;) {
        struct generation *g = *at;
        if (!unwanted(g, context)) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        generation_free(g);
    }
}

static bool is_failed(const struct generation *g, const void *context)
{
    return g->state == GENERATION_FAILED;
}

static bool has_id(const struct generation *g, const void *context)
{
    return g->id == *(const uint64_t *)context;
}

static bool is_any(const struct generation *g, const void *context)
{
    return true;
}

/* An older generation of the same number, which a monitor that was started afresh counts from the beginning again. */
static bool is_replaced(const struct generation *g, const void *context)
{
    const struct generation *by = context;
    return g != by && g->id == by->id;
}

void generation_forget(struct signer *s, uint64_t id)
{
    generations_drop(s, has_id, &id);
}

void generations_free(struct signer *s)
{
    generations_drop(s, is_any, NULL);
}

struct generation *generation_find(struct signer *s, uint64_t id)
{
    for (struct generation *g = s->generations; g; g = g->next)
        if (g->id == id && g->state == GENERATION_READY)
            return g;
    return NULL;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static int config_read(struct generation *g, int snapshot_fd)
{
    static const struct config_who nobody = {0};
    struct config_error error = {{0}};
    struct config_source *source = NULL;
    struct sp_span bytes;
    int r = fd_sealed_map(snapshot_fd, CONFIG_SNAPSHOT_MAX, &bytes);
    if (r) {
        generation_fail(g, "the configuration's snapshot cannot be read");
        return 0;
    }
    r = config_source_unpack(bytes, &source, &error);
    if (r == 0)
        r = config_evaluate(source, &nobody, &g->config, &error);
    config_source_free(source);
    fd_sealed_unmap(bytes);
    if (r > 0) {
        generation_fail(g, "%s", error.text);
        return 0;
    }
    return r;
}

static int tokens_acquire(struct generation *g)
{
    char why[1024];
    uint64_t timeout_ms = (uint64_t)g->config->token_timeout_s * 1000;
    int r = plan_make(g->config, &g->plan, why, sizeof why);
    if (r > 0) {
        generation_fail(g, "%s", why);
        return 0;
    }
    for (size_t i = 0; r == 0 && i < g->plan.token_count; i++)
        r = token_acquire(g->signer, &g->plan.tokens[i], timeout_ms, &g->tokens[i]);
    g->deadline_ms =
        clock_ms() + timeout_ms + 1000; /* a token's own timeout speaks first, with a better reason */
    if (r == -EAGAIN) {
        generation_fail(g, "more than %u token processes", SPAWNER_SLOTS);
        return 0;
    }
    return r;
}

static size_t generations_count(const struct signer *s)
{
    size_t count = 0;
    for (const struct generation *g = s->generations; g; g = g->next)
        count++;
    return count;
}

int generation_begin(struct signer *s, uint64_t id, int snapshot_fd)
{
    bool room = generations_count(s) < GENERATIONS_MAX;
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    *g = (struct generation){.signer = s, .id = id, .next = s->generations};
    s->generations = g;
    if (!room) {
        generation_fail(g, "more than %u configurations are still in use by connections", GENERATIONS_MAX);
        return 0;
    }
    int r = config_read(g, snapshot_fd);
    return r || g->state == GENERATION_FAILED ? r : tokens_acquire(g);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static const char *key_written(const struct generation *g, size_t key)
{
    return g->plan.keys[key].written;
}

/* All tokens of a key (TokenThreads) have to announce the same one. */
static int key_copy(struct generation *g, size_t n)
{
    const struct plan_key *planned = &g->plan.keys[n];
    struct generation_key *key = &g->keys[n];
    const struct token_blob *first = &g->tokens[planned->first_token]->blobs[planned->index];
    for (size_t i = 1; i < g->plan.replicas; i++) {
        const struct token_blob *other = &g->tokens[planned->first_token + i]->blobs[planned->index];
        if (!sp_span_equal(sp_span_of(first->data, first->size), sp_span_of(other->data, other->size))) {
            generation_fail(g, "HostKey %s: two processes on one token see different keys", planned->written);
            return 0;
        }
    }
    key->blob = malloc(first->size);
    if (!key->blob)
        return -ENOMEM;
    memcpy(key->blob, first->data, first->size);
    key->blob_size = first->size;
    key->proven.blob = sp_span_of(key->blob, key->blob_size);
    return 0;
}

static void key_check_size(struct generation *g, size_t n, unsigned bits)
{
    const struct sp_keytype_ops *keytype = algorithm_of_key(g->keys[n].proven.blob, 0, &bits);
    if (keytype && strcmp(keytype->blob_type, "ssh-rsa") == 0 && bits < g->config->required_rsa_size)
        generation_fail(g, "HostKey %s: an RSA key of %u bits, and RequiredRSASize is %u", key_written(g, n),
                        bits, g->config->required_rsa_size);
}

/* Every algorithm of a key, as a candidate until it is proved. */
static void key_candidates(struct generation *g, size_t n)
{
    struct offer_key *key = &g->keys[n].proven;
    unsigned bits = 0;
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; i < OFFER_ALGORITHMS_MAX && (keytype = algorithm_of_key(key->blob, i, &bits)); i++)
        if (algorithm_mechanism(keytype))
            key->algorithms[key->algorithm_count++] = keytype;
    if (key->algorithm_count == 0)
        generation_fail(g, "HostKey %s: its public key is malformed, too small, or of no type of ours",
                        key_written(g, n));
    else
        key_check_size(g, n, bits);
}

static int available_list(const struct generation *g, char *list, size_t size)
{
    list[0] = 0;
    for (size_t k = 0; k < g->plan.key_count; k++)
        for (size_t i = 0; i < g->keys[k].proven.algorithm_count; i++) {
            const char *name = g->keys[k].proven.algorithms[i]->head.name;
            int r = sp_list_has(sp_text(list), sp_text(name)) ? 0 : list_append(list, size, name);
            if (r)
                return r;
        }
    return 0;
}

/* The lists as they are with the algorithms that the keys have now. A failure that is the configuration's is answered. */
static int lists_resolve(struct generation *g, struct offer_lists *lists)
{
    char available[POLICY_LIST_MAX], error[1024];
    int r = available_list(g, available, sizeof available);
    if (r == 0)
        r = offer_resolve(g->config, available, lists, error, sizeof error);
    if (r > 0) {
        generation_fail(g, "%s", error);
        return 0;
    }
    return r;
}

/* ---- proofs ------------------------------------------------------------------------------------------------------ */

static int proof_submit(struct generation *g, size_t key, const struct sp_keytype_ops *keytype,
                        struct token *token)
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
    request->kind = REQUEST_PROOF;
    request->ticket = ++g->signer->next_ticket;
    request->deadline_ms = g->deadline_ms;
    request->generation = g;
    request->key = key;
    request->keytype = keytype;
    request->message_size = message.size;
    g->proofs_open++;
    token_submit(token, request);
    return 0;
}

/* Each key, on each of its tokens, with each algorithm that the policy may negotiate. */
static int key_prove(struct generation *g, size_t n, const struct offer_lists *lists)
{
    const struct plan_key *planned = &g->plan.keys[n];
    struct offer_key candidates = g->keys[n].proven;
    g->keys[n].proven.algorithm_count = 0;
    for (size_t i = 0; i < candidates.algorithm_count; i++) {
        const struct sp_keytype_ops *keytype = candidates.algorithms[i];
        if (!offer_has_host_key(lists, keytype))
            continue;
        g->keys[n].proven.algorithms[g->keys[n].proven.algorithm_count++] = keytype;
        for (size_t t = 0; t < g->plan.replicas; t++) {
            int r = proof_submit(g, n, keytype, g->tokens[planned->first_token + t]);
            if (r)
                return r;
        }
    }
    return 0;
}

static void key_lose_algorithm(struct offer_key *key, const struct sp_keytype_ops *keytype)
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
        key_lose_algorithm(&key->proven, request->keytype);
        key->failures++;
        snprintf(key->why, sizeof key->why, "%s: %s", name, failure);
        log_say(log, LOG_LEVEL_WARNING, "key_failed",
                "HostKey %s cannot sign with %s and does not offer it: %s", key_written(g, request->key),
                name, failure);
        return;
    }
    const struct log_field fields[] = {{"algorithm", sp_text(name)},
                                       {"key", sp_text(key_written(g, request->key))}};
    log_event(log, LOG_LEVEL_INFO, "key_proved", fields, ARRAY_SIZE(fields), "HostKey %s signs with %s",
              key_written(g, request->key), name);
}

/* ---- moving on --------------------------------------------------------------------------------------------------- */

static const char *token_trouble(const struct token *t)
{
    unsigned most = t->missing ? MISSING_MAX : LOSSES_MAX;
    bool given_up = t->state == TOKEN_STOPPED || (t->state == TOKEN_WAITING && t->losses >= most);
    return !given_up ? NULL : t->why[0] ? t->why : "it cannot be used";
}

static bool tokens_ready(struct generation *g)
{
    bool ready = true;
    for (size_t i = 0; i < g->plan.token_count; i++) {
        const struct token *t = g->tokens[i];
        const char *trouble = token_trouble(t);
        if (trouble) {
            generation_fail(g, "token %s of module %s: %s", t->spec.token[0] ? t->spec.token : "(any)",
                            t->spec.module, trouble);
            return false;
        }
        ready = ready && t->state == TOKEN_READY;
    }
    return ready;
}

static int proofs_begin(struct generation *g)
{
    struct offer_lists lists;
    int r = 0;
    for (size_t i = 0; r == 0 && g->state != GENERATION_FAILED && i < g->plan.key_count; i++) {
        r = key_copy(g, i);
        if (r == 0 && g->state != GENERATION_FAILED)
            key_candidates(g, i);
    }
    if (r || g->state == GENERATION_FAILED)
        return r;
    r = lists_resolve(g, &lists);
    if (r || g->state == GENERATION_FAILED)
        return r;
    g->state = GENERATION_PROVING;
    for (size_t i = 0; r == 0 && i < g->plan.key_count; i++)
        r = key_prove(g, i, &lists);
    return r;
}

/* The same public key on several tokens is offered once. */
static size_t offered_keys(const struct generation *g, struct offer_key keys[PLAN_KEYS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < g->plan.key_count; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || sp_span_equal(keys[k].blob, g->keys[i].proven.blob);
        if (!known)
            keys[count++] = g->keys[i].proven;
    }
    return count;
}

static void offer_answer(struct generation *g)
{
    struct signer *s = g->signer;
    g->state = GENERATION_READY;
    generations_drop(s, is_replaced, g);
    signer_told(s, link_send(&s->monitor, configured, .generation = g->id,
                             .offer = sp_span_of(g->offer_bytes, g->offer_size)));
    log_say(&s->log, LOG_LEVEL_INFO, "keys_ready", "generation %llu: %zu host keys on %zu tokens, %.*s",
            (unsigned long long)g->id, g->plan.key_count, g->plan.token_count,
            (int)g->offer.host_key_algorithms.size, (const char *)g->offer.host_key_algorithms.data);
}

static int proofs_end(struct generation *g)
{
    struct offer_lists lists;
    struct offer_key keys[PLAN_KEYS_MAX];
    for (size_t i = 0; i < g->plan.key_count; i++)
        if (g->keys[i].failures != 0 && g->keys[i].proven.algorithm_count == 0) {
            generation_fail(g, "HostKey %s does not prove itself: %s", key_written(g, i), g->keys[i].why);
            return 0;
        }
    int r = lists_resolve(g, &lists);
    if (r || g->state == GENERATION_FAILED)
        return r;
    r = offer_encode(&lists, keys, offered_keys(g, keys), &g->offer_bytes, &g->offer_size);
    if (r == -EMSGSIZE)
        generation_fail(g, "the algorithm lists are too long");
    if (r)
        return r == -EMSGSIZE ? 0 : r;
    if (message_decode(message_find(MSG_offer), sp_span_of(g->offer_bytes, g->offer_size), &g->offer))
        return -EINVAL;
    offer_answer(g);
    return 0;
}

/* Time is up: says what it was that took it. */
static void generation_expire(struct generation *g)
{
    for (size_t i = 0; i < g->plan.token_count; i++) {
        const struct token *t = g->tokens[i];
        if (t->state != TOKEN_READY && t->why[0]) {
            generation_fail(g, "token %s was not ready within TokenTimeout: %s", token_name(t), t->why);
            return;
        }
    }
    generation_fail(g, "the host keys were not ready within TokenTimeout");
}

static void generation_settle(struct generation *g)
{
    int r = 0;
    if (g->state == GENERATION_TOKENS && tokens_ready(g))
        r = proofs_begin(g);
    if (r == 0 && g->state == GENERATION_PROVING && g->proofs_open == 0)
        r = proofs_end(g);
    if (r)
        generation_fail(g, "preparing the host keys: %s", strerror(-r));
    bool open = g->state == GENERATION_TOKENS || g->state == GENERATION_PROVING;
    if (open && clock_ms() >= g->deadline_ms)
        generation_expire(g);
}

void generations_settle(struct signer *s)
{
    for (struct generation *g = s->generations; g; g = g->next)
        generation_settle(g);
    generations_drop(s, is_failed, NULL);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static bool token_is_better(const struct token *a, const struct token *b)
{
    bool a_ready = a->state == TOKEN_READY, b_ready = b->state == TOKEN_READY;
    if (a_ready != b_ready)
        return a_ready;
    return a->waiting.count + a->in_flight.count < b->waiting.count + b->in_flight.count;
}

static bool key_can(const struct offer_key *key, const struct sp_keytype_ops *keytype)
{
    for (size_t i = 0; i < key->algorithm_count; i++)
        if (key->algorithms[i] == keytype)
            return true;
    return false;
}

struct token *generation_place(struct request *request)
{
    struct generation *g = request->generation;
    struct token *best = NULL;
    if (request->kind == REQUEST_PROOF)
        return request->token;
    struct sp_span blob = generation_key_blob(request);
    for (size_t k = 0; k < g->plan.key_count; k++) {
        if (!sp_span_equal(g->keys[k].proven.blob, blob) || !key_can(&g->keys[k].proven, request->keytype))
            continue;
        for (size_t i = 0; i < g->plan.replicas; i++) {
            struct token *t = g->tokens[g->plan.keys[k].first_token + i];
            if (t->state == TOKEN_STOPPED || (best && !token_is_better(t, best)))
                continue;
            best = t;
            request->key = k;
        }
    }
    return best;
}

size_t generation_key_index(const struct request *request)
{
    return request->generation->plan.keys[request->key].index;
}

struct sp_span generation_key_blob(const struct request *request)
{
    return request->generation->keys[request->key].proven.blob;
}
