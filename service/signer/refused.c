/*
 * What is remembered of refused PINs. Input: what the spawner and the tool have sent, and what tokens said. Output: whether
 * a PIN may be sent. The files are in refused_file.c.
 */
#include "signer/refused.h"

#include <errno.h>
#include <sys/random.h>

#include <sallyport/wire.h>

static const char magic[] = "refused PINs v2\n"; /* 16 octets */

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

/* What a token says of itself. A slot-id names a place, and libraries are no tokens. */
static bool is_attribute_of_token(struct sp_span attribute)
{
    static const char *const names[] = {"token=", "manufacturer=", "serial=", "model="};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (attribute.size > strlen(names[i]) && memcmp(attribute.data, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static struct sp_span attribute_cut(struct sp_span *text)
{
    const uint8_t *end = text->size ? memchr(text->data, ';', text->size) : NULL;
    struct sp_span attribute = sp_span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t used = attribute.size + (end ? 1 : 0);
    *text = sp_span_of(text->data + used, text->size - used);
    return attribute;
}

/* One that does not fit is left out: the token is then taken for more of them, not for fewer. */
static void token_take(struct sp_span text, char token[REFUSED_TOKEN_MAX])
{
    size_t used = 0;
    while (text.size != 0) {
        struct sp_span attribute = attribute_cut(&text);
        if (!is_attribute_of_token(attribute) || used + attribute.size + 2 > REFUSED_TOKEN_MAX)
            continue;
        if (used != 0)
            token[used++] = ';';
        memcpy(token + used, attribute.data, attribute.size);
        used += attribute.size;
    }
    token[used] = 0;
}

static bool attributes_differ(struct sp_span a, struct sp_span b)
{
    const uint8_t *equals = memchr(a.data, '=', a.size);
    size_t name = equals ? (size_t)(equals - a.data) + 1 : a.size;
    return is_attribute_of_token(a) && b.size >= name && memcmp(a.data, b.data, name) == 0 &&
           !sp_span_equal(a, b);
}

bool refused_tokens_differ(struct sp_span a, struct sp_span b)
{
    while (a.size != 0) {
        struct sp_span one = attribute_cut(&a);
        for (struct sp_span rest = b; rest.size != 0;)
            if (attributes_differ(one, attribute_cut(&rest)))
                return true;
    }
    return false;
}

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

/* A length before the path, so that no two different PINs of different modules are hashed alike; twice with the key, so that
 * the inner result tells nothing. */
static int pin_hash(const struct refused_pins *refused, const uint8_t key_octets[REFUSED_HASH_SIZE],
                    struct sp_span module, struct sp_span pin, uint8_t hash[REFUSED_HASH_SIZE])
{
    uint8_t length[4], inner[SP_DIGEST_MAX];
    struct sp_out out = {.data = length, .capacity = sizeof length};
    sp_put_u32(&out, (uint32_t)module.size);
    struct sp_span key = sp_span_of(key_octets, REFUSED_HASH_SIZE);
    const struct sp_span parts[] = {key, sp_written(&out), module, pin};
    int r = refused->digest->hash(parts, ARRAY_SIZE(parts), inner);
    if (r)
        return r;
    const struct sp_span outer[] = {key, sp_span_of(inner, REFUSED_HASH_SIZE)};
    return refused->digest->hash(outer, ARRAY_SIZE(outer), hash);
}

int refused_make(const struct refused_pins *refused, struct sp_span module, struct sp_span token,
                 struct sp_span pin, struct refused_entry *entry)
{
    *entry = (struct refused_entry){.is_written = false};
    token_take(token, entry->token);
    if (getrandom(entry->key, sizeof entry->key, 0) != (ssize_t)sizeof entry->key)
        return -EIO;
    return pin_hash(refused, entry->key, module, pin, entry->hash);
}

int refused_fits(const struct refused_pins *refused, const struct refused_entry *entry, struct sp_span module,
                 struct sp_span token, struct sp_span pin, bool *fits)
{
    uint8_t hash[REFUSED_HASH_SIZE];
    *fits = false;
    if (refused_tokens_differ(sp_text(entry->token), token))
        return 0;
    int r = pin_hash(refused, entry->key, module, pin, hash);
    *fits = r == 0 && memcmp(hash, entry->hash, sizeof hash) == 0;
    return r;
}

int refused_has(const struct refused_pins *refused, struct sp_span module, struct sp_span token,
                struct sp_span pin, bool *has)
{
    int r = 0;
    *has = false;
    for (size_t i = 0; r == 0 && !*has && i < refused->count; i++)
        r = refused_fits(refused, &refused->entries[i], module, token, pin, has);
    return r;
}

/* ---- the file's contents ----------------------------------------------------------------------------------------- */

/* What is there to be compared: one that differs from itself would be no token's. */
static bool token_is_canonical(const char *token)
{
    char again[REFUSED_TOKEN_MAX];
    token_take(sp_text(token), again);
    return strcmp(token, again) == 0 && !refused_tokens_differ(sp_text(token), sp_text(token));
}

int refused_parse(struct sp_span text, struct refused_entry entries[REFUSED_MAX], size_t *count)
{
    struct sp_in in = sp_in_of(text);
    struct refused_entry entry;
    size_t n = 0;
    struct sp_span start = sp_get_raw(&in, sizeof magic - 1);
    if (in.bad || !sp_span_is(start, magic))
        return -EBADMSG;
    /* All of it once before anything is changed: who reads again keeps what there was. */
    for (unsigned pass = 0; pass < 2; pass++) {
        in = sp_in_of(sp_span_of(text.data + start.size, text.size - start.size));
        for (n = 0; in.left != 0; n++) {
            entry = (struct refused_entry){.is_written = true};
            struct sp_span token = sp_get_text(&in, REFUSED_TOKEN_MAX - 1);
            struct sp_span key = sp_get_raw(&in, REFUSED_HASH_SIZE),
                           hash = sp_get_raw(&in, REFUSED_HASH_SIZE);
            if (in.bad || n == REFUSED_MAX)
                return -EBADMSG;
            if (token.size != 0)
                memcpy(entry.token, token.data, token.size);
            if (!token_is_canonical(entry.token))
                return -EBADMSG;
            memcpy(entry.key, key.data, sizeof entry.key);
            memcpy(entry.hash, hash.data, sizeof entry.hash);
            if (pass == 1)
                entries[n] = entry;
        }
    }
    *count = n;
    return 0;
}

int refused_print(const struct refused_entry *entries, size_t count, struct sp_out *out)
{
    sp_put_raw(out, sp_text(magic));
    for (size_t i = 0; i < count; i++) {
        sp_put_text(out, entries[i].token);
        sp_put_raw(out, sp_span_of(entries[i].key, REFUSED_HASH_SIZE));
        sp_put_raw(out, sp_span_of(entries[i].hash, REFUSED_HASH_SIZE));
    }
    return sp_put_end(out);
}
