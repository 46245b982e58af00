/*
 * Transcripts: H against hashes made by make_vectors.py, which shares no code with the service, and every refusal: each test
 * takes an honest transcript, changes one thing, and wants that thing refused.
 */
#include "support.h"

#include <sallyport/wire.h>

#include "base/ident.h"
#include "ipc/codec.h"
#include "signer/transcript.h"

#include "vectors.h"

struct fixture {
    struct sp_span offer_bytes, transcript_bytes;
    struct msg_offer offer;
    struct msg_variant variant;
    struct policy_rules rules;
    const char *address;
    int64_t now;
    const bool *key_is_forbidden;
    struct msg_transcript said;
    bool first;
    struct sp_span session_id, negotiated, host_key;
    struct transcript_result result;
    struct transcript_refusal refusal;
};

static const uint8_t some_id[64] = {1, 2, 3};

static void fixture_open(struct fixture *f, size_t vector)
{
    *f = (struct fixture){.offer_bytes = from_hex(offer_hex),
                          .transcript_bytes = from_hex(vectors[vector].transcript),
                          .first = vectors[vector].first};
    f->session_id = sp_span_of(some_id, f->first ? 0 : 32);
    assert_int_equal(message_decode(message_find(MSG_offer), f->offer_bytes, &f->offer), 0);
    assert_int_equal(offer_check(&f->offer), 0);
    assert_true(offer_variant_find(&f->offer, sp_text(""), &f->variant));
    f->address = "192.0.2.1";
    f->now = 1000000;
    assert_int_equal(message_decode(message_find(MSG_transcript), f->transcript_bytes, &f->said), 0);
}

static void fixture_close(struct fixture *f)
{
    free_span(f->offer_bytes);
    free_span(f->transcript_bytes);
}

static struct transcript_context context_of(const struct fixture *f)
{
    return (struct transcript_context){.variant = &f->variant,
                                       .keys = f->offer.keys,
                                       .key_is_forbidden = f->key_is_forbidden,
                                       .rules = &f->rules,
                                       .address = f->address,
                                       .now = f->now,
                                       .first = f->first,
                                       .session_id = f->session_id,
                                       .negotiated = f->negotiated,
                                       .host_key = f->host_key};
}

/* Checks f->said as it is now. */
static int check(struct fixture *f)
{
    static uint8_t bytes[65536];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    const struct transcript_context context = context_of(f);
    assert_int_equal(message_encode(message_find(MSG_transcript), &f->said, &out), 0);
    memset(&f->refusal, 0, sizeof f->refusal);
    return transcript_check(&context, sp_written(&out), &f->result, &f->refusal);
}

static void wants_refusal(struct fixture *f, uint32_t reason, const char *why)
{
    assert_int_equal(check(f), TRANSCRIPT_E_REFUSED);
    if (!strstr(f->refusal.why, why))
        fail_msg("refused for another reason: %s", f->refusal.why);
    assert_int_equal(f->refusal.reason, reason);
    assert_true(f->refusal.text[0] != 0);
}

#define WORKER 2u /* disconnect reasons: the worker lied */
#define CLIENT 3u /* the client asks for what it cannot have */

static void gives_the_hash_of_rfc_4253(void **state)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct fixture f;
        fixture_open(&f, i);
        struct sp_span h = from_hex(vectors[i].h);
        int r = check(&f);
        if (r)
            print_error("%s: %s\n", vectors[i].kex, f.refusal.why);
        assert_int_equal(r, 0);
        assert_int_equal(f.result.h_size, h.size);
        assert_memory_equal(f.result.h, h.data, h.size);
        assert_string_equal(f.result.keytype->head.name, vectors[i].host_key);
        assert_true(sp_span_is(f.result.chosen.names[KEXINIT_KEX], vectors[i].kex));
        assert_true(f.result.chosen.strict);
        free_span(h);
        fixture_close(&f);
    }
}

static void leading_zeros_of_k_do_not_change_h(void **state)
{
    struct fixture f;
    fixture_open(&f, 1); /* its secret begins with two */
    assert_int_equal(check(&f), 0);
    uint8_t h[64];
    memcpy(h, f.result.h, sizeof h);
    assert_int_equal(f.said.secret.data[1], 0);
    f.said.secret = sp_span_of(f.said.secret.data + 2, f.said.secret.size - 2);
    assert_int_equal(check(&f), 0);
    assert_memory_equal(h, f.result.h, 32);
    fixture_close(&f);
}

static void refuses_a_malformed_transcript(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    const struct transcript_context context = context_of(&f);
    for (size_t size = 0; size < f.transcript_bytes.size; size++) {
        struct sp_span cut = sp_span_of(f.transcript_bytes.data, size);
        assert_int_equal(transcript_check(&context, cut, &f.result, &f.refusal), TRANSCRIPT_E_REFUSED);
    }
    fixture_close(&f);
}

static void refuses_another_server_identification(void **state)
{
    static const char *const others[] = {"", "SSH-2.0-sallyport", SALLYPORT_IDENT "x", "SSH-2.0-OpenSSH_9.9"};
    struct fixture f;
    fixture_open(&f, 0);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        f.said.v_s = sp_text(others[i]);
        wants_refusal(&f, WORKER, "V_S");
    }
    fixture_close(&f);
}

static void refuses_a_strange_client_identification(void **state)
{
    static const char *const others[] = {"",          "SSH-2.0-",     "SSH-1.5-x",    "SSH-2.0x",
                                         "ssh-2.0-x", "SSH-2.0-a\nb", "SSH-2.0-\x80", "xSSH-2.0-y"};
    struct fixture f;
    fixture_open(&f, 0);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        f.said.v_c = sp_text(others[i]);
        wants_refusal(&f, CLIENT, "identification");
    }
    f.said.v_c = sp_text("SSH-1.99-x");
    assert_int_equal(check(&f), 0);
    fixture_close(&f);
}

/* Whatever octet of I_S but its cookie is another one, it is not what this server offers. */
static void refuses_any_change_of_our_kexinit(void **state)
{
    struct fixture f;
    uint8_t changed[2048];
    fixture_open(&f, 0);
    size_t size = f.said.i_s.size;
    memcpy(changed, f.said.i_s.data, size);
    f.said.i_s = sp_span_of(changed, size);
    for (size_t i = 0; i < size; i++) {
        bool cookie = i >= 1 && i <= KEXINIT_COOKIE_SIZE;
        changed[i] ^= 1;
        if (cookie)
            assert_int_equal(check(&f), 0);
        else
            wants_refusal(&f, WORKER, "I_S");
        changed[i] ^= 1;
    }
    f.said.i_s.size--;
    wants_refusal(&f, WORKER, "I_S");
    f.said.i_s.size += 2;
    changed[size] = 0;
    wants_refusal(&f, WORKER, "I_S");
    fixture_close(&f);
}

static void wants_markers_in_the_first_exchange_only(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    f.first = false;
    f.session_id = sp_span_of(some_id, 32);
    wants_refusal(&f, WORKER, "later exchange");
    fixture_close(&f);
    fixture_open(&f, 1);
    f.first = true;
    f.session_id = sp_span_of(NULL, 0);
    wants_refusal(&f, WORKER, "first exchange");
    fixture_close(&f);
}

static void refuses_a_session_id_that_does_not_fit(void **state)
{
    static const size_t sizes[] = {1, 20, 31, 33, 63};
    struct fixture f;
    fixture_open(&f, 0);
    f.session_id = sp_span_of(some_id, 32);
    wants_refusal(&f, WORKER, "session id");
    fixture_close(&f);
    fixture_open(&f, 1);
    f.session_id = sp_span_of(NULL, 0);
    wants_refusal(&f, WORKER, "session id");
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        f.session_id = sp_span_of(some_id, sizes[i]);
        wants_refusal(&f, WORKER, "session id");
    }
    f.session_id = sp_span_of(some_id, 64);
    assert_int_equal(check(&f), 0);
    fixture_close(&f);
}

static void refuses_a_malformed_client_kexinit(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    struct sp_span whole = f.said.i_c;
    for (f.said.i_c.size = 0; f.said.i_c.size < whole.size; f.said.i_c.size++)
        wants_refusal(&f, CLIENT, "client's KEXINIT");
    fixture_close(&f);
}

/* A KEXINIT of a client with these lists. */
static struct sp_span client_kexinit(const char *const lists[8])
{
    static uint8_t bytes[2048];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    sp_put_u8(&out, 20);
    sp_put_raw(&out, sp_span_of(some_id, 16));
    for (size_t i = 0; i < 8; i++)
        sp_put_text(&out, lists[i]);
    sp_put_text(&out, "");
    sp_put_text(&out, "");
    sp_put_bool(&out, false);
    sp_put_u32(&out, 0);
    assert_int_equal(sp_put_end(&out), 0);
    return sp_written(&out);
}

static const char *const honest[8] = {"curve25519-sha256", "ssh-ed25519",   "aes256-ctr", "aes256-ctr",
                                      "hmac-sha2-512",     "hmac-sha2-512", "none",       "none"};

static void refuses_what_is_not_offered_in_any_list(void **state)
{
    static const char *const unknown[8] = {"diffie-hellman-group1-sha1",
                                           "ssh-dss",
                                           "3des-cbc",
                                           "3des-cbc",
                                           "hmac-md5",
                                           "hmac-md5",
                                           "zlib",
                                           "zlib"};
    struct fixture f;
    fixture_open(&f, 0);
    for (size_t i = 0; i < 8; i++) {
        const char *lists[8];
        memcpy(lists, honest, sizeof lists);
        f.said.i_c = client_kexinit(lists);
        assert_int_equal(check(&f), 0);
        lists[i] = unknown[i];
        f.said.i_c = client_kexinit(lists);
        wants_refusal(&f, CLIENT, "no common");
        assert_non_null(strstr(f.refusal.text, kexinit_list_name((enum kexinit_list)i)));
    }
    fixture_close(&f);
}

/* Known to this build, but not in the offer: the policy of the connection lacks it. */
static void refuses_what_the_policy_lacks(void **state)
{
    const char *lists[8];
    struct fixture f;
    fixture_open(&f, 0);
    memcpy(lists, honest, sizeof lists);
    lists[0] = "diffie-hellman-group16-sha512";
    f.said.i_c = client_kexinit(lists);
    wants_refusal(&f, CLIENT, "key exchange method");
    memcpy(lists, honest, sizeof lists);
    lists[1] = "ecdsa-sha2-nistp256";
    f.said.i_c = client_kexinit(lists);
    wants_refusal(&f, CLIENT, "host key algorithm");
    fixture_close(&f);
}

static void never_negotiates_a_marker(void **state)
{
    static const char *const markers[] = {"ext-info-s", "kex-strict-s-v00@openssh.com",
                                          "ext-info-c,kex-strict-s-v00@openssh.com"};
    struct fixture f;
    fixture_open(&f, 0);
    for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
        const char *lists[8];
        memcpy(lists, honest, sizeof lists);
        lists[0] = markers[i];
        f.said.i_c = client_kexinit(lists);
        wants_refusal(&f, CLIENT, "key exchange method");
    }
    fixture_close(&f);
}

static void refuses_another_host_key_algorithm(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    f.said.host_key_algorithm = sp_text("rsa-sha2-512"); /* ours, and offered, but not negotiated */
    wants_refusal(&f, WORKER, "negotiated");
    f.said.host_key_algorithm = sp_text("");
    wants_refusal(&f, WORKER, "negotiated");
    fixture_close(&f);
}

static void refuses_an_algorithm_without_a_key(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    static const bool forbidden[] = {true, true, true, true};
    f.key_is_forbidden = forbidden;
    wants_refusal(&f, WORKER, "no host key");
    f.key_is_forbidden = NULL;
    f.offer.keys = sp_span_of(NULL, 0); /* then its algorithm was not offered either */
    wants_refusal(&f, WORKER, "I_S");
    fixture_close(&f);
}

static void refuses_publics_of_wrong_size(void **state)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct fixture f;
        fixture_open(&f, i);
        f.said.client_public.size = 0;
        wants_refusal(&f, CLIENT, "public value");
        fixture_close(&f);
        fixture_open(&f, i);
        f.said.server_public.size = 0;
        wants_refusal(&f, CLIENT, "public value");
        fixture_close(&f);
    }
}

static void refuses_weak_publics(void **state)
{
    static const uint8_t one[] = {1}, zero[32] = {0};
    struct fixture f;
    fixture_open(&f, 3); /* group14: 1 < e < p-1 */
    f.said.client_public = sp_span_of(one, 1);
    wants_refusal(&f, CLIENT, "public value");
    fixture_close(&f);
    fixture_open(&f, 0); /* curve25519: a point of order 1 */
    f.said.server_public = sp_span_of(zero, 32);
    wants_refusal(&f, CLIENT, "public value");
    fixture_close(&f);
    fixture_open(&f, 2); /* P-384: not on the curve */
    uint8_t point[97];
    memcpy(point, f.said.client_public.data, sizeof point);
    point[96] ^= 1;
    f.said.client_public = sp_span_of(point, sizeof point);
    wants_refusal(&f, CLIENT, "public value");
    fixture_close(&f);
}

/* ---- the policy -------------------------------------------------------------------------------------------------- */

/* Our KEXINIT as it was offered to this client in that second. */
static struct sp_span own_kexinit(const struct fixture *f, int64_t when)
{
    static uint8_t bytes[8192];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct offer_lists lists;
    assert_int_equal(offer_lists_make(&f->variant, f->offer.keys, f->address, when, &lists), 0);
    assert_int_equal(kexinit_build(&lists, some_id, f->first, &out), 0);
    return sp_written(&out);
}

#define LAST_SECOND 2000000

/* aes192-ctr for 192.0.2.0/24 up to a time. */
static void exception_add(struct fixture *f)
{
    static uint8_t bytes[512];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    offer_put_exception(&(struct offer_exception){.kind = OFFER_CIPHER,
                                                  .name = sp_text("aes192-ctr"),
                                                  .not_after = LAST_SECOND,
                                                  .addresses = "192.0.2.0/24",
                                                  .origin = sp_text("site.policy line 3")},
                        &out);
    f->variant.exceptions = sp_written(&out);
}

static const char *const by_exception[8] = {"curve25519-sha256", "ssh-ed25519",   "aes192-ctr", "aes192-ctr",
                                            "hmac-sha2-512",     "hmac-sha2-512", "none",       "none"};

static void an_exception_counts_for_its_address_and_time(void **state)
{
    struct fixture f;
    struct offer_exception used;
    fixture_open(&f, 0);
    exception_add(&f);
    f.said.i_c = client_kexinit(by_exception);
    f.said.i_s = own_kexinit(&f, f.now);
    assert_int_equal(check(&f), 0);
    const struct transcript_context context = context_of(&f);
    assert_true(transcript_exception(&context, &f.result, KEXINIT_CIPHER_C2S, &used));
    assert_true(sp_span_is(used.name, "aes192-ctr"));
    assert_true(sp_span_is(used.origin, "site.policy line 3"));
    assert_false(transcript_exception(&context, &f.result, KEXINIT_KEX, &used));
    assert_false(transcript_exception(&context, &f.result, KEXINIT_MAC_C2S, &used));
    fixture_close(&f);
}

/* The worker offers it nevertheless. */
static void refuses_an_exception_for_another_address(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    exception_add(&f);
    f.said.i_c = client_kexinit(by_exception);
    f.said.i_s = own_kexinit(&f, f.now);
    f.address = "198.51.100.1";
    wants_refusal(&f, WORKER, "I_S");
    f.said.i_s = own_kexinit(&f, f.now); /* and honestly */
    wants_refusal(&f, CLIENT, "no common cipher");
    f.address = NULL; /* not known: nobody's */
    wants_refusal(&f, CLIENT, "no common cipher");
    fixture_close(&f);
}

static void an_exception_may_end_between_kexinit_and_signature(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    exception_add(&f);
    f.said.i_c = client_kexinit(by_exception);
    f.said.i_s = own_kexinit(&f, LAST_SECOND);
    f.now = LAST_SECOND;
    assert_int_equal(check(&f), 0);
    f.now = LAST_SECOND + TRANSCRIPT_GRACE_S;
    assert_int_equal(check(&f), 0);
    assert_int_equal(f.result.offered_at, LAST_SECOND);
    f.now = LAST_SECOND + TRANSCRIPT_GRACE_S + 1;
    wants_refusal(&f, WORKER, "I_S");
    f.said.i_s = own_kexinit(&f, f.now);
    wants_refusal(&f, CLIENT, "no common cipher");
    fixture_close(&f);
}

/* A second key for the offer: valid in a window of time, as certificates are. */
static void keys_in_time(struct fixture *f, uint8_t *room, size_t size, uint64_t after, uint64_t before)
{
    struct sp_out out = {.data = room, .capacity = size};
    offer_put_key(&(struct offer_key){.algorithms = sp_text("ssh-ed25519"),
                                      .blob = sp_text("in time"),
                                      .valid_after = after,
                                      .valid_before = before},
                  &out);
    f->offer.keys = sp_written(&out);
}

static void a_key_is_offered_while_it_is_valid(void **state)
{
    struct fixture f;
    uint8_t room[256];
    fixture_open(&f, 0);
    keys_in_time(&f, room, sizeof room, 1000, LAST_SECOND + 1);
    f.said.i_c = client_kexinit(honest);
    f.now = LAST_SECOND;
    f.said.i_s = own_kexinit(&f, f.now);
    assert_int_equal(check(&f), 0);
    assert_true(sp_span_is(f.result.host_key, "in time"));
    f.now = LAST_SECOND + TRANSCRIPT_GRACE_S;
    assert_int_equal(check(&f), 0);
    f.now = LAST_SECOND + TRANSCRIPT_GRACE_S + 1;
    wants_refusal(&f, WORKER, "I_S");
    f.said.i_s = own_kexinit(&f, f.now);
    wants_refusal(&f, CLIENT, "no common host key algorithm");
    f.now = 999;
    f.said.i_s = own_kexinit(&f, f.now);
    wants_refusal(&f, CLIENT, "no common host key algorithm");
    fixture_close(&f);
}

static void keys_put(struct fixture *f, uint8_t *room, size_t size, const char *const (*keys)[2],
                     size_t count)
{
    struct sp_out out = {.data = room, .capacity = size};
    for (size_t i = 0; i < count; i++)
        offer_put_key(&(struct offer_key){.algorithms = sp_text(keys[i][0]),
                                          .blob = sp_text(keys[i][1]),
                                          .valid_before = UINT64_MAX},
                      &out);
    f->offer.keys = sp_written(&out);
}

/* Of two keys with one algorithm a connection keeps the one that it began with, wherever that stands now; but not one that
 * may not sign. */
static void a_connection_keeps_its_host_key(void **state)
{
    static const char *const keys[][2] = {
        {"ssh-ed25519", "one"}, {"ssh-ed25519", "two"}, {"rsa-sha2-512", "other"}, {"", "staged"}};
    static const bool forbidden[] = {false, true, false, false};
    static const struct {
        const char *seen, *chosen;
    } rows[] = {{"", "one"},      {"one", "one"},    {"two", "two"},
                {"other", "one"}, {"staged", "one"}, {"gone", "one"}};
    struct fixture f;
    uint8_t room[512];
    fixture_open(&f, 0);
    keys_put(&f, room, sizeof room, keys, ARRAY_SIZE(keys));
    f.said.i_c = client_kexinit(honest);
    f.said.i_s = own_kexinit(&f, f.now);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        f.host_key = sp_text(rows[i].seen);
        assert_int_equal(check(&f), 0);
        assert_true(sp_span_is(f.result.host_key, rows[i].chosen));
    }
    f.host_key = sp_text("two");
    f.key_is_forbidden = forbidden;
    assert_int_equal(check(&f), 0);
    assert_true(sp_span_is(f.result.host_key, "one"));
    fixture_close(&f);
}

static void a_refusal_of_a_list_says_both_sides(void **state)
{
    struct fixture f;
    const char *lists[8];
    fixture_open(&f, 0);
    memcpy(lists, honest, sizeof lists);
    lists[KEXINIT_CIPHER_C2S] = "3des-cbc,aes128-cbc";
    f.said.i_c = client_kexinit(lists);
    /* what a worker that found nothing in common sends: no values */
    f.said.host_key_algorithm = f.said.client_public = f.said.server_public = f.said.secret = sp_text("");
    wants_refusal(&f, CLIENT, "no common");
    assert_true(f.refusal.by_list);
    assert_int_equal(f.refusal.list, KEXINIT_CIPHER_C2S);
    assert_true(sp_span_is(f.refusal.client_list, "3des-cbc,aes128-cbc"));
    assert_true(sp_span_equal(f.refusal.server_list, f.variant.ciphers));
    fixture_close(&f);
}

static void strict_kex_may_be_required_of_the_first_exchange(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    f.rules.strict_kex = true;
    assert_int_equal(check(&f), 0);
    f.said.i_c = client_kexinit(honest);
    wants_refusal(&f, CLIENT, "RequireStrictKex");
    assert_string_equal(f.refusal.rule, "RequireStrictKex");
    f.rules.strict_kex = false;
    assert_int_equal(check(&f), 0);
    fixture_close(&f);
    fixture_open(&f, 1); /* a later exchange has no markers */
    f.rules.strict_kex = true;
    f.said.i_c = client_kexinit(honest);
    f.said.host_key_algorithm = sp_text("ssh-ed25519");
    assert_int_equal(check(&f), 0);
    fixture_close(&f);
}

static void post_quantum_is_asked_of_what_was_chosen(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    f.rules.post_quantum = true; /* though the list has curve25519 */
    wants_refusal(&f, CLIENT, "RequirePostQuantum");
    fixture_close(&f);
}

static void certificates_are_asked_of_what_was_chosen(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    f.rules.host_certificates = true;
    wants_refusal(&f, CLIENT, "RequireHostCertificates");
    fixture_close(&f);
}

static struct sp_span negotiated_list(struct sp_out *out, const char *const names[8])
{
    out->size = 0;
    sp_put_text(out, "SSH-2.0-Client");
    for (size_t i = 0; i < 8; i++)
        sp_put_text(out, names[i]);
    return sp_written(out);
}

static void a_rekey_may_have_to_keep_cipher_and_mac(void **state)
{
    uint8_t bytes[1024];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct fixture f;
    fixture_open(&f, 1);
    f.said.i_c = client_kexinit(honest);
    f.said.host_key_algorithm = sp_text("ssh-ed25519");
    f.rules.constant_cipher = true;
    f.negotiated = negotiated_list(&out, honest);
    assert_int_equal(check(&f), 0);
    for (size_t i = 0; i < 8; i++) {
        const char *before[8];
        bool counts = i >= KEXINIT_CIPHER_C2S && i <= KEXINIT_MAC_S2C;
        memcpy(before, honest, sizeof before);
        before[i] = "another";
        f.negotiated = negotiated_list(&out, before);
        if (counts)
            wants_refusal(&f, CLIENT, "RequireConstantCipher");
        else
            assert_int_equal(check(&f), 0);
    }
    f.negotiated = sp_span_of(NULL, 0); /* nobody knows what it was */
    wants_refusal(&f, CLIENT, "RequireConstantCipher");
    f.rules.constant_cipher = false;
    assert_int_equal(check(&f), 0);
    fixture_close(&f);
}

#define GEX 5u /* the vector of a negotiated group: 2048, 3072, 8192 */

/* A rogue worker must not get H over another group than the one that this server answers: one of its own, ours with a
 * changed octet, or one of ours that does not answer this request. */
static void refuses_a_foreign_group(void **state)
{
    struct fixture f;
    uint8_t changed[1046];
    fixture_open(&f, GEX);
    size_t size = f.said.group.size;
    memcpy(changed, f.said.group.data, size);
    f.said.group = sp_span_of(changed, size);
    assert_int_equal(check(&f), 0);
    for (size_t i = 12; i < size; i++) {
        changed[i] ^= 1;
        wants_refusal(&f, WORKER, "group");
        changed[i] ^= 1;
    }
    for (size_t cut = 0; cut < size; cut++) {
        f.said.group.size = cut;
        wants_refusal(&f, WORKER, "group");
    }
    fixture_close(&f);
}

static void the_policy_says_how_large_a_group_is(void **state)
{
    struct fixture f;
    fixture_open(&f, GEX); /* 3072 bits, preferred */
    f.rules.dh_bits_min = 3072;
    assert_int_equal(check(&f), 0);
    f.rules.dh_bits_min = 4096;
    wants_refusal(&f, WORKER, "group");
    fixture_close(&f);
}

/* The sizes are hashed, so they are the client's; but they have to lead to the group. */
static void refuses_sizes_that_lead_to_another_group(void **state)
{
    static const uint32_t others[][3] = {
        {2048, 2048, 8192}, {2048, 4096, 8192},       {3073, 3073, 8192}, {2048, 3072, 3071},
        {4096, 3072, 8192}, {2048, 2048, 2048},       {0, 0, 0},          {8192, 8192, 8192},
        {0, 0, 2047},       {4096, 4096, UINT32_MAX},
    };
    struct fixture f;
    uint8_t changed[1046];
    fixture_open(&f, GEX);
    memcpy(changed, f.said.group.data, f.said.group.size);
    f.said.group = sp_span_of(changed, f.said.group.size);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        struct sp_out sizes = {.data = changed, .capacity = 12};
        for (size_t at = 0; at < 3; at++)
            sp_put_u32(&sizes, others[i][at]);
        wants_refusal(&f, WORKER, "group");
    }
    fixture_close(&f);
}

static void refuses_a_group_with_a_method_that_has_its_own(void **state)
{
    struct fixture gex;
    fixture_open(&gex, GEX);
    for (size_t i = 0; i < GEX; i++) {
        struct fixture f;
        fixture_open(&f, i);
        f.said.group = gex.said.group;
        wants_refusal(&f, WORKER, "group");
        fixture_close(&f);
    }
    fixture_close(&gex);
}

static void judges_publics_in_the_negotiated_group(void **state)
{
    uint8_t less[384];
    struct fixture f;
    fixture_open(&f, GEX);
    memcpy(less, f.said.group.data + 12 + 4 + 1, sizeof less);
    less[sizeof less - 1] ^= 1; /* p-1 */
    f.said.client_public = sp_span_of(less, sizeof less);
    wants_refusal(&f, CLIENT, "public value");
    fixture_close(&f);
}

static void refuses_no_secret_at_all(void **state)
{
    static const uint8_t zero[32] = {0};
    struct fixture f;
    fixture_open(&f, 0);
    f.said.secret.size = 0;
    wants_refusal(&f, WORKER, "secret");
    f.said.secret = sp_span_of(zero, sizeof zero);
    wants_refusal(&f, WORKER, "secret");
    fixture_close(&f);
}

/* But where the group is negotiated: the transcript itself has no room for more than the largest group's. */
static void refuses_a_secret_of_another_size(void **state)
{
    uint8_t longer[1024];
    memset(longer, 7, sizeof longer);
    for (size_t i = 0; i < GEX; i++) {
        struct fixture f;
        fixture_open(&f, i);
        f.said.secret = sp_span_of(longer, f.said.secret.size + 1);
        wants_refusal(&f, WORKER, "secret");
        fixture_close(&f);
    }
}

static void tells_the_client_nothing_about_lies(void **state)
{
    struct fixture f;
    fixture_open(&f, 0);
    f.said.v_s = sp_text("SSH-2.0-x");
    wants_refusal(&f, WORKER, "V_S");
    assert_string_equal(f.refusal.text, "protocol error");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_hash_of_rfc_4253),
        cmocka_unit_test(leading_zeros_of_k_do_not_change_h),
        cmocka_unit_test(refuses_a_malformed_transcript),
        cmocka_unit_test(refuses_another_server_identification),
        cmocka_unit_test(refuses_a_strange_client_identification),
        cmocka_unit_test(refuses_any_change_of_our_kexinit),
        cmocka_unit_test(wants_markers_in_the_first_exchange_only),
        cmocka_unit_test(refuses_a_session_id_that_does_not_fit),
        cmocka_unit_test(refuses_a_malformed_client_kexinit),
        cmocka_unit_test(refuses_what_is_not_offered_in_any_list),
        cmocka_unit_test(refuses_what_the_policy_lacks),
        cmocka_unit_test(never_negotiates_a_marker),
        cmocka_unit_test(refuses_another_host_key_algorithm),
        cmocka_unit_test(refuses_an_algorithm_without_a_key),
        cmocka_unit_test(an_exception_counts_for_its_address_and_time),
        cmocka_unit_test(refuses_an_exception_for_another_address),
        cmocka_unit_test(an_exception_may_end_between_kexinit_and_signature),
        cmocka_unit_test(a_key_is_offered_while_it_is_valid),
        cmocka_unit_test(a_connection_keeps_its_host_key),
        cmocka_unit_test(a_refusal_of_a_list_says_both_sides),
        cmocka_unit_test(strict_kex_may_be_required_of_the_first_exchange),
        cmocka_unit_test(post_quantum_is_asked_of_what_was_chosen),
        cmocka_unit_test(certificates_are_asked_of_what_was_chosen),
        cmocka_unit_test(a_rekey_may_have_to_keep_cipher_and_mac),
        cmocka_unit_test(the_policy_says_how_large_a_group_is),
        cmocka_unit_test(refuses_publics_of_wrong_size),
        cmocka_unit_test(refuses_weak_publics),
        cmocka_unit_test(refuses_a_foreign_group),
        cmocka_unit_test(refuses_sizes_that_lead_to_another_group),
        cmocka_unit_test(refuses_a_group_with_a_method_that_has_its_own),
        cmocka_unit_test(judges_publics_in_the_negotiated_group),
        cmocka_unit_test(refuses_no_secret_at_all),
        cmocka_unit_test(refuses_a_secret_of_another_size),
        cmocka_unit_test(tells_the_client_nothing_about_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
