/*
 * What a generation needs, made once by the zygote. Input: the snapshot and the signer's offer, by the monitor. Output:
 * struct worker_setup, or the reason why this build cannot serve that offer, which refuses the generation while it is
 * new rather than its clients later.
 */
#include "worker/setup.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <sallyport/registry.h>

#include "ipc/codec.h"
#include "ipc/negotiate.h"
#include "worker/ssh_numbers.h"
#include "worker/transport.h"

static int refuse(struct config_error *error, const char *what, struct sp_span name)
{
    snprintf(error->text, sizeof error->text, "%s \"%.*s\"", what, (int)size_min(name.size, 512),
             name.size != 0 ? (const char *)name.data : "");
    return SETUP_E_REFUSED;
}

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

static int offer_check(const struct msg_offer *offer, struct config_error *error)
{
    const struct {
        struct sp_span names;
        bool (*is_here)(struct sp_span name);
        const char *complaint;
    } kinds[] = {
        {offer->kex, kex_is_here, "this build has no key exchange method"},
        {offer->ciphers, cipher_is_here, "this build has no cipher"},
        {offer->macs, mac_is_here, "this build has no MAC"},
        {offer->compression, compression_is_here, "this build has no compression"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (struct sp_span list = kinds[i].names; list.size != 0;) {
            struct sp_span name = sp_next_name(&list);
            if (!kinds[i].is_here(name))
                return refuse(error, kinds[i].complaint, name);
        }
    if (offer->kex.size == 0 || offer->host_key_algorithms.size == 0 || offer->ciphers.size == 0)
        return refuse(error, "the offer lacks key exchange methods, host keys or ciphers",
                      (struct sp_span){0});
    return 0;
}

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

static int kexinit_make(const struct msg_offer *offer, bool first, struct sp_span *payload)
{
    static const uint8_t no_cookie[KEXINIT_COOKIE_SIZE];
    uint8_t bytes[KEXINIT_SENT_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    int r = kexinit_build(offer, no_cookie, first, &out);
    return r ? -EMSGSIZE : payload_keep(&out, payload);
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
    bool in_authenticator = memcmp(name.data, "sk-", 3) == 0;
    int used = snprintf(room, size, "%.*s%s", (int)stem, (const char *)name.data,
                        in_authenticator ? "@openssh.com" : "");
    return sp_span_of(room, used < 0 || (size_t)used >= size ? 0 : (size_t)used);
}

static void sig_algs_put(struct sp_span accepted, struct sp_out *out)
{
    uint8_t bytes[1024];
    struct sp_out list = {.data = bytes, .capacity = sizeof bytes};
    while (accepted.size != 0) {
        char room[128];
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
static int ext_info_make(const struct msg_offer *offer, struct sp_span *payload)
{
    uint8_t bytes[2048];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    sp_put_u8(&out, SSH_MSG_EXT_INFO);
    sp_put_u32(&out, 3);
    sp_put_text(&out, "server-sig-algs");
    sig_algs_put(offer->user_key_algorithms, &out);
    sp_put_text(&out, "publickey-hostbound@openssh.com");
    sp_put_text(&out, "0");
    sp_put_text(&out, "ping@openssh.com");
    sp_put_text(&out, "0");
    return payload_keep(&out, payload);
}

static int offer_decode(struct worker_setup *setup, struct sp_span offer, struct config_error *error)
{
    setup->offer_bytes = malloc(offer.size + 1);
    if (!setup->offer_bytes)
        return -ENOMEM;
    memcpy(setup->offer_bytes, offer.data, offer.size);
    if (message_decode(message_find(MSG_offer), sp_span_of(setup->offer_bytes, offer.size), &setup->offer))
        return refuse(error, "malformed offer", (struct sp_span){0});
    return offer_check(&setup->offer, error);
}

static int config_read(struct sp_span snapshot, struct config **config, struct config_error *error)
{
    struct config_source *source = NULL;
    int r = config_source_unpack(snapshot, &source, error);
    if (r == 0)
        r = config_evaluate(source, &(struct config_who){0}, config, error);
    config_source_free(source);
    return r > 0 ? SETUP_E_REFUSED : r;
}

/* sshd_config's words (LogLevel) for the priorities of syslog(3). */
static enum log_level log_level_of(const char *word)
{
    static const struct {
        const char *word;
        enum log_level level;
    } words[] = {
        {"QUIET", LOG_LEVEL_ERROR}, {"FATAL", LOG_LEVEL_ERROR},  {"ERROR", LOG_LEVEL_ERROR},
        {"INFO", LOG_LEVEL_INFO},   {"VERBOSE", LOG_LEVEL_INFO}, {"DEBUG", LOG_LEVEL_DEBUG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(word, words[i].word) == 0)
            return words[i].level;
    return LOG_LEVEL_INFO;
}

int worker_setup_new(uint64_t generation, struct sp_span snapshot, struct sp_span offer,
                     struct worker_setup **setup, struct config_error *error)
{
    struct worker_setup *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->generation = generation;
    int r = config_read(snapshot, &made->config, error);
    if (r == 0)
        r = offer_decode(made, offer, error);
    if (r == 0)
        r = kexinit_make(&made->offer, true, &made->kexinit_first);
    if (r == 0)
        r = kexinit_make(&made->offer, false, &made->kexinit_later);
    if (r == 0)
        r = ext_info_make(&made->offer, &made->ext_info);
    if (r) {
        worker_setup_free(made);
        return r;
    }
    made->log_level = log_level_of(made->config->log_level);
    *setup = made;
    return 0;
}

static void span_free(struct sp_span span)
{
    free((void *)(uintptr_t)span.data);
}

void worker_setup_free(struct worker_setup *setup)
{
    if (!setup)
        return;
    config_free(setup->config);
    free(setup->offer_bytes);
    span_free(setup->kexinit_first);
    span_free(setup->kexinit_later);
    span_free(setup->ext_info);
    free(setup);
}
