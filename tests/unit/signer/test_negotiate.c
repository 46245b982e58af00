/* Negotiation: RFC 4253 section 7.1, and the forms of KEXINIT that are none. */
#include "support.h"

#include <sallyport/wire.h>

#include "ipc/negotiate.h"

static const uint8_t cookie[KEXINIT_COOKIE_SIZE] = {9, 9, 9};

static struct offer_lists offer_of(const char *kex, const char *host_key)
{
    struct offer_lists offer = {
        .lists = {[OFFER_CIPHER] = "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr",
                  [OFFER_MAC] = "hmac-sha2-256,hmac-sha2-512",
                  [OFFER_COMPRESSION] = "none"}};
    strcpy(offer.lists[OFFER_KEX], kex);
    strcpy(offer.lists[OFFER_HOST_KEY], host_key);
    return offer;
}

struct payload {
    uint8_t bytes[4096];
    struct sp_out out;
    struct kexinit parsed;
};

static void server_make(struct payload *p, const char *kex, const char *host_key, bool first)
{
    struct offer_lists offer = offer_of(kex, host_key);
    p->out = (struct sp_out){.data = p->bytes, .capacity = sizeof p->bytes};
    assert_int_equal(kexinit_build(&offer, cookie, first, &p->out), 0);
    assert_int_equal(kexinit_parse(sp_written(&p->out), &p->parsed), 0);
}

static int client_make(struct payload *p, const char *const lists[KEXINIT_LISTS], uint8_t follows,
                       uint32_t reserved)
{
    p->out = (struct sp_out){.data = p->bytes, .capacity = sizeof p->bytes};
    sp_put_u8(&p->out, 20);
    sp_put_raw(&p->out, sp_span_of(cookie, sizeof cookie));
    for (size_t i = 0; i < KEXINIT_LISTS; i++)
        sp_put_text(&p->out, lists[i]);
    sp_put_u8(&p->out, follows);
    sp_put_u32(&p->out, reserved);
    return kexinit_parse(sp_written(&p->out), &p->parsed);
}

static const char *const plain[KEXINIT_LISTS] = {
    "a,b", "k", "aes128-ctr", "aes128-ctr", "hmac-sha2-512", "hmac-sha2-512", "none", "none", "", ""};

#define WITH(list_, value_)                                                                                  \
    const char *lists[KEXINIT_LISTS];                                                                        \
    memcpy(lists, plain, sizeof lists);                                                                      \
    lists[list_] = (value_)

static void takes_the_clients_first_that_the_server_has(void **state)
{
    struct payload server, client;
    struct negotiated chosen;
    enum kexinit_list failed;
    server_make(&server, "diffie-hellman-group14-sha256,ecdh-sha2-nistp256", "k", true);
    WITH(KEXINIT_KEX, "curve25519-sha256,diffie-hellman-group14-sha256");
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), 0);
    assert_true(sp_span_is(chosen.names[KEXINIT_KEX], "diffie-hellman-group14-sha256"));
    assert_true(sp_span_is(chosen.names[KEXINIT_MAC_C2S], "hmac-sha2-512"));
    assert_false(chosen.strict);
    assert_false(chosen.ext_info);
}

static void an_aead_needs_no_mac(void **state)
{
    struct payload server, client;
    struct negotiated chosen;
    enum kexinit_list failed = 0;
    server_make(&server, "a", "k", true);
    const char *lists[KEXINIT_LISTS];
    memcpy(lists, plain, sizeof lists);
    lists[KEXINIT_CIPHER_C2S] = "chacha20-poly1305@openssh.com";
    lists[KEXINIT_MAC_C2S] = "hmac-md5";
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), 0);
    assert_int_equal(chosen.names[KEXINIT_MAC_C2S].size, 0);
    assert_true(sp_span_is(chosen.names[KEXINIT_MAC_S2C], "hmac-sha2-512"));
    lists[KEXINIT_MAC_S2C] = "hmac-md5";
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), NEGOTIATE_E_NO_MATCH);
    assert_int_equal(failed, KEXINIT_MAC_S2C);
}

static void knows_aeads_by_name(void **state)
{
    assert_true(cipher_name_is_aead(sp_text("aes256-gcm@openssh.com")));
    assert_true(cipher_name_is_aead(sp_text("chacha20-poly1305@openssh.com")));
    assert_false(cipher_name_is_aead(sp_text("aes256-ctr")));
    assert_false(cipher_name_is_aead(sp_span_of(NULL, 0)));
}

static void sees_markers_and_never_chooses_them(void **state)
{
    struct payload server, client;
    struct negotiated chosen;
    enum kexinit_list failed;
    server_make(&server, "a", "k", true);
    {
        WITH(KEXINIT_KEX, "ext-info-c,kex-strict-c-v00@openssh.com,a");
        assert_int_equal(client_make(&client, lists, 0, 0), 0);
        assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), 0);
        assert_true(sp_span_is(chosen.names[KEXINIT_KEX], "a"));
        assert_true(chosen.strict && chosen.ext_info);
    }
    WITH(KEXINIT_KEX, "kex-strict-s-v00@openssh.com,ext-info-s");
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), NEGOTIATE_E_NO_MATCH);
    assert_int_equal(failed, KEXINIT_KEX);
}

static void ignores_the_guessed_packet_only_if_the_guess_is_wrong(void **state)
{
    static const struct {
        const char *kex, *host_key;
        uint8_t follows;
        bool ignore;
    } rows[] = {
        {"a,b", "k,l", 1, false}, {"a", "k", 0, false},     {"b,a", "k", 1, true},
        {"a", "l,k", 1, true},    {"b,a", "l,k", 0, false}, {"a", "k", 255, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct payload server, client;
        struct negotiated chosen;
        enum kexinit_list failed;
        server_make(&server, "a,b", "k,l", false);
        const char *lists[KEXINIT_LISTS];
        memcpy(lists, plain, sizeof lists);
        lists[KEXINIT_KEX] = rows[i].kex;
        lists[KEXINIT_HOST_KEY] = rows[i].host_key;
        assert_int_equal(client_make(&client, lists, rows[i].follows, 0), 0);
        assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), 0);
        assert_int_equal(chosen.ignore_packet, rows[i].ignore);
    }
}

static void says_in_which_list_nothing_is_common(void **state)
{
    struct payload server, client;
    struct negotiated chosen = {.strict = true};
    server_make(&server, "a", "k", true);
    for (enum kexinit_list list = 0; list < KEXINIT_NEGOTIATED; list++) {
        enum kexinit_list failed = KEXINIT_LISTS;
        WITH(list, "nothing-we-know");
        assert_int_equal(client_make(&client, lists, 0, 0), 0);
        assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), NEGOTIATE_E_NO_MATCH);
        assert_int_equal(failed, list);
        assert_true(chosen.strict); /* untouched */
    }
}

static void an_empty_list_matches_nothing(void **state)
{
    struct payload server, client;
    struct negotiated chosen;
    enum kexinit_list failed;
    server_make(&server, "a", "k", true);
    WITH(KEXINIT_COMPRESSION_C2S, "");
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), NEGOTIATE_E_NO_MATCH);
    assert_int_equal(failed, KEXINIT_COMPRESSION_C2S);
}

static void languages_are_not_negotiated(void **state)
{
    struct payload server, client;
    struct negotiated chosen;
    enum kexinit_list failed;
    server_make(&server, "a", "k", true);
    WITH(KEXINIT_LANGUAGE_S2C, "de-DE");
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), 0);
}

static void refuses_malformed_names(void **state)
{
    static const char *const bad[] = {
        ",",    ",a",    "a,,b",     "a b",
        "a\tb", "a\x7f", "\xc3\xa4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (enum kexinit_list list = 0; list < KEXINIT_NEGOTIATED; list++) {
            struct payload client;
            WITH(list, bad[i]);
            assert_int_equal(client_make(&client, lists, 0, 0), NEGOTIATE_E_MALFORMED);
        }
}

/* libssh 0.10 sends its ciphers so. */
static void lets_one_comma_at_the_end_pass(void **state)
{
    struct payload server, client;
    struct negotiated chosen;
    enum kexinit_list failed;
    server_make(&server, "a", "k", true);
    WITH(KEXINIT_CIPHER_C2S, "3des-cbc,aes128-ctr,");
    assert_int_equal(client_make(&client, lists, 0, 0), 0);
    assert_int_equal(negotiate(&client.parsed, &server.parsed, &chosen, &failed), 0);
    assert_true(sp_span_is(chosen.names[KEXINIT_CIPHER_C2S], "aes128-ctr"));
}

static void refuses_a_reserved_value(void **state)
{
    struct payload client;
    assert_int_equal(client_make(&client, plain, 0, 1), NEGOTIATE_E_MALFORMED);
    assert_int_equal(client_make(&client, plain, 0, 0), 0);
}

static void refuses_short_and_long_payloads(void **state)
{
    struct payload client;
    struct kexinit parsed;
    assert_int_equal(client_make(&client, plain, 0, 0), 0);
    for (size_t size = 0; size < client.out.size; size++)
        assert_int_equal(kexinit_parse(sp_span_of(client.bytes, size), &parsed), NEGOTIATE_E_MALFORMED);
    client.bytes[client.out.size] = 0;
    assert_int_equal(kexinit_parse(sp_span_of(client.bytes, client.out.size + 1), &parsed),
                     NEGOTIATE_E_MALFORMED);
}

static void refuses_another_message(void **state)
{
    struct payload client;
    struct kexinit parsed;
    assert_int_equal(client_make(&client, plain, 0, 0), 0);
    client.bytes[0] = 21;
    assert_int_equal(kexinit_parse(sp_written(&client.out), &parsed), NEGOTIATE_E_MALFORMED);
}

static void refuses_a_list_longer_than_the_payload(void **state)
{
    struct payload client;
    struct kexinit parsed;
    assert_int_equal(client_make(&client, plain, 0, 0), 0);
    memset(client.bytes + 17, 0xff, 4);
    assert_int_equal(kexinit_parse(sp_written(&client.out), &parsed), NEGOTIATE_E_MALFORMED);
}

static void puts_markers_into_the_first_kexinit_only(void **state)
{
    struct payload server;
    server_make(&server, "a", "k", true);
    assert_true(sp_span_is(server.parsed.lists[KEXINIT_KEX], "a,ext-info-s,kex-strict-s-v00@openssh.com"));
    assert_memory_equal(server.parsed.cookie.data, cookie, sizeof cookie);
    assert_int_equal(server.parsed.lists[KEXINIT_LANGUAGE_C2S].size, 0);
    assert_false(server.parsed.first_kex_packet_follows);
    server_make(&server, "a", "k", false);
    assert_true(sp_span_is(server.parsed.lists[KEXINIT_KEX], "a"));
}

static void says_when_there_is_no_room(void **state)
{
    struct offer_lists offer = offer_of("a", "k");
    uint8_t small[40];
    struct sp_out out = {.data = small, .capacity = sizeof small};
    assert_int_equal(kexinit_build(&offer, cookie, true, &out), SP_E_NO_ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_clients_first_that_the_server_has),
        cmocka_unit_test(an_aead_needs_no_mac),
        cmocka_unit_test(knows_aeads_by_name),
        cmocka_unit_test(sees_markers_and_never_chooses_them),
        cmocka_unit_test(ignores_the_guessed_packet_only_if_the_guess_is_wrong),
        cmocka_unit_test(says_in_which_list_nothing_is_common),
        cmocka_unit_test(an_empty_list_matches_nothing),
        cmocka_unit_test(languages_are_not_negotiated),
        cmocka_unit_test(refuses_malformed_names),
        cmocka_unit_test(lets_one_comma_at_the_end_pass),
        cmocka_unit_test(refuses_a_reserved_value),
        cmocka_unit_test(refuses_short_and_long_payloads),
        cmocka_unit_test(refuses_another_message),
        cmocka_unit_test(refuses_a_list_longer_than_the_payload),
        cmocka_unit_test(puts_markers_into_the_first_kexinit_only),
        cmocka_unit_test(says_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
