/*
 * Certificates of any octets: certificate_parse() and what walks a parsed one. Besides memory errors it looks for a broken
 * promise: a list that ends early or holds what it must not, a key that does not fit, a verdict that is neither good nor bad.
 */
#include <stdlib.h>

#include <sallyport/certificate.h>

#include "session/asuser/cert_options.h"
#include "session/asuser/key_subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static bool lies_within(struct sp_span inner, struct sp_span outer)
{
    return inner.size == 0 ||
           (inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

static void lists_walk(const struct sp_certificate *certificate)
{
    struct sp_span principals = certificate->principals, critical = certificate->critical_options,
                   extensions = certificate->extensions, name, data, text;
    size_t count = 0;
    while (certificate_next_principal(&principals, &name)) {
        require(name.size != 0 && !memchr(name.data, 0, name.size));
        count++;
    }
    require(principals.size == 0 && count <= SP_CERTIFICATE_PRINCIPALS_MAX);
    while (certificate_next_option(&critical, &name, &data) ||
           certificate_next_option(&extensions, &name, &data)) {
        require(name.size != 0);
        if (certificate_option_text(data, &text) == 0)
            require(lies_within(text, data));
    }
    require(critical.size == 0 && extensions.size == 0);
}

static void options_read(const struct sp_certificate *certificate)
{
    static struct key_options options;
    char why[160] = "";
    int r = cert_options_read(certificate, &options, why, sizeof why);
    require(r == 0 || r == KEY_OPTIONS_E_REFUSED);
    require((r != 0) == (why[0] != 0));
    uint8_t packed[16384];
    struct sp_out out = {.data = packed, .capacity = sizeof packed};
    if (r == 0)
        require(key_options_pack(&options, &out) == 0);
}

/* As the helper opens it, under every algorithm. */
static void subject_open(struct sp_span blob)
{
    static struct key_subject subject;
    static const char *const algorithms[] = {"ssh-ed25519-cert-v01@openssh.com",
                                             "rsa-sha2-512-cert-v01@openssh.com",
                                             "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"};
    static const struct key_rules none;
    const struct key_subject_rules rules = {.sizes = &none,
                                            .ca_algorithms =
                                                sp_text("ssh-ed25519,rsa-sha2-512,ecdsa-sha2-nistp256"),
                                            .now = 1800000000};
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        char why[1024] = "";
        int r = key_subject_open(sp_text(algorithms[i]), blob, &rules, &subject, why, sizeof why);
        require((r != 0) == (why[0] != 0));
        require(r != 0 || (subject.certified && subject.plain.size != 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_span blob = sp_span_of(data, size);
    struct sp_certificate certificate;
    uint8_t key[SP_KEY_BLOB_MAX];
    struct sp_out out = {.data = key, .capacity = sizeof key};
    subject_open(blob);
    if (certificate_parse(blob, &certificate) != 0)
        return 0;
    require(size <= SP_CERTIFICATE_MAX);
    require(certificate.type == SP_CERTIFICATE_USER || certificate.type == SP_CERTIFICATE_HOST);
    require(lies_within(certificate.ca_key, blob) && lies_within(certificate.signature, blob));
    require(certificate.signed_part.data == data && certificate.signed_part.size < size);
    lists_walk(&certificate);
    options_read(&certificate);
    (void)!certificate_put_key(&certificate, &out);
    enum sp_verdict verdict = certificate_verify(&certificate);
    require(verdict == SP_VERDICT_BAD || (verdict == SP_VERDICT_GOOD && certificate_algorithm(&certificate)));
    return 0;
}
