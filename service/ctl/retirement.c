/* Retiring a key that is certified. Input: the configuration's HostCertificate files, the running server's keys. Output: which
 * of them has to go first. */
#include "ctl/retirement.h"

#include <stdio.h>
#include <string.h>

#include "ctl/found.h"
#include "ctl/key_found.h"
#include "ctl/question.h"
#include "signer/host_certificate.h"

static bool is_of_key(const char *path, struct sp_span file, const char *fingerprint)
{
    char why[512], found[KEY_FINGERPRINT_MAX];
    struct host_certificate certificate = {0};
    bool is = host_certificate_read(&certificate, path, file, why, sizeof why) == 0 &&
              key_fingerprint(sp_span_of(certificate.plain, certificate.plain_size), found) == 0 &&
              strcmp(found, fingerprint) == 0;
    host_certificate_free(&certificate);
    return is;
}

const char *retirement_certificate(const struct config_source *source, const struct config *config,
                                   const char *fingerprint)
{
    const struct config_list *paths = &config->host_certificates;
    for (size_t i = 0; i < paths->count; i++) {
        struct sp_span file;
        if (config_certificate(source, paths->items[i], &file) &&
            is_of_key(paths->items[i], file, fingerprint))
            return paths->items[i];
    }
    return NULL;
}

static const char *fingerprint_of(const json_t *answer, const char *uri)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "keys"), i, row)
    {
        if (strcmp(found_get(row, "uri"), uri) == 0)
            return found_get(row, "fingerprint");
    }
    return "";
}

static int answer_judge(const json_t *answer, const struct config_source *source, const struct config *config,
                        const char *uri)
{
    const char *fingerprint = fingerprint_of(answer, uri);
    if (!*fingerprint) {
        fprintf(
            stderr,
            "sallyport: the server that runs does not have the key %s, so whether a HostCertificate is of "
            "this key is not known; --force retires it all the same\n",
            uri);
        return CTL_FINDING;
    }
    const char *path = retirement_certificate(source, config, fingerprint);
    if (!path)
        return CTL_OK;
    fprintf(
        stderr,
        "sallyport: HostCertificate %s is of this key, and the server would refuse a configuration with the "
        "certificate and without the key: remove that line first\n",
        path);
    return CTL_FINDING;
}

int retirement_check(const struct ctl_options *o, const struct config_source *source,
                     const struct config *config, const char *uri)
{
    json_t *answer = NULL;
    if (o->force || config->host_certificates.count == 0)
        return CTL_OK;
    int status = question_ask(o, "keys", "", &answer);
    if (status)
        (void)ctl_fail("the configuration has a HostCertificate, and the running server alone knows of which "
                       "key it is; --force retires the key all the same");
    else
        status = answer_judge(answer, source, config, uri);
    json_decref(answer);
    return status;
}
