/*
 * Algorithm negotiation, RFC 4253 section 7.1. Input: two KEXINIT payloads, the client's as hostile as any
 * byte of the network. Output: the chosen names, to the worker that will use them and to the signer that will
 * vouch for them.
 */
#include "ipc/negotiate.h"

#include <sallyport/wire.h>

#define SSH_MSG_KEXINIT 20u

#define MARKER_EXT_INFO_CLIENT "ext-info-c" /* RFC 8308 section 2.1 */
#define MARKER_EXT_INFO_SERVER "ext-info-s"
#define MARKER_STRICT_CLIENT "kex-strict-c-v00@openssh.com" /* OpenSSH PROTOCOL section 1.9 */
#define MARKER_STRICT_SERVER "kex-strict-s-v00@openssh.com"

static bool name_is_sane(struct sp_span name)
{
    if (name.size == 0 || name.size > KEXINIT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= 0x20 || name.data[i] >= 0x7f)
            return false;
    return true;
}

/*
 * RFC 4251 section 5 (name-list) and section 6: no empty names, no blanks, nothing but printable US-ASCII. One comma at
 * the end is let pass, because libssh 0.10 sends its ciphers so.
 */
static bool list_is_sane(struct sp_span list)
{
    while (list.size != 0)
        if (!name_is_sane(sp_next_name(&list)))
            return false;
    return true;
}

int kexinit_parse(struct sp_span payload, struct kexinit *kexinit)
{
    struct kexinit read = {0};
    struct sp_in in = sp_in_of(payload);
    uint8_t number = sp_get_u8(&in);
    read.cookie = sp_get_raw(&in, KEXINIT_COOKIE_SIZE);
    for (size_t i = 0; i < KEXINIT_LISTS; i++)
        read.lists[i] = sp_get_text(&in, KEXINIT_PAYLOAD_MAX);
    read.first_kex_packet_follows = sp_get_bool(&in);
    uint32_t reserved = sp_get_u32(&in);
    if (sp_get_end(&in) != 0 || number != SSH_MSG_KEXINIT || reserved != 0)
        return NEGOTIATE_E_MALFORMED;
    for (size_t i = 0; i < KEXINIT_LANGUAGE_C2S; i++)
        if (!list_is_sane(read.lists[i]))
            return NEGOTIATE_E_MALFORMED;
    *kexinit = read;
    return 0;
}

static void put_kex_list(struct sp_out *out, struct sp_span kex, bool first)
{
    static const char markers[] = "," MARKER_EXT_INFO_SERVER "," MARKER_STRICT_SERVER;
    struct sp_span tail = sp_span_of(markers, first ? sizeof markers - 1 : 0);
    sp_put_u32(out, (uint32_t)(kex.size + tail.size));
    sp_put_raw(out, kex);
    sp_put_raw(out, tail);
}

int kexinit_build(const struct offer_lists *offered, const uint8_t cookie[KEXINIT_COOKIE_SIZE], bool first,
                  struct sp_out *payload)
{
    const char *const both_ways[] = {offered->lists[OFFER_CIPHER], offered->lists[OFFER_MAC],
                                     offered->lists[OFFER_COMPRESSION], ""};
    sp_put_u8(payload, SSH_MSG_KEXINIT);
    sp_put_raw(payload, sp_span_of(cookie, KEXINIT_COOKIE_SIZE));
    put_kex_list(payload, sp_text(offered->lists[OFFER_KEX]), first);
    sp_put_text(payload, offered->lists[OFFER_HOST_KEY]);
    for (size_t i = 0; i < sizeof both_ways / sizeof both_ways[0]; i++) {
        sp_put_text(payload, both_ways[i]);
        sp_put_text(payload, both_ways[i]);
    }
    sp_put_bool(payload, false); /* first_kex_packet_follows: this server never guesses */
    sp_put_u32(payload, 0);
    return sp_put_end(payload);
}

/* Markers stand among the key exchange methods and are none: whoever lists them, they are never chosen. */
static bool name_is_marker(struct sp_span name)
{
    return sp_span_is(name, MARKER_EXT_INFO_CLIENT) || sp_span_is(name, MARKER_EXT_INFO_SERVER) ||
           sp_span_is(name, MARKER_STRICT_CLIENT) || sp_span_is(name, MARKER_STRICT_SERVER);
}

/* The first name on the client's list that the server also has. */
static struct sp_span choose(struct sp_span client, struct sp_span server)
{
    while (client.size != 0) {
        struct sp_span name = sp_next_name(&client);
        if (!name_is_marker(name) && sp_list_has(server, name))
            return name;
    }
    return (struct sp_span){0};
}

static struct sp_span first_name(struct sp_span list)
{
    return sp_next_name(&list);
}

/* RFC 4253 section 7: the guess is wrong if the first choices for either of these two differ. */
static bool guess_is_wrong(const struct kexinit *client, const struct kexinit *server)
{
    static const enum kexinit_list guessed[] = {KEXINIT_KEX, KEXINIT_HOST_KEY};
    for (size_t i = 0; i < sizeof guessed / sizeof guessed[0]; i++)
        if (!sp_span_equal(first_name(client->lists[guessed[i]]), first_name(server->lists[guessed[i]])))
            return true;
    return false;
}

static bool list_is_implied(enum kexinit_list list, const struct negotiated *so_far)
{
    if (list == KEXINIT_MAC_C2S)
        return cipher_name_is_aead(so_far->names[KEXINIT_CIPHER_C2S]);
    if (list == KEXINIT_MAC_S2C)
        return cipher_name_is_aead(so_far->names[KEXINIT_CIPHER_S2C]);
    return false;
}

int negotiate(const struct kexinit *client, const struct kexinit *server, struct negotiated *result,
              enum kexinit_list *failed)
{
    struct negotiated chosen = {0};
    for (enum kexinit_list list = 0; list < KEXINIT_NEGOTIATED; list++) {
        if (list_is_implied(list, &chosen))
            continue;
        chosen.names[list] = choose(client->lists[list], server->lists[list]);
        if (chosen.names[list].size == 0) {
            *failed = list;
            return NEGOTIATE_E_NO_MATCH;
        }
    }
    chosen.strict = sp_list_has(client->lists[KEXINIT_KEX], sp_text(MARKER_STRICT_CLIENT));
    chosen.ext_info = sp_list_has(client->lists[KEXINIT_KEX], sp_text(MARKER_EXT_INFO_CLIENT));
    chosen.ignore_packet = client->first_kex_packet_follows && guess_is_wrong(client, server);
    *result = chosen;
    return 0;
}

enum offer_kind kexinit_list_kind(enum kexinit_list list)
{
    static const enum offer_kind kinds[KEXINIT_NEGOTIATED] = {
        [KEXINIT_KEX] = OFFER_KEX,
        [KEXINIT_HOST_KEY] = OFFER_HOST_KEY,
        [KEXINIT_CIPHER_C2S] = OFFER_CIPHER,
        [KEXINIT_CIPHER_S2C] = OFFER_CIPHER,
        [KEXINIT_MAC_C2S] = OFFER_MAC,
        [KEXINIT_MAC_S2C] = OFFER_MAC,
        [KEXINIT_COMPRESSION_C2S] = OFFER_COMPRESSION,
        [KEXINIT_COMPRESSION_S2C] = OFFER_COMPRESSION,
    };
    return kinds[list];
}

struct sp_span kexinit_choices(const struct kexinit *server, enum kexinit_list list)
{
    static const char first_marker[] = "," MARKER_EXT_INFO_SERVER;
    struct sp_span names = server->lists[list];
    const uint8_t *end = list == KEXINIT_KEX && names.size != 0
                             ? memmem(names.data, names.size, first_marker, sizeof first_marker - 1)
                             : NULL;
    return sp_span_of(names.data, end ? (size_t)(end - names.data) : names.size);
}

const char *kexinit_list_name(enum kexinit_list list)
{
    static const char *const names[KEXINIT_LISTS] = {
        [KEXINIT_KEX] = "key exchange method",
        [KEXINIT_HOST_KEY] = "host key algorithm",
        [KEXINIT_CIPHER_C2S] = "cipher (client to server)",
        [KEXINIT_CIPHER_S2C] = "cipher (server to client)",
        [KEXINIT_MAC_C2S] = "MAC (client to server)",
        [KEXINIT_MAC_S2C] = "MAC (server to client)",
        [KEXINIT_COMPRESSION_C2S] = "compression (client to server)",
        [KEXINIT_COMPRESSION_S2C] = "compression (server to client)",
        [KEXINIT_LANGUAGE_C2S] = "language (client to server)",
        [KEXINIT_LANGUAGE_S2C] = "language (server to client)",
    };
    return (size_t)list < KEXINIT_LISTS ? names[list] : "unknown list";
}

bool cipher_name_is_aead(struct sp_span name)
{
    if (!name.data || name.size == 0)
        return false;
    return memmem(name.data, name.size, "-gcm", 4) || memmem(name.data, name.size, "-poly1305", 9);
}
