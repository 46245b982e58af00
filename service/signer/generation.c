/*
 * Generations. Input: the sealed snapshot that came with `configure`, and what the tokens announce and sign. Output:
 * `configured` with the offer, or `unconfigured` with one sentence that names what is wrong.
 *
 * Why the snapshot may be believed: it comes from the monitor, which is the one program that reads the configuration, and
 * its seals say that nobody can change it any more. What it could do at worst is bounded elsewhere: modules are root's
 * (base/root_file.c), and only transcripts and proofs are ever signed.
 */
#include "signer/generation.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "ipc/codec.h"
#include "signer/algorithm.h"
#include "signer/host_keys.h"
#include "signer/policy_trust.h"

/* How often in a row a token process may be lost before a configuration gives up on it; or find its token or a key missing,
 * which is a fact sooner, but may be a moment's. */
#define LOSSES_MAX 4u
#define MISSING_MAX 2u
#define EXCEPTIONS_SIZE_MAX 24576u /* octets of a variant's, as in messages.def */

/* ---- ending ------------------------------------------------------------------------------------------------------ */

static void request_drop(struct signer *s, struct request *request)
{
    if (request->kind == REQUEST_SIGN) {
        signer_told(s, link_send(&s->monitor, sign_refused, .connection = request->connection,
                                 .reason = REASON_SERVICE_NOT_AVAILABLE,
                                 .text = sp_text("service not available"),
                                 .why = sp_text("its configuration was dropped")));
        budget_done(s->budget, request->connection);
    }
    request_cancel(s, request);
}

static void room_drop(struct signer *s, const struct generation *g, struct fair *room)
{
    for (struct request *request = room->oldest, *next; request; request = next) {
        next = request->younger;
        if (request->generation == g)
            request_drop(s, request);
    }
}

static void list_drop(struct signer *s, const struct generation *g, struct request_list *list)
{
    for (struct request *request = list->first, *next; request; request = next) {
        next = request->next;
        if (request->generation == g)
            request_drop(s, request);
    }
}

static void generation_free(struct generation *g)
{
    struct signer *s = g->signer;
    prover_drop(s, g);
    room_drop(s, g, &s->delayed);
    list_drop(s, g, &s->ledger.held);
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i]) {
            room_drop(s, g, &s->tokens[i]->waiting);
            list_drop(s, g, &s->tokens[i]->in_flight);
        }
    for (size_t i = 0; i < g->plan.token_count; i++)
        if (g->tokens[i])
            token_release(g->tokens[i]);
    for (size_t i = 0; i < PLAN_KEYS_MAX; i++)
        free(g->keys[i].blob);
    for (size_t i = 0; i < g->certificate_count; i++)
        host_certificate_free(&g->certificates[i].read);
    for (size_t i = 0; i < g->variant_count; i++)
        variant_free(&g->variants[i]);
    variant_free(&g->reported);
    plan_free(&g->plan);
    config_free(g->config);
    config_source_free(g->source);
    free(g->offer_bytes);
    free(g->accepted);
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

/* Without a choice there is nothing to evaluate: the common case costs nothing. */
int generation_variant(const struct generation *g, const struct config_who *who,
                       const struct variant **variant, struct msg_variant *offered)
{
    struct config *config = NULL;
    struct config_error unused;
    const char *spec = g->variants[0].spec;
    int r = g->variant_count == 1 ? 0 : config_evaluate(g->source, who, &config, &unused);
    if (config)
        spec = config_policy_spec(config);
    for (size_t i = 0; r == 0 && i < g->variant_count; i++)
        if (strcmp(g->variants[i].spec, spec) == 0) {
            *variant = &g->variants[i];
            r = offer_variant_at(&g->offer, i, offered) ? 0 : -EINVAL;
            config_free(config);
            return r;
        }
    config_free(config);
    return r < 0 ? r : -EINVAL;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

/* Every policy that the configuration can choose, so that a bad one is refused now. */
static int policies_load(struct generation *g, struct config_error *error)
{
    CLEANUP(config_policies_free) struct config_policies policies = {0};
    int r = config_policies_check(g->source, 0, error);
    if (r == 0)
        r = config_policies_find(g->source, g->config, &policies, error);
    for (size_t i = 0; r == 0 && i < policies.count; i++)
        r = variant_load(&g->variants[g->variant_count++], g->source, g->config, policies.specs[i], error);
    return r ? r : variant_load_reported(&g->reported, g->source, g->config, error);
}

/* Signatures, by what root has told us, whatever the snapshot itself says of that. */
static int policies_judge(struct generation *g)
{
    const struct policy_anchors *anchors = g->signer->anchors;
    const char *oddity = policy_trust_oddity(anchors, g->config);
    char why[2048];
    if (oddity)
        log_say(&g->signer->log, LOG_LEVEL_WARNING, "policy_trust", "PolicyTrust %s: %s",
                g->config->policy_trust, oddity);
    if (!anchors)
        return 0;
    g->accepted = calloc(1, sizeof *g->accepted);
    if (!g->accepted)
        return -ENOMEM;
    int r =
        policy_trust_accept(anchors, g->source, g->config, (int64_t)time(NULL), g->accepted, why, sizeof why);
    if (r > 0)
        generation_fail(g, "%s", why);
    return r < 0 ? r : 0;
}

static int config_read(struct generation *g, int snapshot_fd)
{
    static const struct config_who nobody = {0};
    struct config_error error = {{0}};
    struct sp_span bytes;
    int r = fd_sealed_map(snapshot_fd, CONFIG_SNAPSHOT_MAX, &bytes);
    if (r) {
        generation_fail(g, "the configuration's snapshot cannot be read");
        return 0;
    }
    r = config_source_unpack(bytes, &g->source, &error);
    if (r == 0)
        r = config_evaluate(g->source, &nobody, &g->config, &error);
    if (r == 0)
        r = policies_judge(g);
    if (r == 0 && g->state != GENERATION_FAILED)
        r = policies_load(g, &error);
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
        r = token_acquire(g->signer, &g->plan.tokens[i], timeout_ms, g->config->token_queue, &g->tokens[i]);
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

static const char *key_keyword(const struct generation *g, size_t key)
{
    return g->plan.keys[key].keyword;
}

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
            generation_fail(g, "%s %s: two processes on one token see different keys", planned->keyword,
                            planned->written);
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

/* Every algorithm of a key, as a candidate until it is proved. */
static void key_candidates(struct generation *g, size_t n)
{
    struct proven_key *key = &g->keys[n].proven;
    unsigned bits = 0;
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; i < OFFER_ALGORITHMS_MAX && (keytype = algorithm_of_key(key->blob, i, &bits)); i++)
        if (algorithm_mechanism(keytype))
            key->algorithms[key->algorithm_count++] = keytype;
    key->valid_before = UINT64_MAX;
    if (key->algorithm_count == 0)
        generation_fail(g, "%s %s: its public key is malformed, too small, or of no type of ours",
                        key_keyword(g, n), key_written(g, n));
}

/* ---- certificates ------------------------------------------------------------------------------------------------ */

static bool certificate_is_in_time(const struct sp_certificate *certificate, int64_t now)
{
    return (uint64_t)now >= certificate->valid_after && (uint64_t)now < certificate->valid_before;
}

/* What does not make it useless, but will surprise somebody. */
static void certificate_warn(struct generation *g, const struct host_certificate *certificate)
{
    struct log *log = &g->signer->log;
    if (certificate->parsed.principals.size == 0)
        log_say(log, LOG_LEVEL_WARNING, "host_certificate",
                "HostCertificate %s names no host: clients take it for any, or for none", certificate->path);
    if (!certificate_is_in_time(&certificate->parsed, (int64_t)time(NULL)))
        log_say(log, LOG_LEVEL_WARNING, "host_certificate",
                "HostCertificate %s is not valid now and is not offered until it is", certificate->path);
}

static bool certificate_place(const struct generation *g, struct generation_certificate *certificate)
{
    struct sp_span plain = sp_span_of(certificate->read.plain, certificate->read.plain_size);
    for (size_t i = 0; i < g->plan.key_count; i++)
        if (sp_span_equal(g->keys[i].proven.blob, plain)) {
            certificate->key = i;
            return true;
        }
    return false;
}

static int certificate_take(struct generation *g, const char *path)
{
    char why[256];
    struct sp_span file;
    if (g->certificate_count == GENERATION_CERTIFICATES_MAX) {
        generation_fail(g, "HostCertificate: expected at most %u", GENERATION_CERTIFICATES_MAX);
        return 0;
    }
    if (!config_certificate(g->source, path, &file)) {
        generation_fail(g, "HostCertificate %s was not read", path);
        return 0;
    }
    struct generation_certificate *certificate = &g->certificates[g->certificate_count++];
    int r = host_certificate_read(&certificate->read, path, file, why, sizeof why);
    if (r < 0)
        return r;
    if (r > 0)
        generation_fail(g, "HostCertificate %s: %s", path, why);
    else if (!certificate_place(g, certificate))
        generation_fail(g, "HostCertificate %s: the key in it is none of the HostKeys", path);
    else
        certificate_warn(g, &certificate->read);
    return 0;
}

static int certificates_read(struct generation *g)
{
    const struct config_list *paths = &g->config->host_certificates;
    int r = 0;
    for (size_t i = 0; r == 0 && g->state != GENERATION_FAILED && i < paths->count; i++)
        if (strcmp(paths->items[i], "none") != 0)
            r = certificate_take(g, paths->items[i]);
    return r;
}

/* The certificate's own algorithms, as far as the key in it can sign with their plain ones. */
static void certificate_offer(const struct generation_certificate *certificate,
                              const struct proven_key *plain, struct variant_key *offered)
{
    const struct host_certificate *read = &certificate->read;
    struct sp_span blob = sp_span_of(read->blob, read->size);
    const struct sp_keytype_ops *keytype;
    unsigned bits;
    *offered = (struct variant_key){.key = {.blob = blob,
                                            .valid_after = read->parsed.valid_after,
                                            .valid_before = read->parsed.valid_before},
                                    .ca_algorithm = read->ca_algorithm,
                                    .ca_key = read->parsed.ca_key};
    for (size_t i = 0; i < OFFER_ALGORITHMS_MAX && (keytype = algorithm_of_key(blob, i, &bits)); i++)
        for (size_t k = 0; k < plain->algorithm_count; k++)
            if (plain->algorithms[k] == keytype->plain)
                offered->key.algorithms[offered->key.algorithm_count++] = keytype;
}

/* ---- policies ---------------------------------------------------------------------------------------------------- */

/* All that can be offered: the same public key on several tokens once; certificates behind the keys; nothing of a key that
 * is staged. */
static size_t offered_keys(const struct generation *g, struct variant_key keys[VARIANT_KEYS_MAX])
{
    static_assert(PLAN_KEYS_MAX + GENERATION_CERTIFICATES_MAX <= VARIANT_KEYS_MAX, "all have a place");
    size_t count = 0;
    for (size_t i = 0; i < g->plan.key_count; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || sp_span_equal(keys[k].key.blob, g->keys[i].proven.blob);
        if (!known && !g->plan.keys[i].staged && g->keys[i].proven.algorithm_count != 0)
            keys[count++] = (struct variant_key){.key = g->keys[i].proven, .written = key_written(g, i)};
    }
    for (size_t i = 0; i < g->certificate_count; i++) {
        if (g->plan.keys[g->certificates[i].key].staged)
            continue;
        certificate_offer(&g->certificates[i], &g->keys[g->certificates[i].key].proven, &keys[count]);
        count += keys[count].key.algorithm_count != 0 ? 1 : 0;
    }
    return count;
}

/* As they are with the algorithms that the keys have now. A failure that is the configuration's is answered. */
static int policies_resolve(struct generation *g)
{
    CLEANUP_FREE struct variant_key *keys = calloc(VARIANT_KEYS_MAX, sizeof *keys);
    struct config_error error;
    int64_t now = (int64_t)time(NULL);
    bool fips = g->signer->fips;
    if (!keys)
        return -ENOMEM;
    size_t count = offered_keys(g, keys);
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->variant_count; i++)
        r = variant_resolve(&g->variants[i], keys, count, fips, now, &error);
    if (r == 0 && g->reported.policy)
        r = variant_resolve(&g->reported, keys, count, fips, now, &error);
    if (r > 0) {
        generation_fail(g, "%s", error.text);
        return 0;
    }
    return r;
}

static bool any_variant_wants(const struct generation *g, const struct sp_keytype_ops *keytype)
{
    for (size_t i = 0; i < g->variant_count; i++)
        if (offer_wants_host_key(g->variants[i].effective, keytype))
            return true;
    return false;
}

/* Whether some policy may have this key sign with this algorithm, by itself or through a certificate of it. What a policy
 * would have of a staged one is seen when its time comes: it proves all that it can. */
static bool algorithm_is_wanted(const struct generation *g, size_t key, const struct sp_keytype_ops *plain)
{
    const struct sp_keytype_ops *keytype;
    unsigned bits;
    if (g->plan.keys[key].staged || any_variant_wants(g, plain))
        return true;
    for (size_t i = 0; i < g->certificate_count; i++) {
        const struct generation_certificate *c = &g->certificates[i];
        struct sp_span blob = sp_span_of(c->read.blob, c->read.size);
        for (size_t n = 0; c->key == key && (keytype = algorithm_of_key(blob, n, &bits)); n++)
            if (keytype->plain == plain && any_variant_wants(g, keytype))
                return true;
    }
    return false;
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
    request->lane = REQUEST_AHEAD;
    request->purpose = "proof";
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
static int key_prove(struct generation *g, size_t n)
{
    const struct plan_key *planned = &g->plan.keys[n];
    struct proven_key candidates = g->keys[n].proven;
    g->keys[n].proven.algorithm_count = 0;
    for (size_t i = 0; i < candidates.algorithm_count; i++) {
        const struct sp_keytype_ops *keytype = candidates.algorithms[i];
        if (!algorithm_is_wanted(g, n, keytype))
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
        key_lose_algorithm(&key->proven, request->keytype);
        key->failures++;
        snprintf(key->why, sizeof key->why, "%s: %s", name, failure);
        log_say(log, LOG_LEVEL_WARNING, "key_failed",
                "%s %s cannot sign with %s and does not offer it: %s", key_keyword(g, request->key),
                key_written(g, request->key), name, failure);
        return;
    }
    const struct log_field fields[] = {{"algorithm", sp_text(name)},
                                       {"key", sp_text(key_written(g, request->key))}};
    log_event(log, LOG_LEVEL_INFO, "key_proved", fields, ARRAY_SIZE(fields), "%s %s signs with %s",
              key_keyword(g, request->key), key_written(g, request->key), name);
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
    int r = 0;
    for (size_t i = 0; r == 0 && g->state != GENERATION_FAILED && i < g->plan.key_count; i++) {
        r = key_copy(g, i);
        if (r == 0 && g->state != GENERATION_FAILED)
            key_candidates(g, i);
    }
    if (r == 0 && g->state != GENERATION_FAILED)
        r = certificates_read(g);
    if (r == 0 && g->state != GENERATION_FAILED)
        r = policies_resolve(g);
    if (r || g->state == GENERATION_FAILED)
        return r;
    g->state = GENERATION_PROVING;
    for (size_t i = 0; r == 0 && i < g->plan.key_count; i++)
        r = key_prove(g, i);
    return r;
}

/* Which of the keys a policy forbids: they are not offered under it. */
static void forbidden_log(const struct generation *g, const struct variant *variant)
{
    for (size_t i = 0; i < g->plan.key_count; i++) {
        struct variant_key key = {.key = g->keys[i].proven};
        struct config_error why;
        if (variant_check_key(variant, &key, &why) > 0)
            log_say(&g->signer->log, LOG_LEVEL_WARNING, "host_key_forbidden",
                    "%s %s is not offered under policy %s: %s", key_keyword(g, i), key_written(g, i),
                    variant->spec, why.text);
    }
    for (size_t i = 0; i < g->certificate_count; i++) {
        struct variant_key key;
        struct config_error why;
        certificate_offer(&g->certificates[i], &g->keys[g->certificates[i].key].proven, &key);
        if (variant_check_key(variant, &key, &why) > 0)
            log_say(&g->signer->log, LOG_LEVEL_WARNING, "host_key_forbidden",
                    "HostCertificate %s is not offered under policy %s: %s", g->certificates[i].read.path,
                    variant->spec, why.text);
    }
}

static void policy_log(const struct generation *g, const struct variant *variant, const char *role)
{
    const struct policy_effective *e = variant->effective;
    const struct log_field fields[] = {
        {"policy", sp_text(variant->spec)},
        {"digest", sp_text(variant->digest)},
        {"role", sp_text(role)},
        {"kex", sp_text(e->lists[POLICY_KEX])},
        {"host_keys", sp_text(e->lists[POLICY_HOST_KEY])},
        {"ciphers", sp_text(e->lists[POLICY_CIPHER])},
        {"macs", sp_text(e->lists[POLICY_MAC])},
        {"compression", sp_text(e->lists[POLICY_COMPRESSION])},
        {"user_keys", sp_text(e->lists[POLICY_USER_KEY])},
    };
    log_event(&g->signer->log, LOG_LEVEL_INFO, "policy_loaded", fields, ARRAY_SIZE(fields),
              "policy %s is %s, digest %s, %zu exceptions", variant->spec, role, variant->digest,
              e->exception_count);
    forbidden_log(g, variant);
}

static void policies_log(const struct generation *g)
{
    for (size_t i = 0; i < g->variant_count; i++)
        policy_log(g, &g->variants[i], i == 0 ? "in force" : "in force where a Match chooses it");
    if (g->reported.policy)
        policy_log(g, &g->reported, "only reported about");
}

/* What no policy allows is not announced to clients either: a weak key must not be one that they believe. */
static size_t forbidden_drop(struct generation *g, struct variant_key keys[VARIANT_KEYS_MAX], size_t count)
{
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        bool allowed = false;
        for (size_t i = 0; i < g->variant_count; i++)
            allowed = allowed || !g->variants[i].key_is_forbidden[k];
        if (!allowed)
            continue;
        for (size_t i = 0; i < g->variant_count; i++)
            g->variants[i].key_is_forbidden[kept] = g->variants[i].key_is_forbidden[k];
        g->reported.key_is_forbidden[kept] = g->reported.key_is_forbidden[k];
        keys[kept++] = keys[k];
    }
    return kept;
}

static int offer_make(struct generation *g)
{
    CLEANUP_FREE struct variant_key *keys = calloc(VARIANT_KEYS_MAX, sizeof *keys);
    CLEANUP_FREE struct proven_key *plain = calloc(VARIANT_KEYS_MAX, sizeof *plain);
    CLEANUP_FREE uint8_t *room = malloc(CONFIG_POLICIES_MAX * EXCEPTIONS_SIZE_MAX);
    struct msg_variant variants[CONFIG_POLICIES_MAX];
    if (!keys || !plain || !room)
        return -ENOMEM;
    size_t count = offered_keys(g, keys);
    count = forbidden_drop(g, keys, count);
    for (size_t i = 0; i < count; i++)
        plain[i] = keys[i].key;
    count = host_keys_stage(g, plain, count, VARIANT_KEYS_MAX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->variant_count; i++) {
        struct variant *v = &g->variants[i];
        struct sp_out exceptions = {.data = room + i * EXCEPTIONS_SIZE_MAX, .capacity = EXCEPTIONS_SIZE_MAX};
        r = offer_variant_make(v->spec, v->digest, v->effective, &exceptions, &variants[i]);
    }
    if (r == 0)
        r = offer_encode(variants, g->variant_count, plain, count, &g->offer_bytes, &g->offer_size);
    if (r)
        return r;
    if (message_decode(message_find(MSG_offer), sp_span_of(g->offer_bytes, g->offer_size), &g->offer) ||
        offer_check(&g->offer))
        return -EINVAL;
    return 0;
}

/* False: something newer has come into force while this one got ready. What is ready is not in force: the worker may yet
 * refuse it, and what was in force before must not be too old then. */
static bool policies_may_follow(struct generation *g)
{
    char why[1024];
    if (!g->accepted || policy_trust_check(g->signer->anchors, g->accepted, why, sizeof why) == 0)
        return true;
    generation_fail(g, "%s", why);
    return false;
}

int generation_serve(struct generation *g, bool first, char *why, size_t why_size)
{
    return first && g->accepted ? policy_trust_keep(g->signer, g->accepted, why, why_size) : 0;
}

static void offer_answer(struct generation *g)
{
    struct signer *s = g->signer;
    g->state = GENERATION_READY;
    generations_drop(s, is_replaced, g);
    host_keys_tell(g);
    signer_told(s, link_send(&s->monitor, configured, .generation = g->id,
                             .policy = sp_text(g->variants[0].spec), .digest = sp_text(g->variants[0].digest),
                             .offer = sp_span_of(g->offer_bytes, g->offer_size)));
    log_say(&s->log, LOG_LEVEL_INFO, "keys_ready", "generation %llu: %zu host keys on %zu tokens, %s",
            (unsigned long long)g->id, g->plan.key_count, g->plan.token_count,
            g->variants[0].effective->lists[POLICY_HOST_KEY]);
    policies_log(g);
}

static int proofs_end(struct generation *g)
{
    for (size_t i = 0; i < g->plan.key_count; i++)
        if (g->keys[i].failures != 0 && g->keys[i].proven.algorithm_count == 0) {
            generation_fail(g, "%s %s does not prove itself: %s", key_keyword(g, i), key_written(g, i),
                            g->keys[i].why);
            return 0;
        }
    int r = policies_resolve(g);
    if (r || g->state == GENERATION_FAILED)
        return r;
    r = offer_make(g);
    if (r == -EMSGSIZE)
        generation_fail(g, "the lists of all policies and the host keys are too long together");
    else if (r == 0 && policies_may_follow(g))
        offer_answer(g);
    return r == -EMSGSIZE ? 0 : r;
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

static bool key_can(const struct proven_key *key, const struct sp_keytype_ops *keytype)
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
    if (request->kind == REQUEST_PROOF || request->kind == REQUEST_WATCH)
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
