/* HostCertificate. Input: files in the snapshot, keys as they are found. Output: certificates to be offered with their keys. */
#include <stdio.h>
#include <time.h>

#include "signer/algorithm.h"
#include "signer/generation_parts.h"

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
    certificate->placed = false;
    for (size_t i = 0; !certificate->placed && i < g->plan.key_count; i++) {
        const struct generation_key *key = &g->keys[i];
        if (key->state != KEY_AWAITED && key->state != KEY_WRONG &&
            sp_span_equal(sp_span_of(key->blob, key->blob_size), plain)) {
            certificate->placed = true;
            certificate->key = i;
        }
    }
    return certificate->placed;
}

/* A key that is away may be the one that a certificate is of: only when all are there is it known to be nobody's. */
void certificates_place(struct generation *g)
{
    for (size_t i = 0; i < g->certificate_count; i++) {
        struct generation_certificate *certificate = &g->certificates[i];
        if (certificate_place(g, certificate) || keys_in(g, KEY_AWAITED) != 0)
            continue;
        if (g->state != GENERATION_READY)
            generation_fail(g, "HostCertificate %s: the key in it is none of the HostKeys",
                            certificate->read.path);
        else
            log_say(&g->signer->log, LOG_LEVEL_WARNING, "host_certificate",
                    "HostCertificate %s is not offered: the key in it is none of the HostKeys",
                    certificate->read.path);
    }
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
    else
        certificate_warn(g, &certificate->read);
    return 0;
}

int certificates_read(struct generation *g)
{
    const struct config_list *paths = &g->config->host_certificates;
    int r = 0;
    for (size_t i = 0; r == 0 && g->state != GENERATION_FAILED && i < paths->count; i++)
        if (strcmp(paths->items[i], "none") != 0)
            r = certificate_take(g, paths->items[i]);
    return r;
}

void certificate_offer(const struct generation_certificate *certificate, const struct proven_key *plain,
                       struct variant_key *offered)
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
