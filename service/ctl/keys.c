/*
 * Users' keys and CA keys under a policy. Input: files in the format of AUTHORIZED_KEYS FILE FORMAT in sshd(8), read by
 * whoever runs the tool. Output: which of them could still log somebody in.
 */
#include "ctl/keys.h"

#include <stdio.h>
#include <string.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"

#define OPTION_AUTHORITY "cert-authority"

/* ---- lines ------------------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void blanks_skip(struct sp_span *text)
{
    while (text->size != 0 && is_blank(text->data[0])) {
        text->data++;
        text->size--;
    }
}

/* Up to a blank that stands in no quotes. */
static struct sp_span word_take(struct sp_span *text)
{
    bool quoted = false;
    size_t i = 0;
    blanks_skip(text);
    for (; i < text->size && (quoted || !is_blank(text->data[i])); i++) {
        if (text->data[i] == '\\' && i + 1 < text->size)
            i++;
        else if (text->data[i] == '"')
            quoted = !quoted;
    }
    i = i < text->size ? i : text->size;
    struct sp_span word = sp_span_of(text->data, i);
    text->data += i;
    text->size -= i;
    return word;
}

static bool is_type(struct sp_span word)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++)
        if (sp_span_is(word, keytype->blob_type))
            return true;
    return sp_span_is(word, "ssh-dss");
}

bool keys_line_read(struct sp_span line, struct keys_line *out)
{
    struct keys_line read = {.authority = false};
    struct sp_span rest = line, options = {0};
    blanks_skip(&rest);
    if (rest.size == 0 || rest.data[0] == '#')
        return false;
    read.type = word_take(&rest);
    if (!is_type(read.type)) {
        options = read.type;
        read.type = word_take(&rest);
    }
    read.base64 = word_take(&rest);
    blanks_skip(&rest);
    while (rest.size != 0 && is_blank(rest.data[rest.size - 1]))
        rest.size--;
    read.comment = rest;
    read.authority = sp_list_has(options, sp_text(OPTION_AUTHORITY));
    if (!is_type(read.type) || read.base64.size == 0)
        return false;
    *out = read;
    return true;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------- */

struct key {
    struct sp_span blob;
    const char *blob_type;
    unsigned bits;
};

/* Some algorithm of this key's that the policy has. */
static bool algorithm_is_in(const struct subject *s, enum policy_kind kind, const struct key *key)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++) {
        struct policy_verdict verdict;
        if (strcmp(keytype->blob_type, key->blob_type) != 0)
            continue;
        policy_explain(s->policy, &s->build.build, s->now, kind, sp_text(keytype->head.name), &verdict);
        if (verdict.reason == POLICY_IN || verdict.reason == POLICY_IN_EXCEPTION)
            return true;
    }
    return false;
}

/* Why the first of its algorithms is not in. */
static void algorithm_why(const struct subject *s, enum policy_kind kind, const struct key *key, char *why,
                          size_t size)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++) {
        struct policy_verdict verdict;
        if (strcmp(keytype->blob_type, key->blob_type) != 0)
            continue;
        policy_explain(s->policy, &s->build.build, s->now, kind, sp_text(keytype->head.name), &verdict);
        snprintf(why, size, "%s: %s", policy_keyword(kind), verdict.text);
        return;
    }
}

static bool key_is_allowed(const struct subject *s, const struct key *key, bool authority, char *why,
                           size_t size)
{
    enum policy_kind kind = authority ? POLICY_CA_KEY : POLICY_USER_KEY;
    struct policy_error error;
    if (!algorithm_is_in(s, kind, key)) {
        algorithm_why(s, kind, key, why, size);
        return false;
    }
    if (policy_check_key(&s->effective.rules, key->blob_type, key->bits, &error)) {
        snprintf(why, size, "%s", error.text);
        return false;
    }
    return true;
}

/* NULL, or why it is no key that any policy could allow. */
static const char *key_open(const struct keys_line *line, struct sp_out *blob, struct key *key)
{
    const struct sp_keytype_ops *keytype;
    if (base64_decode(line->base64, blob))
        return "its base64 is wrong, or longer than any key";
    struct sp_in in = sp_in_of(sp_written(blob));
    if (!sp_span_equal(sp_get_text(&in, 128), line->type))
        return "the key is of another type than its line says";
    for (size_t i = 0; (keytype = keytype_at(i)); i++)
        if (sp_span_is(line->type, keytype->blob_type)) {
            key->blob = sp_written(blob);
            key->blob_type = keytype->blob_type;
            return keytype->inspect(key->blob, &key->bits)
                       ? "the key is malformed, or too small for any policy"
                       : NULL;
        }
    return "this server has no module for its type";
}

static void fingerprint_set(json_t *row, struct sp_span blob)
{
    uint8_t digest[SP_DIGEST_MAX];
    char text[96] = "SHA256:";
    struct sp_out out = {.data = (uint8_t *)text + strlen(text), .capacity = sizeof text - 8};
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    if (sha256 && sha256->hash(&blob, 1, digest) == 0 &&
        base64_encode_bare(sp_span_of(digest, sha256->size), &out) == 0)
        found_set_string(row, "fingerprint", text);
}

static bool line_judge(const struct subject *s, const struct keys_line *line, json_t *row)
{
    uint8_t room[SP_KEY_BLOB_MAX * 2];
    struct sp_out blob = {.data = room, .capacity = sizeof room};
    struct key key = {.bits = 0};
    char why[1200] = "";
    const char *wrong = key_open(line, &blob, &key);
    found_set(row, "type", line->type);
    found_set(row, "comment", line->comment);
    found_set_bool(row, "authority", line->authority);
    if (!wrong) {
        found_set_number(row, "bits", key.bits);
        fingerprint_set(row, key.blob);
    }
    bool allowed = !wrong && key_is_allowed(s, &key, line->authority, why, sizeof why);
    found_set_bool(row, "allowed", allowed);
    if (!allowed)
        found_set_string(row, "why", wrong ? wrong : why);
    return allowed;
}

int keys_judge(const struct subject *s, const char *path, json_t *into, unsigned *refused)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    int r = subject_read_file(path, KEYS_FILE_MAX, &data, &size);
    if (r)
        return r;
    struct sp_span rest = sp_span_of(data, size);
    for (unsigned number = 1; rest.size != 0; number++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        struct sp_span text = sp_span_of(rest.data, end ? (size_t)(end - rest.data) : rest.size);
        struct keys_line line;
        rest.data += text.size + (end ? 1 : 0);
        rest.size -= text.size + (end ? 1 : 0);
        if (number > KEYS_LINES_MAX)
            return ctl_fail("%s: expected at most %u lines", path, KEYS_LINES_MAX);
        if (!keys_line_read(text, &line))
            continue;
        json_t *row = found_add_object(into);
        found_set_string(row, "file", path);
        found_set_number(row, "line", number);
        *refused += line_judge(s, &line, row) ? 0u : 1u;
    }
    return 0;
}
