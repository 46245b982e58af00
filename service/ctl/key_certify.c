/*
 * `sallyport key certify`: host certificates. Input: the token's public keys, and the file that an authority made. Output:
 * the public key for that authority, or its certificate where the server finds it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sallyport/certificate.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "ctl/key_found.h"
#include "ctl/subject.h"
#include "ctl/write_file.h"
#include "signer/host_certificate.h"

#define DIRECTORY "/etc/sallyport/certificates"
#define HOST_NAME_MAX_OCTETS 256u

/* ---- what the authority made ------------------------------------------------------------------------------------ */

static int validity_check(const struct host_certificate *c, const char *path)
{
    uint64_t now = (uint64_t)time(NULL);
    if (now < c->parsed.valid_after)
        return ctl_fail("%s: it is not valid yet", path);
    if (now >= c->parsed.valid_before)
        return ctl_fail("%s: it has expired", path);
    if (c->parsed.principals.size == 0)
        return ctl_fail("%s: it names no principals, and so stands for no host: sign it with -n NAMES", path);
    return 0;
}

static void certificate_describe(const struct host_certificate *c, json_t *into)
{
    struct sp_span rest = c->parsed.principals, principal;
    json_t *names = found_make_array(into, "principals");
    char fingerprint[KEY_FINGERPRINT_MAX];
    found_set(into, "key_id", c->parsed.key_id);
    found_set_number(into, "serial", (int64_t)c->parsed.serial);
    found_set_time(into, "valid_after", (int64_t)c->parsed.valid_after);
    if (c->parsed.valid_before != SP_CERTIFICATE_FOREVER)
        found_set_time(into, "valid_before", (int64_t)c->parsed.valid_before);
    while (certificate_next_principal(&rest, &principal))
        (void)json_array_append_new(names, found_text(principal));
    if (key_fingerprint(c->parsed.ca_key, fingerprint) == 0)
        found_set_string(into, "authority", fingerprint);
}

/* The key inside, as the child's rows have public keys; and the file's own text, which is what is copied. */
static int certificate_take(struct token_run *run, const char *path, struct sp_span file,
                            const struct host_certificate *c)
{
    char plain[KEY_TEXT_MAX];
    json_t *text = json_stringn((const char *)file.data, file.size);
    bool is_text = text && !memchr(file.data, 0, file.size);
    json_decref(text);
    int r = is_text ? validity_check(c, path) : ctl_fail("%s: it is no text", path);
    if (r == 0)
        r = key_text(sp_span_of(c->plain, c->plain_size), plain);
    if (r)
        return r;
    run->given = json_object();
    found_set_string(run->given, "plain", plain);
    found_set(run->given, "file", file);
    certificate_describe(c, found_make_object(run->given, "certificate"));
    return 0;
}

static int certificate_open(struct token_run *run)
{
    const char *path = run->o.install;
    char why[512] = "out of memory";
    CLEANUP_FREE uint8_t *data = NULL;
    struct host_certificate certificate = {0};
    size_t size;
    int r = subject_read_file(path, CONFIG_CERTIFICATE_MAX, &data, &size);
    if (r)
        return r;
    r = host_certificate_read(&certificate, path, sp_span_of(data, size), why, sizeof why);
    r = r ? ctl_fail("%s: %s", path, why) : certificate_take(run, path, sp_span_of(data, size), &certificate);
    host_certificate_free(&certificate);
    return r;
}

int key_certify_before(struct token_run *run, json_t *found)
{
    if (!run->o.request == !run->o.install)
        return ctl_misuse("expected --request FILE or --install CERTIFICATE");
    return run->o.install ? certificate_open(run) : 0;
}

/* ---- afterwards ------------------------------------------------------------------------------------------------- */

/* FILE.pub is certified as FILE-cert.pub, as ssh-keygen calls it. */
static void certificate_name(const char *file, char *out, size_t size)
{
    size_t length = strlen(file);
    bool suffix = length > 4 && strcmp(file + length - 4, ".pub") == 0;
    snprintf(out, size, "%.*s-cert.pub", (int)(suffix ? length - 4 : length), file);
}

static int request_write(struct token_run *run, json_t *found)
{
    const json_t *list = json_object_get(found, "keys");
    char host[HOST_NAME_MAX_OCTETS + 1] = "host", text[KEY_TEXT_MAX + 512], line[1536], answer[PATH_MAX];
    if (json_array_size(list) != 1)
        return ctl_misuse("the token has %zu keys: choose one with --label", json_array_size(list));
    const json_t *key = json_array_get(list, 0);
    if (gethostname(host, sizeof host - 1) < 0)
        return ctl_fail("the host's name: %s", strerror(errno));
    snprintf(text, sizeof text, "%s %s\n", found_get(key, "public"), found_get(key, "label"));
    int r = write_file(run->o.request, sp_text(text));
    if (r)
        return r;
    snprintf(line, sizeof line, "ssh-keygen -s CA -h -I %s -n %s %s", host, host, run->o.request);
    certificate_name(run->o.request, answer, sizeof answer);
    found_set_string(found, "request", run->o.request);
    found_set_string(found, "command", line);
    found_set_string(found, "answer", answer);
    return 0;
}

/* A file's name of a label: what is no letter or digit does not reach a path. */
static void file_name(const char *label, char out[64])
{
    size_t used = 0;
    for (; *label && used < 48; label++, used++) {
        bool plain = isalnum((unsigned char)*label) || (used != 0 && (*label == '-' || *label == '_'));
        out[used] = plain ? *label : '_';
    }
    snprintf(out + used, 64 - used, "-cert.pub");
}

static const json_t *key_with(const json_t *list, const char *public_key)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(found_get(json_array_get(list, i), "public"), public_key) == 0)
            return json_array_get(list, i);
    return NULL;
}

static int certificate_install(struct token_run *run, json_t *found)
{
    const char *directory = run->o.directory ? run->o.directory : DIRECTORY;
    char name[64], path[PATH_MAX], line[PATH_MAX + 32];
    const json_t *key = key_with(json_object_get(found, "keys"), found_get(run->given, "plain"));
    if (!key)
        return ctl_fail("%s: the key that it certifies is none of this token's", run->o.install);
    if (directory[0] != '/')
        return ctl_misuse("--directory: expected an absolute path");
    file_name(found_get(key, "label"), name);
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return ctl_misuse("--directory: too long");
    int r = write_directory(directory);
    if (r == 0)
        r = write_file(path, sp_text(found_get(run->given, "file")));
    if (r)
        return r;
    snprintf(line, sizeof line, "HostCertificate %s", path);
    found_set_string(found, "installed", path);
    found_set_string(found, "line", line);
    return json_object_set(found, "certificate", json_object_get(run->given, "certificate"))
               ? ctl_fail("out of memory")
               : 0;
}

int key_certify_after(struct token_run *run, json_t *found)
{
    return run->o.install ? certificate_install(run, found) : request_write(run, found);
}

void key_certify_show(const struct token_run *run, const json_t *found)
{
    if (*found_get(found, "command"))
        printf("%s is for the certificate authority, who says who the host is (-n: all its names):\n%s\n"
               "What comes of it is taken in with:\nsallyport key certify --install %s\n",
               found_get(found, "request"), found_get(found, "command"), found_get(found, "answer"));
    if (*found_get(found, "installed")) {
        const json_t *c = json_object_get(found, "certificate");
        CLEANUP_FREE char *names = found_join(json_object_get(c, "principals"), ", ");
        printf("\"%s\", serial %lld, by %s, for %s, until %s\nFor the configuration:\n%s\n",
               found_get(c, "key_id"), (long long)found_number(c, "serial"), found_get(c, "authority"),
               names ? names : "", *found_get(c, "valid_before") ? found_get(c, "valid_before") : "for ever",
               found_get(found, "line"));
    }
}
