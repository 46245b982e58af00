/*
 * Detached signatures, taken apart. Input: the text of a file beside a policy, from whoever placed it there. Output: its
 * fields, or what is wrong with it. PROTOCOL.sshsig of OpenSSH.
 */
#include "policy/sshsig.h"

#include <sallyport/wire.h>

#include "base/base64.h"

#define MAGIC "SSHSIG"
#define MAGIC_SIZE 6u
#define VERSION 1u

static const char armour_begin[] = "-----BEGIN SSH SIGNATURE-----\n";
static const char armour_end[] = "-----END SSH SIGNATURE-----";

static int malformed(const char **why, const char *what)
{
    *why = what;
    return SP_E_MALFORMED;
}

/* Takes a fixed text off the front. */
static bool text_take(struct sp_span *text, const char *expected)
{
    size_t size = strlen(expected);
    if (text->size < size || memcmp(text->data, expected, size) != 0)
        return false;
    *text = sp_span_of(text->data + size, text->size - size);
    return true;
}

/* Takes a line with its newline off the front; false: there is no newline. */
static bool line_take(struct sp_span *text, struct sp_span *line)
{
    const uint8_t *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
    if (!end)
        return false;
    *line = sp_span_of(text->data, (size_t)(end - text->data));
    *text = sp_span_of(end + 1, text->size - line->size - 1);
    return true;
}

/* The lines of base64 as one, up to the end of the armour. */
static int lines_join(struct sp_span *text, struct sp_out *joined, const char **why)
{
    while (!text_take(text, armour_end)) {
        struct sp_span line;
        if (!line_take(text, &line))
            return malformed(why, "it is cut off: there is no line \"-----END SSH SIGNATURE-----\"");
        if (line.size == 0)
            return malformed(why, "there is an empty line in it");
        sp_put_raw(joined, line);
    }
    return sp_put_end(joined) ? malformed(why, "it is too long") : 0;
}

int sshsig_dearmour(struct sp_span text, struct sp_out *blob, const char **why)
{
    uint8_t bytes[POLICY_SIGNATURE_MAX];
    struct sp_out joined = {.data = bytes, .capacity = sizeof bytes};
    if (!text_take(&text, armour_begin))
        return malformed(why, "it does not begin with the line \"-----BEGIN SSH SIGNATURE-----\"");
    int r = lines_join(&text, &joined, why);
    if (r)
        return r;
    if (text.size > 1 || (text.size == 1 && text.data[0] != '\n'))
        return malformed(why, "something follows its last line");
    r = base64_decode(sp_written(&joined), blob);
    return r ? malformed(why, r == SP_E_NO_ROOM ? "it is too long" : "its base64 is damaged") : 0;
}

static const char *hash_find(struct sp_span name)
{
    static const char *const hashes[] = {"sha256", "sha512"};
    for (size_t i = 0; i < ARRAY_SIZE(hashes); i++)
        if (sp_span_is(name, hashes[i]))
            return hashes[i];
    return NULL;
}

int sshsig_parse(struct sp_span blob, struct sshsig *sig, const char **why)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span magic = sp_get_raw(&in, MAGIC_SIZE);
    uint32_t version = sp_get_u32(&in);
    struct sshsig read = {.public_key = sp_get_string(&in, SSHSIG_BLOB_MAX),
                          .name_space = sp_get_text(&in, SSHSIG_NAMESPACE_MAX),
                          .reserved = sp_get_string(&in, SSHSIG_RESERVED_MAX)};
    struct sp_span hash = sp_get_text(&in, SSHSIG_HASH_NAME_MAX);
    read.signature = sp_get_string(&in, SP_SIGNATURE_MAX);
    if (!sp_span_is(magic, MAGIC))
        return malformed(why, "it is no SSHSIG signature");
    if (version != VERSION)
        return malformed(why, "its version is not 1");
    if (in.bad)
        return malformed(why, "it is too short, or a field in it is too long");
    if (in.left != 0)
        return malformed(why, "octets are left over behind its last field");
    if (read.name_space.size == 0)
        return malformed(why, "its namespace is empty");
    read.hash = hash_find(hash);
    if (!read.hash)
        return malformed(why, "its hash algorithm is neither sha256 nor sha512");
    *sig = read;
    return 0;
}

int sshsig_put_signed(const struct sshsig *sig, struct sp_span hash, struct sp_out *out)
{
    sp_put_raw(out, sp_text(MAGIC));
    sp_put_string(out, sig->name_space);
    sp_put_string(out, sig->reserved);
    sp_put_text(out, sig->hash);
    sp_put_string(out, hash);
    return sp_put_end(out);
}
