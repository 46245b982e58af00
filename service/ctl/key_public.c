/*
 * `sallyport key public`, `sshfp` and `known-hosts`. Input: the token's public keys, from the child. Output: lines for
 * other people's files.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <sallyport/digest.h>
#include <sallyport/fingerprint.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "ctl/key_found.h"

#define NAME_OCTETS_MAX 255u

static int keys_put(struct token_run *run, bool by_argument, json_t *found)
{
    CLEANUP_FREE struct key_table *table = NULL;
    size_t index;
    int r = keys_load(run, &table);
    if (r == 0 && by_argument)
        r = keys_check_labels(run, table);
    if (r == 0 && run->o.label)
        r = keys_find(table, run->o.label, &index);
    if (r)
        return r;
    json_t *list = found_make_array(found, "keys");
    for (size_t i = 0; i < table->count; i++) {
        const struct sp_manage_key *key = &table->keys[i];
        bool wanted =
            by_argument ? keys_wants(run, key) : !run->o.label || strcmp(run->o.label, key->label) == 0;
        if (key->blob_size != 0 && wanted)
            key_describe(run, key, found_add_object(list));
    }
    return json_array_size(list) ? 0 : ctl_fail("the token has no key that could be a host key");
}

int key_public_work(struct token_run *run, json_t *found)
{
    return keys_put(run, true, found);
}

int key_blobs_work(struct token_run *run, json_t *found)
{
    return keys_put(run, false, found);
}

void key_public_show(const struct token_run *run, const json_t *found)
{
    const json_t *list = json_object_get(found, "keys");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        printf("%s %s\n", found_get(row, "public"), found_get(row, "label"));
    }
}

void key_lines_show(const struct token_run *run, const json_t *found)
{
    const json_t *list = json_object_get(found, "lines");
    for (size_t i = 0; i < json_array_size(list); i++)
        printf("%s\n", json_string_value(json_array_get(list, i)));
}

/* ---- SSHFP --------------------------------------------------------------------------------------------------- */

/* RFC 4255 section 3.1.1, RFC 6594 section 5.1, RFC 7479 section 3.1 */
static unsigned sshfp_algorithm(const char *type)
{
    return strcmp(type, "ssh-rsa") == 0 ? 1 : strcmp(type, "ssh-ed25519") == 0 ? 4 : 3;
}

#define SSHFP_SHA256 2u /* RFC 6594 section 5.2 */

static int blob_of(const json_t *row, struct sp_out *blob)
{
    return key_from_text(found_get(row, "public"), blob) ? ctl_fail("a public key is malformed") : 0;
}

static int sshfp_add(const char *name, const json_t *row, json_t *lines)
{
    uint8_t bytes[SP_KEY_BLOB_MAX], digest[SP_DIGEST_MAX];
    struct sp_out blob = {.data = bytes, .capacity = sizeof bytes};
    char line[512], hex[2 * SP_DIGEST_MAX + 1] = "";
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    int r = blob_of(row, &blob);
    if (r)
        return r;
    struct sp_span span = sp_written(&blob);
    if (!sha256 || sha256->hash(&span, 1, digest) != 0)
        return ctl_fail("libcrypto does not make SHA-256 digests");
    for (size_t i = 0; i < sha256->size; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(line, sizeof line, "%s IN SSHFP %u %u %s", name, sshfp_algorithm(found_get(row, "type")),
             SSHFP_SHA256, hex);
    found_add_string(lines, line);
    return 0;
}

/* What has a colon in it is an IPv6 address, or nothing. */
static bool name_is_plain(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    struct in6_addr address;
    if (strchr(name, ':'))
        return inet_pton(AF_INET6, name, &address) == 1;
    return *name && strlen(name) <= NAME_OCTETS_MAX && strspn(name, plain) == strlen(name);
}

int key_sshfp_after(struct token_run *run, json_t *found)
{
    const json_t *list = json_object_get(found, "keys");
    json_t *lines = found_make_array(found, "lines");
    int r = 0;
    if (!name_is_plain(run->o.arguments[0]))
        return ctl_misuse("\"%s\": expected a host's name", run->o.arguments[0]);
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = sshfp_add(run->o.arguments[0], json_array_get(list, i), lines);
    return r;
}

/* ---- known_hosts --------------------------------------------------------------------------------------------- */

/* "name", "name:port", "[name]:port" or an IPv6 address, as clients call it: "name", or "[name]:port" unless it is 22. */
static int host_read(const char *text, char host[NAME_OCTETS_MAX + 16])
{
    char name[NAME_OCTETS_MAX + 1];
    uint64_t port = 22;
    bool brackets = text[0] == '[';
    const char *end = brackets ? strchr(text, ']') : strchr(text, ':');
    if (!brackets && end && strchr(end + 1, ':'))
        end = NULL; /* an IPv6 address without a port */
    size_t size = end ? (size_t)(end - text) - (brackets ? 1 : 0) : strlen(text);
    const char *rest = end ? end + (brackets ? 1 : 0) : "";
    if ((brackets && !end) || size > NAME_OCTETS_MAX)
        return ctl_misuse("\"%s\": expected NAME or NAME:PORT", text);
    memcpy(name, text + (brackets ? 1 : 0), size);
    name[size] = 0;
    if (!name_is_plain(name) ||
        (*rest && (*rest != ':' || !decimal_parse(rest + 1, 65535, &port) || port == 0)))
        return ctl_misuse("\"%s\": expected NAME or NAME:PORT", text);
    for (char *c = name; *c; c++) /* as clients do before they look it up */
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    if (port == 22)
        snprintf(host, NAME_OCTETS_MAX + 16, "%s", name);
    else
        snprintf(host, NAME_OCTETS_MAX + 16, "[%s]:%u", name, (unsigned)port);
    return 0;
}

int key_known_hosts_before(struct token_run *run, json_t *found)
{
    char host[NAME_OCTETS_MAX + 16];
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->o.argument_count; i++)
        r = host_read(run->o.arguments[i], host);
    return r;
}

/* "|1|SALT|HMAC-SHA1": SSH_KNOWN_HOSTS FILE FORMAT of sshd(8) */
static int host_hash(const char *host, char out[128])
{
    uint8_t salt[SP_SHA1_SIZE], digest[SP_SHA1_SIZE];
    struct sp_out text = {.data = (uint8_t *)out, .capacity = 127};
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        return ctl_fail("no random numbers");
    if (fingerprint_hmac_sha1(sp_span_of(salt, sizeof salt), sp_text(host), digest))
        return ctl_fail("libcrypto does not make SHA-1 here, which hashed names are made with");
    sp_put_raw(&text, sp_text("|1|"));
    int r = base64_encode(sp_span_of(salt, sizeof salt), &text);
    sp_put_raw(&text, sp_text("|"));
    if (r == 0)
        r = base64_encode(sp_span_of(digest, sizeof digest), &text);
    out[text.size] = 0;
    return r ? ctl_fail("a hash of \"%s\" is too long", host) : 0;
}

static int known_host_add(const struct token_run *run, const char *host, const json_t *row, json_t *lines)
{
    char line[NAME_OCTETS_MAX + KEY_TEXT_MAX + 32], hashed[128];
    int r = run->o.hash ? host_hash(host, hashed) : 0;
    if (r)
        return r;
    snprintf(line, sizeof line, "%s %s", run->o.hash ? hashed : host, found_get(row, "public"));
    found_add_string(lines, line);
    return 0;
}

int key_known_hosts_after(struct token_run *run, json_t *found)
{
    const json_t *list = json_object_get(found, "keys");
    json_t *lines = found_make_array(found, "lines");
    char host[NAME_OCTETS_MAX + 16];
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->o.argument_count; i++) {
        r = host_read(run->o.arguments[i], host);
        for (size_t k = 0; r == 0 && k < json_array_size(list); k++)
            r = known_host_add(run, host, json_array_get(list, k), lines);
    }
    return r;
}
