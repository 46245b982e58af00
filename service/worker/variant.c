/*
 * Payloads from a variant of the offer. Input: the signer's `variant`, by the monitor; a client's address, which is the
 * monitor's word; the clock. Output: KEXINIT and EXT_INFO, or the reason why this build cannot serve that variant, which
 * refuses the generation while it is new rather than its clients later.
 */
#include "worker/variant.h"

#include <errno.h>
#include <stdio.h>

#include <sallyport/provider.h>
#include <sallyport/registry.h>

#include "ipc/negotiate.h"
#include "worker/setup.h"
#include "worker/ssh_numbers.h"
#include "worker/transport.h"

static int refuse(struct config_error *error, const char *what, struct sp_span name)
{
    snprintf(error->text, sizeof error->text, "%s \"%.*s\"", what, (int)size_min(name.size, 512),
             name.size != 0 ? (const char *)name.data : "");
    return SETUP_E_REFUSED;
}

/* ---- what this build has ----------------------------------------------------------------------------------------- */

static bool kex_is_here(struct sp_span name)
{
    const struct sp_kex_ops *kex = kex_find(name);
    return kex && digest_find(sp_text(kex->info->digest));
}

/* The negotiation knows an AEAD by its name; a module that disagrees would be used without a MAC. */
static bool cipher_is_here(struct sp_span name)
{
    const struct sp_cipher_ops *cipher = cipher_find(name);
    return cipher && (cipher->tag_size != 0) == cipher_name_is_aead(name);
}

static bool mac_is_here(struct sp_span name)
{
    return mac_find(name) != NULL;
}

static bool compression_is_here(struct sp_span name)
{
    return sp_span_is(name, "none") || compression_find(name);
}

static int lists_check(const struct offer_lists *lists, struct config_error *error)
{
    static const struct {
        enum offer_kind kind;
        bool (*is_here)(struct sp_span name);
        const char *complaint;
    } kinds[] = {
        {OFFER_KEX, kex_is_here, "this machine has no key exchange method"},
        {OFFER_CIPHER, cipher_is_here, "this machine has no cipher"},
        {OFFER_MAC, mac_is_here, "this machine has no MAC"},
        {OFFER_COMPRESSION, compression_is_here, "this machine has no compression"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (struct sp_span list = sp_text(lists->lists[kinds[i].kind]); list.size != 0;) {
            struct sp_span name = sp_next_name(&list);
            if (!kinds[i].is_here(name))
                return refuse(error, kinds[i].complaint, name);
        }
    return 0;
}

static int variant_check(const struct msg_variant *said, struct config_error *error)
{
    struct offer_lists lists;
    if (said->kex.size == 0 || said->host_key_algorithms.size == 0 || said->ciphers.size == 0)
        return refuse(error, "the offer lacks key exchange methods, host keys or ciphers for the policy",
                      said->policy);
    if (said->fips_provider && !crypto_provider_is_fips())
        return refuse(
            error,
            "RequireFIPSProvider: the worker's libcrypto does not serve from a FIPS provider alone, policy",
            said->policy);
    if (offer_lists_longest(said, &lists))
        return refuse(error, "the lists with all exceptions are too long, policy", said->policy);
    return lists_check(&lists, error);
}

/* ---- payloads ---------------------------------------------------------------------------------------------------- */

static int payload_keep(const struct sp_out *out, struct sp_span *kept)
{
    uint8_t *copy = malloc(out->size);
    if (out->full || !copy) {
        free(copy);
        return out->full ? -EMSGSIZE : -ENOMEM;
    }
    memcpy(copy, out->data, out->size);
    *kept = sp_span_of(copy, out->size);
    return 0;
}

static int kexinit_put(const struct offer_lists *lists, bool first, struct sp_out *payload)
{
    static const uint8_t no_cookie[KEXINIT_COOKIE_SIZE];
    return kexinit_build(lists, no_cookie, first, payload) ? -EMSGSIZE : 0;
}

/* Signatures made with a certificate's key carry the plain algorithm's name (PROTOCOL.certkeys): "x-cert-v01@openssh.com" is
 * "x", and of authenticators "sk-x@openssh.com". */
static struct sp_span plain_name(struct sp_span name, char *room, size_t size)
{
    static const char suffix[] = "-cert-v01@openssh.com";
    if (name.size < sizeof suffix)
        return name;
    size_t stem = name.size - (sizeof suffix - 1);
    if (!sp_span_is(sp_span_of(name.data + stem, sizeof suffix - 1), suffix))
        return name;
    bool in_authenticator = memmem(name.data, stem, "sk-", 3) != NULL;
    int used = snprintf(room, size, "%.*s%s", (int)stem, (const char *)name.data,
                        in_authenticator ? "@openssh.com" : "");
    return sp_span_of(room, used < 0 || (size_t)used >= size ? 0 : (size_t)used);
}

static void sig_algs_put(struct sp_span accepted, struct sp_out *out)
{
    uint8_t bytes[OFFER_LIST_MAX];
    struct sp_out list = {.data = bytes, .capacity = sizeof bytes};
    while (accepted.size != 0) {
        char room[OFFER_NAME_MAX + 1];
        struct sp_span name = plain_name(sp_next_name(&accepted), room, sizeof room);
        if (name.size == 0 || sp_list_has(sp_written(&list), name))
            continue;
        if (list.size != 0)
            sp_put_u8(&list, ',');
        sp_put_raw(&list, name);
    }
    sp_put_string(out, sp_written(&list));
}

/* RFC 8308 section 3.1; PROTOCOL sections 1.8 and 1.11 for the others, whose value is their version. */
static int ext_info_put(const struct offer_lists *lists, struct sp_out *out)
{
    sp_put_u8(out, SSH_MSG_EXT_INFO);
    sp_put_u32(out, 3);
    sp_put_text(out, "server-sig-algs");
    sig_algs_put(sp_text(lists->lists[OFFER_USER_KEY]), out);
    sp_put_text(out, "publickey-hostbound@openssh.com");
    sp_put_text(out, "0");
    sp_put_text(out, "ping@openssh.com");
    sp_put_text(out, "0");
    return sp_put_end(out) ? -EMSGSIZE : 0;
}

static int constant_prepare(struct worker_variant *variant)
{
    struct offer_lists lists;
    uint8_t bytes[KEXINIT_SENT_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    int r = offer_lists_make(&variant->said, variant->keys, NULL, 0, &lists) ? -EMSGSIZE : 0;
    if (r == 0)
        r = kexinit_put(&lists, true, &out);
    if (r == 0)
        r = payload_keep(&out, &variant->kexinit_first);
    out.size = 0;
    if (r == 0)
        r = kexinit_put(&lists, false, &out);
    if (r == 0)
        r = payload_keep(&out, &variant->kexinit_later);
    out.size = 0;
    if (r == 0)
        r = ext_info_put(&lists, &out);
    return r ? r : payload_keep(&out, &variant->ext_info);
}

int variant_prepare(struct worker_variant *variant, const struct msg_variant *said, struct sp_span keys,
                    struct config_error *error)
{
    variant->said = *said;
    variant->keys = keys;
    int r = variant_check(said, error);
    return r || !offer_is_constant(said, keys) ? r : constant_prepare(variant);
}

static void span_free(struct sp_span span)
{
    free((void *)(uintptr_t)span.data);
}

void variant_free(struct worker_variant *variant)
{
    span_free(variant->kexinit_first);
    span_free(variant->kexinit_later);
    span_free(variant->ext_info);
    *variant = (struct worker_variant){0};
}

static int prepared_put(struct sp_span prepared, struct sp_out *payload)
{
    sp_put_raw(payload, prepared);
    return sp_put_end(payload) ? -EMSGSIZE : 0;
}

int variant_kexinit(const struct worker_variant *variant, const char *address, int64_t now, bool first,
                    struct sp_out *payload)
{
    struct offer_lists lists;
    if (variant->kexinit_first.size != 0)
        return prepared_put(first ? variant->kexinit_first : variant->kexinit_later, payload);
    if (offer_lists_make(&variant->said, variant->keys, address, now, &lists))
        return -EMSGSIZE;
    return kexinit_put(&lists, first, payload);
}

int variant_ext_info(const struct worker_variant *variant, const char *address, int64_t now,
                     struct sp_out *payload)
{
    struct offer_lists lists;
    if (variant->ext_info.size != 0)
        return prepared_put(variant->ext_info, payload);
    if (offer_lists_make(&variant->said, variant->keys, address, now, &lists))
        return -EMSGSIZE;
    return ext_info_put(&lists, payload);
}
