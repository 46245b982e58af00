/* Signing statements, and judging them. Input: a text and a token's key; or a file from anybody. PROTOCOL.sshsig. */
#include "ctl/attestation.h"

#include <stdio.h>
#include <string.h>

#include <sallyport/digest.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "ctl/keys.h"
#include "policy/sshsig.h"

#define ARMOUR_WIDTH 70u
#define HASH "sha512"

/* ---- signing --------------------------------------------------------------------------------------------------- */

static int armour(struct sp_span blob, char armoured[ATTESTATION_SIGNATURE_MAX])
{
    uint8_t bytes[ATTESTATION_SIGNATURE_MAX];
    struct sp_out base64 = {.data = bytes, .capacity = sizeof bytes};
    struct sp_out out = {.data = (uint8_t *)armoured, .capacity = ATTESTATION_SIGNATURE_MAX - 1};
    if (base64_encode(blob, &base64))
        return SP_E_NO_ROOM;
    sp_put_raw(&out, sp_text("-----BEGIN SSH SIGNATURE-----\n"));
    for (size_t at = 0; at < base64.size; at += ARMOUR_WIDTH) {
        sp_put_raw(&out, sp_span_of(bytes + at, size_min(ARMOUR_WIDTH, base64.size - at)));
        sp_put_raw(&out, sp_text("\n"));
    }
    sp_put_raw(&out, sp_text("-----END SSH SIGNATURE-----\n"));
    armoured[out.size] = 0;
    return sp_put_end(&out);
}

/* What the signature is over: the text's hash, under our namespace. */
static int message_make(struct sshsig *sig, struct sp_span text, struct sp_out *message)
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *ops = digest_find(sp_text(sig->hash));
    if (!ops || ops->hash(&text, 1, digest) != 0)
        return SP_E_MALFORMED;
    return sshsig_put_signed(sig, sp_span_of(digest, ops->size), message);
}

/* RSA's are ordered rsa-sha2-256, rsa-sha2-512; ssh-keygen takes both, and the last is the stronger. */
static const struct sp_keytype_ops *algorithm_choose(struct sp_span blob)
{
    const struct sp_keytype_ops *keytype, *chosen = NULL;
    for (size_t i = 0; (keytype = key_algorithm(blob, i)); i++)
        if (!chosen || strcmp(keytype->head.name, "rsa-sha2-512") == 0)
            chosen = keytype;
    return chosen;
}

int attestation_sign(struct token_run *run, const struct sp_manage_key *key, struct sp_span text,
                     char armoured[ATTESTATION_SIGNATURE_MAX])
{
    uint8_t message_bytes[SSHSIG_SIGNED_MAX], signature_bytes[SP_SIGNATURE_MAX], blob_bytes[SSHSIG_BLOB_MAX];
    struct sp_out message = {.data = message_bytes, .capacity = sizeof message_bytes};
    struct sp_out signature = {.data = signature_bytes, .capacity = sizeof signature_bytes};
    struct sp_out blob = {.data = blob_bytes, .capacity = sizeof blob_bytes};
    struct sp_hostkey_error error = {{0}};
    struct sp_span public_key = sp_span_of(key->blob, key->blob_size);
    struct sshsig sig = {
        .public_key = public_key, .name_space = sp_text(ATTESTATION_NAMESPACE), .hash = HASH};
    const struct sp_keytype_ops *algorithm = algorithm_choose(public_key);
    if (!algorithm || message_make(&sig, text, &message))
        return ctl_fail("key \"%s\": no algorithm of ours is for it", key->label);
    if (key_sign(run, key, algorithm, sp_written(&message), &signature, &error))
        return ctl_fail("key \"%s\": %s", key->label, error.text);
    sp_put_raw(&blob, sp_text("SSHSIG"));
    sp_put_u32(&blob, 1);
    sp_put_string(&blob, public_key);
    sp_put_string(&blob, sig.name_space);
    sp_put_string(&blob, sig.reserved);
    sp_put_text(&blob, sig.hash);
    sp_put_string(&blob, sp_written(&signature));
    if (sp_put_end(&blob) || armour(sp_written(&blob), armoured))
        return ctl_fail("key \"%s\": its signature is too long", key->label);
    return 0;
}

/* ---- judging --------------------------------------------------------------------------------------------------- */

static const struct sp_keytype_ops *algorithm_of_signature(const struct sshsig *sig)
{
    struct sp_in key = sp_in_of(sig->public_key), signature = sp_in_of(sig->signature);
    struct sp_span type = sp_get_text(&key, 64), name = sp_get_text(&signature, 64);
    const struct sp_keytype_ops *keytype = keytype_find(name);
    return keytype && !keytype->plain && sp_span_is(type, keytype->blob_type) ? keytype : NULL;
}

/* NULL: a signature of this text by this key, for this purpose. */
static const char *signature_wrong(const char *armoured, const char *public_key, struct sp_span text)
{
    uint8_t blob_bytes[SSHSIG_BLOB_MAX], key_bytes[SP_KEY_BLOB_MAX], message_bytes[SSHSIG_SIGNED_MAX];
    struct sp_out blob = {.data = blob_bytes, .capacity = sizeof blob_bytes};
    struct sp_out key = {.data = key_bytes, .capacity = sizeof key_bytes};
    struct sp_out message = {.data = message_bytes, .capacity = sizeof message_bytes};
    struct sshsig sig;
    const char *why = NULL;
    unsigned bits;
    if (key_from_text(public_key, &key))
        return "the key is malformed";
    if (sshsig_dearmour(sp_text(armoured), &blob, &why) || sshsig_parse(sp_written(&blob), &sig, &why))
        return why;
    if (!sp_span_equal(sig.public_key, sp_written(&key)))
        return "the signature is by another key";
    if (!sp_span_is(sig.name_space, ATTESTATION_NAMESPACE))
        return "the signature is for another purpose";
    const struct sp_keytype_ops *algorithm = algorithm_of_signature(&sig);
    if (!algorithm || algorithm->inspect(sig.public_key, &bits))
        return "the signature's algorithm is none of this key's";
    if (message_make(&sig, text, &message) ||
        algorithm->verify(sig.public_key, sig.signature, sp_written(&message), NULL) != SP_VERDICT_GOOD)
        return "the signature is wrong: the statement was changed";
    return NULL;
}

/* The one signature that says it is by this key. */
static const char *signature_of(const json_t *signatures, const char *public_key)
{
    const char *one = NULL;
    for (size_t i = 0; i < json_array_size(signatures); i++) {
        const json_t *row = json_array_get(signatures, i);
        if (strcmp(found_get(row, "key"), public_key) != 0)
            continue;
        if (one)
            return NULL;
        one = found_get(row, "signature");
    }
    return one;
}

/* Whether a line of the file has this key. */
static bool is_expected(struct sp_span expected, const char *public_key)
{
    while (expected.size != 0) {
        struct keys_line line;
        uint8_t ours_bytes[SP_KEY_BLOB_MAX], theirs_bytes[SP_KEY_BLOB_MAX];
        struct sp_out ours = {.data = ours_bytes, .capacity = sizeof ours_bytes};
        struct sp_out theirs = {.data = theirs_bytes, .capacity = sizeof theirs_bytes};
        const uint8_t *end = memchr(expected.data, '\n', expected.size);
        struct sp_span text = sp_span_of(expected.data, end ? (size_t)(end - expected.data) : expected.size);
        size_t used = text.size + (end ? 1 : 0);
        expected = sp_span_of(expected.data + used, expected.size - used);
        if (keys_line_read(text, &line) && base64_decode(line.base64, &theirs) == 0 &&
            key_from_text(public_key, &ours) == 0 && sp_span_equal(sp_written(&ours), sp_written(&theirs)))
            return true;
    }
    return false;
}

static bool keys_judge_all(const json_t *statement, const json_t *signatures, struct sp_span text,
                           struct sp_span expected, json_t *rows)
{
    const json_t *keys = json_object_get(statement, "keys");
    bool good = json_array_size(keys) != 0 && json_array_size(keys) == json_array_size(signatures);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        const char *public_key = found_get(key, "public"), *signature = signature_of(signatures, public_key);
        const char *wrong = signature ? signature_wrong(signature, public_key, text)
                                      : "there is not exactly one signature by it";
        if (!wrong && expected.size != 0 && !is_expected(expected, public_key))
            wrong = "it is none of the keys that were expected";
        json_t *row = found_add_object(rows);
        found_set_label(row, "label", found_get(key, "label"));
        found_set_string(row, "public", public_key);
        found_set_bool(row, "good", !wrong);
        if (wrong)
            found_set_string(row, "why", wrong);
        good = good && !wrong;
    }
    return good;
}

static int refuse(json_t *found, const char *why)
{
    found_set_bool(found, "good", false);
    found_set_string(found, "why", why);
    return CTL_FINDING;
}

int attestation_verify(struct sp_span file, struct sp_span expected, const char *nonce, json_t *found)
{
    json_error_t where;
    json_t *envelope = json_loadb((const char *)file.data, file.size, JSON_REJECT_DUPLICATES, &where);
    const char *text = found_get(envelope, "statement");
    json_t *statement = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    bool is_one = strcmp(found_get(statement, "format"), ATTESTATION_FORMAT) == 0;
    bool good = is_one && keys_judge_all(statement, json_object_get(envelope, "signatures"), sp_text(text),
                                         expected, found_make_array(found, "keys"));
    bool fresh = !nonce || strcmp(found_get(statement, "nonce"), nonce) == 0;
    if (is_one)
        (void)json_object_set(found, "statement", statement);
    json_decref(statement);
    json_decref(envelope);
    if (!is_one)
        return refuse(found, "it is no statement as `sallyport key attest` makes it");
    if (!good)
        return refuse(found, "not every key of it has signed it, and nobody else");
    if (!fresh)
        return refuse(found, "its nonce is another one: it was made at another time, or for somebody else");
    found_set_bool(found, "good", true);
    return CTL_OK;
}
