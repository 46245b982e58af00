/*
 * Which token a request goes to. Input: a request, and how the generation's tokens are. Output: the one that answers soonest. The
 * same public key may be on several tokens, and each of them may be several processes.
 */
#include "signer/generation.h"

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
    const struct generation_key *key = &request->generation->keys[request->key];
    return sp_span_of(key->blob, key->blob_size);
}

const struct token *generation_token(const struct request *request)
{
    const struct generation *g = request->generation;
    return g->tokens[g->plan.keys[request->key].first_token];
}

static bool generation_uses_key(const struct generation *g, const struct token *token, size_t index)
{
    for (size_t k = 0; k < g->plan.key_count; k++) {
        const struct plan_key *planned = &g->plan.keys[k];
        bool signs = g->keys[k].state == KEY_PROVEN && g->keys[k].proven.algorithm_count != 0;
        for (size_t i = 0; signs && planned->index == index && i < g->plan.replicas; i++)
            if (g->tokens[planned->first_token + i] == token)
                return true;
    }
    return false;
}

bool generations_use_key(const struct signer *s, const struct token *token, size_t index)
{
    for (const struct generation *g = s->generations; g; g = g->next)
        if (g->state == GENERATION_READY && generation_uses_key(g, token, index))
            return true;
    return false;
}
