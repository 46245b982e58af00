/* Keys in a token. Input: what the token says of them. Output: rows of JSON, signatures that were verified. */
#include "ctl/key_found.h"

#include <stdio.h>
#include <string.h>

#include <sallyport/digest.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "signer/algorithm.h"
#include "signer/proof.h"

/* ---- texts --------------------------------------------------------------------------------------------------- */

void found_set_label(json_t *into, const char *key, const char *text)
{
    char safe[4 * SP_MANAGE_LABEL_MAX + 1];
    size_t used = 0;
    for (; *text && used + 5 < sizeof safe; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            used += (size_t)snprintf(safe + used, sizeof safe - used, "\\x%02x", c);
        else
            safe[used++] = (char)c;
    }
    found_set(into, key, sp_span_of(safe, used));
}

int token_set(struct token_run *run, json_t *into)
{
    struct sp_token_slot slot;
    struct sp_hostkey_error error = {{0}};
    if (manage_token(run->manage, &slot, &error))
        return ctl_fail("%s", error.text);
    token_describe(&slot, found_make_object(into, "token"));
    return 0;
}

int key_fingerprint(struct sp_span blob, char text[KEY_FINGERPRINT_MAX])
{
    uint8_t digest[SP_DIGEST_MAX];
    struct sp_out out = {.data = (uint8_t *)text, .capacity = KEY_FINGERPRINT_MAX - 1};
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    sp_put_raw(&out, sp_text("SHA256:"));
    if (!sha256 || sha256->hash(&blob, 1, digest) != 0 ||
        base64_encode_bare(sp_span_of(digest, sha256->size), &out) != 0)
        return ctl_fail("libcrypto does not make SHA-256 digests");
    text[out.size] = 0;
    return 0;
}

int key_text(struct sp_span blob, char text[KEY_TEXT_MAX])
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, 64);
    struct sp_out out = {.data = (uint8_t *)text, .capacity = KEY_TEXT_MAX - 1};
    sp_put_raw(&out, type);
    sp_put_u8(&out, ' ');
    if (in.bad || base64_encode(blob, &out) != 0)
        return ctl_fail("a public key is malformed");
    text[out.size] = 0;
    return 0;
}

int key_from_text(const char *text, struct sp_out *blob)
{
    const char *base64 = strchr(text, ' ');
    if (!base64)
        return SP_E_MALFORMED;
    base64++;
    if (base64_decode(sp_span_of(base64, strcspn(base64, " \t\r\n")), blob))
        return SP_E_MALFORMED;
    struct sp_in in = sp_in_of(sp_written(blob));
    struct sp_span type = sp_get_text(&in, 64);
    return sp_span_equal(type, sp_span_of(text, (size_t)(base64 - text) - 1)) ? 0 : SP_E_MALFORMED;
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

/*
 * A HostKey line that means a key of this token marks it, even if the key is of no use; one on another token means none of
 * these. A line that means several is a doubt about all of them.
 */
static void configured_mark(struct token_run *run, struct key_table *table)
{
    const struct plan *plan = &run->setup.plan;
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct token_spec *spec = &plan->tokens[plan->keys[i].first_token];
        CLEANUP_FREE char *path = realpath(spec->module, NULL);
        struct sp_hostkey_error error = {{0}};
        unsigned long handle = 0;
        if (!path || strcmp(path, run->setup.module) != 0)
            continue;
        int r = manage_find(run->manage, spec->uris[plan->keys[i].index], &handle, &error);
        for (size_t k = 0; k < table->count; k++)
            table->configured[k] |= handle != 0 && table->keys[k].handle == handle;
        if (r != 0 && r != SP_HOSTKEY_E_MISSING && handle == 0)
            snprintf(table->doubt, sizeof table->doubt, "%s", error.text);
    }
}

int keys_load(struct token_run *run, struct key_table **table)
{
    struct sp_hostkey_error error = {{0}};
    struct key_table *made = calloc(1, sizeof *made);
    if (!made)
        return ctl_fail("out of memory");
    int r = manage_keys(run->manage, made->keys, &made->count, &error);
    if (r) {
        free(made);
        return ctl_fail("%s", error.text);
    }
    configured_mark(run, made);
    *table = made;
    return 0;
}

int keys_find(const struct key_table *table, const char *label, size_t *index)
{
    size_t matches = 0;
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->keys[i].label, label) == 0) {
            *index = i;
            matches++;
        }
    if (matches == 1)
        return 0;
    return matches ? ctl_fail("%zu keys of the token are called \"%s\"", matches, label)
                   : ctl_fail("the token has no private key \"%s\"", label);
}

bool keys_wants(const struct token_run *run, const struct sp_manage_key *key)
{
    for (size_t i = 0; i < run->o.argument_count; i++)
        if (strcmp(run->o.arguments[i], key->label) == 0)
            return true;
    return run->o.argument_count == 0;
}

int keys_check_labels(const struct token_run *run, const struct key_table *table)
{
    size_t index;
    for (size_t i = 0; i < run->o.argument_count; i++)
        if (keys_find(table, run->o.arguments[i], &index))
            return CTL_FAILED;
    return 0;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

/* "pkcs11:token=...;object=...;type=private"; nothing, if there is a name in it that cannot be written so. */
static void uri_describe(const struct token_run *run, const struct sp_manage_key *key, json_t *into)
{
    uint8_t text[URI_TEXT_MAX];
    struct sp_out out = {.data = text, .capacity = sizeof text};
    struct sp_token_slot slot;
    struct sp_hostkey_error ignored;
    sp_put_raw(&out, sp_text("pkcs11:"));
    if (run->setup.token[0]) {
        sp_put_raw(&out, sp_text(run->setup.token));
    } else if (manage_token(run->manage, &slot, &ignored) == 0) {
        sp_put_raw(&out, sp_text("token="));
        (void)!token_uri_escape(sp_text(slot.label), &out);
    }
    sp_put_raw(&out, sp_text(";object="));
    if (!key->label[0] || token_uri_escape(sp_text(key->label), &out) != 0)
        return;
    sp_put_raw(&out, sp_text(";type=private"));
    if (sp_put_end(&out) == 0)
        found_set(into, "uri", sp_written(&out));
}

static void id_describe(const struct sp_manage_key *key, json_t *into)
{
    char text[2 * SP_MANAGE_ID_MAX + 1] = "";
    for (size_t i = 0; i < key->id_size; i++)
        snprintf(text + 2 * i, 3, "%02x", key->id[i]);
    found_set_string(into, "id", text);
}

void key_describe(const struct token_run *run, const struct sp_manage_key *key, json_t *into)
{
    struct sp_span blob = sp_span_of(key->blob, key->blob_size);
    char fingerprint[KEY_FINGERPRINT_MAX], text[KEY_TEXT_MAX];
    unsigned bits = 0;
    found_set_label(into, "label", key->label);
    id_describe(key, into);
    const struct sp_keytype_ops *keytype = blob.size ? algorithm_of_key(blob, 0, &bits) : NULL;
    if (!keytype) {
        found_set_label(into, "why",
                        blob.size ? "its public key is malformed, or too weak to be used" : key->why);
        return;
    }
    found_set_string(into, "type", keytype->blob_type);
    found_set_number(into, "bits", bits);
    if (key_fingerprint(blob, fingerprint) == 0)
        found_set_string(into, "fingerprint", fingerprint);
    if (key_text(blob, text) == 0)
        found_set_string(into, "public", text);
    uri_describe(run, key, into);
}

static void says_set(json_t *into, const char *name, enum sp_key_says says)
{
    (void)json_object_set_new(into, name,
                              says == SP_KEY_UNKNOWN ? json_null() : json_boolean(says == SP_KEY_YES));
}

void key_describe_attributes(const struct sp_manage_key *key, json_t *into)
{
    says_set(into, "sensitive", key->sensitive);
    says_set(into, "always_sensitive", key->always_sensitive);
    says_set(into, "extractable", key->extractable);
    says_set(into, "never_extractable", key->never_extractable);
    says_set(into, "local", key->local);
    says_set(into, "private", key->is_private);
    says_set(into, "sign", key->sign);
    says_set(into, "decrypt", key->decrypt);
    says_set(into, "unwrap", key->unwrap);
    says_set(into, "derive", key->derive);
    says_set(into, "always_authenticate", key->always_authenticate);
}

const char *key_word(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "unknown";
}

/* ---- signatures ---------------------------------------------------------------------------------------------- */

/* Certificates and keys in authenticators have the same blob types or none that a token holds. */
const struct sp_keytype_ops *key_algorithm(struct sp_span blob, size_t n)
{
    const struct sp_keytype_ops *keytype;
    unsigned bits;
    for (size_t i = 0; (keytype = algorithm_of_key(blob, i, &bits)); i++)
        if (!keytype->plain && algorithm_mechanism(keytype) && n-- == 0)
            return keytype;
    return NULL;
}

static int complain(struct sp_hostkey_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return CTL_FINDING;
}

int key_sign(struct token_run *run, const struct sp_manage_key *key, const struct sp_keytype_ops *algorithm,
             struct sp_span message, struct sp_out *signature, struct sp_hostkey_error *error)
{
    uint8_t input_bytes[1024], raw_bytes[SP_HOSTKEY_RAW_MAX];
    struct sp_out input = {.data = input_bytes, .capacity = sizeof input_bytes};
    struct sp_out raw = {.data = raw_bytes, .capacity = sizeof raw_bytes};
    struct sp_span blob = sp_span_of(key->blob, key->blob_size);
    size_t before = signature->size;
    if (algorithm_input(algorithm, message, &input))
        return complain(error, "the message could not be hashed");
    if (manage_sign(run->manage, key, (enum sp_hostkey_mechanism)algorithm_mechanism(algorithm),
                    sp_written(&input), &raw, error))
        return CTL_FINDING;
    if (algorithm->encode(blob, sp_written(&raw), signature))
        return complain(error, "the token's signature does not have the form that such signatures have");
    struct sp_span made = sp_span_of(signature->data + before, signature->size - before);
    if (algorithm->verify(blob, made, message, NULL) != SP_VERDICT_GOOD)
        return complain(error, "the signature is not one of the public key that the token states");
    return 0;
}

int key_prove(struct token_run *run, const struct sp_manage_key *key)
{
    uint8_t message_bytes[512], bytes[SP_SIGNATURE_MAX];
    struct sp_out message = {.data = message_bytes, .capacity = sizeof message_bytes};
    struct sp_hostkey_error error = {{0}};
    const struct sp_keytype_ops *algorithm;
    struct sp_span blob = sp_span_of(key->blob, key->blob_size);
    if (proof_message(&message))
        return ctl_fail("libcrypto does not make SHA-512 digests");
    for (size_t i = 0; (algorithm = key_algorithm(blob, i)); i++) {
        struct sp_out signature = {.data = bytes, .capacity = sizeof bytes};
        if (key_sign(run, key, algorithm, sp_written(&message), &signature, &error))
            return ctl_fail("key \"%s\", %s: %s", key->label, algorithm->head.name, error.text);
    }
    return key_algorithm(blob, 0) ? 0 : ctl_fail("key \"%s\": no algorithm of ours is for it", key->label);
}

/* ---- new keys ------------------------------------------------------------------------------------------------ */

int key_label_check(const struct token_run *run)
{
    if (!run->o.label)
        return ctl_misuse("--label: expected a name for the key");
    if (strlen(run->o.label) > SP_MANAGE_LABEL_MAX)
        return ctl_misuse("--label: expected at most %u octets", SP_MANAGE_LABEL_MAX);
    for (const char *c = run->o.label; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return ctl_misuse("--label: expected no control characters");
    return 0;
}

int key_label_is_free(struct token_run *run)
{
    CLEANUP_FREE struct key_table *table = NULL;
    int r = keys_load(run, &table);
    for (size_t i = 0; r == 0 && i < table->count; i++)
        if (strcmp(table->keys[i].label, run->o.label) == 0) {
            (void)ctl_fail("the token has a key \"%s\" already: choose another label, or retire that one",
                           run->o.label);
            r = CTL_FINDING;
        }
    return r;
}

void key_unmake(struct token_run *run, const struct sp_manage_key *key)
{
    struct sp_hostkey_error error = {{0}};
    size_t destroyed;
    if (manage_destroy(run->manage, key, &destroyed, &error))
        (void)ctl_fail("key \"%s\" could not be destroyed: %s", key->label, error.text);
    else
        (void)ctl_fail("key \"%s\" was destroyed again", key->label);
}

void key_new_show(const json_t *found)
{
    const json_t *key = json_object_get(found, "key");
    if (!key)
        return;
    printf("%s %s (%lld bits)\n", found_get(key, "type"), found_get(key, "fingerprint"),
           (long long)found_number(key, "bits"));
    printf("sensitive %s, extractable %s, local %s\n", key_word(key, "sensitive"),
           key_word(key, "extractable"), key_word(key, "local"));
    printf("%s\n", found_get(key, "uri"));
    printf("For the configuration:\nHostKey %s\n", found_get(key, "uri"));
}
