/*
 * Certificates, taken apart: blobs come from a user's request or from an administrator's file. PROTOCOL.certkeys of OpenSSH.
 * Nothing is decided here and no key is looked at; lists are walked once, so that whoever walks them later cannot fail.
 */
#include <sallyport/certificate.h>

/* The types that there are: what the key inside is called, and of how many strings (an mpint is one) it consists. */
static const struct kind {
    const char *blob_type, *plain_type;
    unsigned strings;
} kinds[] = {
    {"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1},
    {"ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2},
    {"ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2},
    {"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2},
    {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3},
};

static const struct kind *kind_find(struct sp_span blob_type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (sp_span_is(blob_type, kinds[i].blob_type))
            return &kinds[i];
    return NULL;
}

static bool principals_are_sound(struct sp_span list)
{
    struct sp_in in = sp_in_of(list);
    for (size_t count = 0; in.left != 0 && !in.bad; count++) {
        struct sp_span principal = sp_get_text(&in, SP_CERTIFICATE_TEXT_MAX);
        if (principal.size == 0 || count == SP_CERTIFICATE_PRINCIPALS_MAX)
            return false;
    }
    return sp_get_end(&in) == 0;
}

/* "Each named option may only appear once". Their order, which is to be lexical, decides nothing and is not looked at. */
static bool options_are_sound(struct sp_span list)
{
    struct sp_span seen[SP_CERTIFICATE_OPTIONS_MAX];
    struct sp_in in = sp_in_of(list);
    for (size_t count = 0; in.left != 0 && !in.bad; count++) {
        struct sp_span name = sp_get_text(&in, SP_CERTIFICATE_NAME_MAX);
        (void)sp_get_string(&in, SP_CERTIFICATE_TEXT_MAX);
        if (name.size == 0 || count == SP_CERTIFICATE_OPTIONS_MAX)
            return false;
        for (size_t i = 0; i < count; i++)
            if (sp_span_equal(seen[i], name))
                return false;
        seen[count] = name;
    }
    return sp_get_end(&in) == 0;
}

/* "CA keys ... chained certificates are not supported". */
static bool is_plain_key(struct sp_span blob)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, SP_CERTIFICATE_NAME_MAX);
    return type.size != 0 && !kind_find(type);
}

static struct sp_span get_key_fields(struct sp_in *in, unsigned strings)
{
    const uint8_t *start = in->at;
    for (unsigned i = 0; i < strings; i++)
        (void)sp_get_string(in, SP_KEY_BLOB_MAX);
    return sp_span_of(start, (size_t)(in->at - start));
}

int certificate_parse(struct sp_span blob, struct sp_certificate *certificate)
{
    if (blob.size > SP_CERTIFICATE_MAX)
        return SP_E_MALFORMED;
    struct sp_in in = sp_in_of(blob);
    struct sp_certificate read = {.blob_type = sp_get_text(&in, SP_CERTIFICATE_NAME_MAX)};
    const struct kind *kind = kind_find(read.blob_type);
    if (!kind)
        return SP_E_MALFORMED;
    read.plain_type = kind->plain_type;
    (void)sp_get_string(&in, SP_KEY_BLOB_MAX); /* nonce */
    read.key_fields = get_key_fields(&in, kind->strings);
    read.serial = sp_get_u64(&in);
    read.type = sp_get_u32(&in);
    read.key_id = sp_get_text(&in, SP_CERTIFICATE_TEXT_MAX);
    read.principals = sp_get_string(&in, SP_CERTIFICATE_TEXT_MAX); /* valid principals */
    read.valid_after = sp_get_u64(&in);
    read.valid_before = sp_get_u64(&in);
    read.critical_options = sp_get_string(&in, SP_CERTIFICATE_TEXT_MAX);
    read.extensions = sp_get_string(&in, SP_CERTIFICATE_TEXT_MAX);
    (void)sp_get_string(&in, SP_CERTIFICATE_TEXT_MAX); /* reserved */
    read.ca_key = sp_get_string(&in, SP_KEY_BLOB_MAX); /* signature key */
    read.signed_part = sp_span_of(blob.data, blob.size - in.left);
    read.signature = sp_get_string(&in, SP_SIGNATURE_MAX);
    if (sp_get_end(&in) != 0 || (read.type != SP_CERTIFICATE_USER && read.type != SP_CERTIFICATE_HOST) ||
        !principals_are_sound(read.principals) || !options_are_sound(read.critical_options) ||
        !options_are_sound(read.extensions) || !is_plain_key(read.ca_key))
        return SP_E_MALFORMED;
    *certificate = read;
    return 0;
}

int certificate_put_key(const struct sp_certificate *certificate, struct sp_out *out)
{
    sp_put_text(out, certificate->plain_type);
    sp_put_raw(out, certificate->key_fields);
    return sp_put_end(out);
}

static bool next_string(struct sp_span *list, struct sp_span *string)
{
    struct sp_in in = sp_in_of(*list);
    struct sp_span next = sp_get_string(&in, SP_CERTIFICATE_TEXT_MAX);
    if (in.bad)
        return false;
    *string = next;
    *list = sp_span_of(in.at, in.left);
    return true;
}

bool certificate_next_principal(struct sp_span *list, struct sp_span *principal)
{
    return next_string(list, principal);
}

bool certificate_next_option(struct sp_span *list, struct sp_span *name, struct sp_span *data)
{
    return next_string(list, name) && next_string(list, data);
}

int certificate_option_text(struct sp_span data, struct sp_span *text)
{
    struct sp_in in = sp_in_of(data);
    struct sp_span read = sp_get_text(&in, SP_CERTIFICATE_TEXT_MAX);
    int result = sp_get_end(&in);
    if (result == 0)
        *text = read;
    return result;
}
