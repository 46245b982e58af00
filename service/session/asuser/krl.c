/*
 * Revocation lists. Input: the bytes of a file that the administrator has made with ssh-keygen -k, and a key. Output: a
 * verdict. PROTOCOL.krl of OpenSSH. The list is walked anew for each key: nothing is built from it.
 */
#include "session/asuser/krl.h"

#include <errno.h>

#include <sallyport/registry.h>

#define MAGIC 0x5353484b524c0a00u /* "SSHKRL\n\0" */
#define FORMAT_VERSION 1u
#define SECTION_MAX (16u * 1024u * 1024u)
#define TEXT_MAX 65536u
#define NAME_SIZE_MAX 1024u
#define BITMAP_MAX (2u * 1024u * 1024u) /* octets: sshd's bound of 2^24 serials */

enum {
    SECTION_CERTIFICATES = 1,
    SECTION_EXPLICIT_KEY = 2,
    SECTION_FINGERPRINT_SHA1 = 3,
    SECTION_SIGNATURE = 4,
    SECTION_FINGERPRINT_SHA256 = 5,
    SECTION_EXTENSION = 255,

    CERT_SERIAL_LIST = 0x20,
    CERT_SERIAL_RANGE = 0x21,
    CERT_SERIAL_BITMAP = 0x22,
    CERT_KEY_ID = 0x23,
    CERT_EXTENSION = 0x39,
};

struct search {
    const struct krl_query *query;
    bool certificates_apply; /* the section at hand is about the certificate's authority */
    const char *how;         /* found */
};

typedef int (*section_fn)(struct search *search, struct sp_in *in);

struct section_row {
    uint8_t type;
    section_fn read; /* reads to the end; 0 or KRL_E_MALFORMED */
};

int krl_key_of(struct sp_span blob, struct krl_key *key)
{
    struct krl_key made = {.blob = blob};
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    int r = sha256 && sha256->size == sizeof made.sha256 ? sha256->hash(&blob, 1, made.sha256) : -ENOENT;
    if (r == 0)
        r = fingerprint_sha1(blob, made.sha1);
    if (r == 0)
        *key = made;
    return r;
}

bool krl_is_one(struct sp_span bytes)
{
    struct sp_in in = sp_in_of(bytes);
    return sp_get_u64(&in) == MAGIC && !in.bad;
}

static bool is_ours(const struct search *search, struct sp_span blob)
{
    const struct krl_query *query = search->query;
    return sp_span_equal(blob, query->key.blob) ||
           (query->certificate && sp_span_equal(blob, query->ca.blob));
}

static int read_keys(struct search *search, struct sp_in *in)
{
    while (in->left != 0 && !in->bad)
        if (is_ours(search, sp_get_string(in, SP_KEY_BLOB_MAX))) /* public_key_blob */
            search->how = "key";
    return sp_get_end(in);
}

/* size: of the fingerprints; key, ca: ours. */
static int read_fingerprints(struct search *search, struct sp_in *in, size_t size, const uint8_t *key,
                             const uint8_t *ca)
{
    while (in->left != 0 && !in->bad) {
        struct sp_span fingerprint = sp_get_string(in, size); /* public_key_hash */
        if (fingerprint.size != size)
            return KRL_E_MALFORMED;
        if (sp_span_equal(fingerprint, sp_span_of(key, size)) ||
            (search->query->certificate && sp_span_equal(fingerprint, sp_span_of(ca, size))))
            search->how = "fingerprint";
    }
    return sp_get_end(in);
}

static int read_sha1(struct search *search, struct sp_in *in)
{
    const struct krl_query *query = search->query;
    return read_fingerprints(search, in, sizeof query->key.sha1, query->key.sha1, query->ca.sha1);
}

static int read_sha256(struct search *search, struct sp_in *in)
{
    const struct krl_query *query = search->query;
    return read_fingerprints(search, in, sizeof query->key.sha256, query->key.sha256, query->ca.sha256);
}

/* Serial 0 is what authorities that number nothing give to every certificate, so it cannot be revoked. */
static void found_serial(struct search *search, bool found)
{
    if (search->certificates_apply && search->query->certificate->serial != 0 && found)
        search->how = "serial number";
}

static uint64_t our_serial(const struct search *search)
{
    return search->certificates_apply ? search->query->certificate->serial : 0;
}

static int read_serials(struct search *search, struct sp_in *in)
{
    while (in->left != 0 && !in->bad) {
        uint64_t serial = sp_get_u64(in);
        if (serial == 0)
            return KRL_E_MALFORMED;
        found_serial(search, serial == our_serial(search));
    }
    return sp_get_end(in);
}

static int read_range(struct search *search, struct sp_in *in)
{
    uint64_t min = sp_get_u64(in), max = sp_get_u64(in); /* serial_min, serial_max */
    if (sp_get_end(in) || min == 0 || min > max)
        return KRL_E_MALFORMED;
    found_serial(search, min <= our_serial(search) && our_serial(search) <= max);
    return 0;
}

static bool bit_is_set(struct sp_span bitmap, uint64_t bit)
{
    uint64_t octet = bit / 8;
    return octet < bitmap.size && (bitmap.data[bitmap.size - 1 - octet] >> (bit % 8) & 1);
}

static int read_bitmap(struct search *search, struct sp_in *in)
{
    uint64_t offset = sp_get_u64(in);                     /* serial_offset */
    struct sp_span bitmap = sp_get_mpint(in, BITMAP_MAX); /* revoked_keys_bitmap */
    uint64_t last = bitmap.size * UINT64_C(8);
    if (sp_get_end(in) || offset > UINT64_MAX - last || (offset == 0 && bit_is_set(bitmap, 0)))
        return KRL_E_MALFORMED;
    uint64_t serial = our_serial(search);
    found_serial(search, serial >= offset && bit_is_set(bitmap, serial - offset));
    return 0;
}

static int read_key_ids(struct search *search, struct sp_in *in)
{
    while (in->left != 0 && !in->bad) {
        struct sp_span id = sp_get_string(in, SP_CERTIFICATE_TEXT_MAX); /* key_id */
        if (search->certificates_apply && !in->bad && sp_span_equal(id, search->query->certificate->key_id))
            search->how = "key id";
    }
    return sp_get_end(in);
}

/* None exists that is understood here; one that is not critical may be passed over. */
static int read_extension(struct search *search, struct sp_in *in)
{
    struct sp_span name = sp_get_string(in, NAME_SIZE_MAX); /* extension_name */
    bool critical = sp_get_bool(in);                        /* is_critical */
    (void)sp_get_string(in, SECTION_MAX);                   /* extension_contents */
    return sp_get_end(in) || critical || name.size == 0 ? KRL_E_MALFORMED : 0;
}

static const struct section_row certificate_sections[] = {
    {CERT_SERIAL_LIST, read_serials}, {CERT_SERIAL_RANGE, read_range},  {CERT_SERIAL_BITMAP, read_bitmap},
    {CERT_KEY_ID, read_key_ids},      {CERT_EXTENSION, read_extension},
};

static int section_read(struct search *search, struct sp_in *in, const struct section_row *rows, size_t count)
{
    uint8_t type = sp_get_u8(in);
    struct sp_in data = sp_in_of(sp_get_string(in, SECTION_MAX));
    if (in->bad)
        return KRL_E_MALFORMED;
    for (size_t i = 0; i < count; i++)
        if (rows[i].type == type)
            return rows[i].read(search, &data) ? KRL_E_MALFORMED : 0;
    return KRL_E_MALFORMED;
}

static int read_certificates(struct search *search, struct sp_in *in)
{
    struct sp_span ca = sp_get_string(in, SP_KEY_BLOB_MAX); /* ca_key; empty: of every authority */
    (void)sp_get_string(in, TEXT_MAX);                      /* reserved */
    if (in->bad)
        return KRL_E_MALFORMED;
    const struct krl_query *query = search->query;
    search->certificates_apply = query->certificate && (ca.size == 0 || sp_span_equal(ca, query->ca.blob));
    int r = 0;
    while (r == 0 && in->left != 0)
        r = section_read(search, in, certificate_sections,
                         sizeof certificate_sections / sizeof certificate_sections[0]);
    search->certificates_apply = false;
    return r;
}

static const struct section_row sections[] = {
    {SECTION_CERTIFICATES, read_certificates}, {SECTION_EXPLICIT_KEY, read_keys},
    {SECTION_FINGERPRINT_SHA1, read_sha1},     {SECTION_FINGERPRINT_SHA256, read_sha256},
    {SECTION_EXTENSION, read_extension},
};

/* Signatures stand last and are about what stands before them. Who may write the file is trusted for its contents, with a
 * signature or without. */
static int signatures_skip(struct sp_in *in)
{
    while (in->left != 0 && !in->bad) {
        uint8_t type = sp_get_u8(in);
        (void)sp_get_string(in, SP_KEY_BLOB_MAX);  /* signature_key */
        (void)sp_get_string(in, SP_SIGNATURE_MAX); /* signature */
        if (type != SECTION_SIGNATURE)
            return KRL_E_MALFORMED;
    }
    return sp_get_end(in);
}

static int header_read(struct sp_in *in)
{
    uint64_t magic = sp_get_u64(in);
    uint32_t version = sp_get_u32(in); /* KRL_FORMAT_VERSION */
    (void)sp_get_u64(in);              /* krl_version */
    (void)sp_get_u64(in);              /* generated_date */
    (void)sp_get_u64(in);              /* flags */
    (void)sp_get_string(in, TEXT_MAX); /* reserved */
    (void)sp_get_string(in, TEXT_MAX); /* comment */
    return in->bad || magic != MAGIC || version != FORMAT_VERSION ? KRL_E_MALFORMED : 0;
}

int krl_check(struct sp_span list, const struct krl_query *query, const char **how)
{
    struct search search = {.query = query};
    struct sp_in in = sp_in_of(list);
    int r = header_read(&in);
    while (r == 0 && in.left != 0 && in.at[0] != SECTION_SIGNATURE)
        r = section_read(&search, &in, sections, sizeof sections / sizeof sections[0]);
    if (r == 0)
        r = signatures_skip(&in);
    if (r != 0)
        return KRL_E_MALFORMED;
    if (!search.how)
        return 0;
    *how = search.how;
    return KRL_E_REVOKED;
}
