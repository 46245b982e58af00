/*
 * Host certificates (PROTOCOL.certkeys of OpenSSH). Input: a file's contents, from the snapshot. Output: the certificate, if
 * it is one for a host and signed by the key that it names. Whether that signature's algorithm is allowed, and whether the
 * key inside is one of ours, is for the caller.
 */
#include "signer/host_certificate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "base/base64.h"

#define OFFERED_MAX SP_KEY_BLOB_MAX /* octets that an offer, a KEX reply and a user's request can carry */

void host_certificate_free(struct host_certificate *certificate)
{
    free(certificate->blob);
    free(certificate->plain);
    *certificate = (struct host_certificate){0};
}

static int refuse(char *why, size_t why_size, const char *text)
{
    snprintf(why, why_size, "%s", text);
    return HOST_CERTIFICATE_E_INVALID;
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r';
}

static struct sp_span next_line(struct sp_span *text)
{
    size_t size = 0;
    while (size < text->size && text->data[size] != '\n')
        size++;
    struct sp_span line = sp_span_of(text->data, size);
    size_t used = size + (size < text->size ? 1 : 0);
    *text = sp_span_of(text->data + used, text->size - used);
    return line;
}

static struct sp_span next_word(struct sp_span *line)
{
    size_t from = 0, to;
    while (from < line->size && is_blank(line->data[from]))
        from++;
    for (to = from; to < line->size && !is_blank(line->data[to]);)
        to++;
    struct sp_span word = sp_span_of(line->data + from, to - from);
    *line = sp_span_of(line->data + to, line->size - to);
    return word;
}

/* The type and the base64 of the first line that has any words, and is no comment. */
static bool words_find(struct sp_span file, struct sp_span *type, struct sp_span *base64)
{
    while (file.size != 0) {
        struct sp_span line = next_line(&file);
        *type = next_word(&line);
        *base64 = next_word(&line);
        if (type->size != 0 && type->data[0] != '#')
            return base64->size != 0;
    }
    return false;
}

static int parse(struct host_certificate *c, struct sp_span type, char *why, size_t why_size)
{
    struct sp_span blob = sp_span_of(c->blob, c->size);
    struct sp_out plain = {.data = c->plain, .capacity = OFFERED_MAX};
    if (certificate_parse(blob, &c->parsed))
        return refuse(why, why_size, "it is malformed");
    if (!sp_span_equal(type, c->parsed.blob_type))
        return refuse(why, why_size, "its first word is not the type that it has");
    if (c->parsed.type != SP_CERTIFICATE_HOST)
        return refuse(why, why_size, "it is a user's certificate, not a host's (ssh-keygen -h makes those)");
    if (c->parsed.critical_options.size != 0)
        return refuse(why, why_size, "it has critical options, and none are known for hosts");
    if (certificate_put_key(&c->parsed, &plain))
        return refuse(why, why_size, "its key is too large");
    c->plain_size = plain.size;
    c->ca_algorithm = certificate_algorithm(&c->parsed);
    if (!c->ca_algorithm)
        return refuse(why, why_size, "it is signed with an algorithm that this server does not have");
    if (certificate_verify(&c->parsed) != SP_VERDICT_GOOD)
        return refuse(why, why_size, "its signature is not that of the authority that it names");
    return 0;
}

int host_certificate_read(struct host_certificate *certificate, const char *path, struct sp_span file,
                          char *why, size_t why_size)
{
    struct sp_span type, base64;
    *certificate =
        (struct host_certificate){.path = path, .blob = malloc(OFFERED_MAX), .plain = malloc(OFFERED_MAX)};
    struct sp_out out = {.data = certificate->blob, .capacity = OFFERED_MAX};
    if (!certificate->blob || !certificate->plain)
        return -ENOMEM;
    if (!words_find(file, &type, &base64))
        return refuse(why, why_size,
                      "expected a line with a certificate, as ssh-keygen writes it into KEY-cert.pub");
    int r = base64_decode(base64, &out);
    if (r)
        return refuse(why, why_size,
                      r == SP_E_NO_ROOM ? "it is longer than 4096 octets" : "its base64 is malformed");
    certificate->size = out.size;
    return parse(certificate, type, why, why_size);
}
