/* Proofs for clients: each key once per connection, a rate over all, what is signed, and with which algorithm. */
#include "support.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "signer/host_keys.h"
#include "signer/prove_budget.h"

static int open_budget(void **state)
{
    struct prove_budget *budget = NULL;
    int r = prove_budget_new(&budget);
    *state = budget;
    return r;
}

static int close_budget(void **state)
{
    prove_budget_free(*state);
    return 0;
}

static void each_key_once_per_connection(void **state)
{
    assert_int_equal(prove_budget_take(*state, 1, 1), 0);
    assert_int_equal(prove_budget_take(*state, 1, 1), PROVE_E_AGAIN);
    assert_int_equal(prove_budget_take(*state, 1, 2), 0);
    assert_int_equal(prove_budget_take(*state, 2, 3), 0);
    assert_int_equal(prove_budget_take(*state, 2, UINT64_C(1) << 63), 0);
    assert_int_equal(prove_budget_take(*state, 2, UINT64_C(1) << 63), PROVE_E_AGAIN);
}

static void a_list_with_one_used_key_takes_none(void **state)
{
    assert_int_equal(prove_budget_take(*state, 1, 1), 0);
    assert_int_equal(prove_budget_take(*state, 1, 1 | 4), PROVE_E_AGAIN);
    assert_int_equal(prove_budget_take(*state, 1, 4), 0);
}

/* 1 and 1025 share a bucket. */
static void a_connection_is_forgotten_alone(void **state)
{
    assert_int_equal(prove_budget_take(*state, 1, 1), 0);
    assert_int_equal(prove_budget_take(*state, 1025, 1), 0);
    prove_budget_forget(*state, 1);
    prove_budget_forget(*state, 7);
    assert_int_equal(prove_budget_count(*state), 1);
    assert_int_equal(prove_budget_take(*state, 1025, 1), PROVE_E_AGAIN);
    assert_int_equal(prove_budget_take(*state, 1, 1), 0);
    prove_budget_clear(*state);
    assert_int_equal(prove_budget_count(*state), 0);
    assert_int_equal(prove_budget_take(*state, 1025, 1), 0);
}

static void remembers_a_bounded_number(void **state)
{
    for (uint64_t i = 0; i < PROVE_CONNECTIONS_MAX; i++)
        assert_int_equal(prove_budget_take(*state, i, 1), 0);
    assert_int_equal(prove_budget_take(*state, PROVE_CONNECTIONS_MAX, 1), PROVE_E_FULL);
    assert_int_equal(prove_budget_take(*state, 0, 2), 0); /* known ones have their place */
    prove_budget_forget(*state, 5);
    assert_int_equal(prove_budget_take(*state, PROVE_CONNECTIONS_MAX, 1), 0);
}

static size_t spend_all(struct prove_budget *budget, uint64_t now_ms)
{
    size_t count = 0;
    while (count < 10 * PROVE_BURST && prove_budget_spend(budget, now_ms))
        count++;
    return count;
}

static void a_burst_and_then_a_rate(void **state)
{
    uint64_t now = 5000;
    assert_int_equal(spend_all(*state, now), PROVE_BURST);
    assert_false(prove_budget_spend(*state, now));
    assert_in_range(spend_all(*state, now + 1000), PROVE_PER_S - 1, PROVE_PER_S);
    assert_in_range(spend_all(*state, now + 3000), 2 * PROVE_PER_S - 1, 2 * PROVE_PER_S);
    assert_int_equal(spend_all(*state, now + 3600 * 1000), PROVE_BURST);
}

static void what_is_signed_is_name_session_and_key(void **state)
{
    static const uint8_t id[32] = {9};
    uint8_t bytes[PROVE_MESSAGE_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    prove_message(sp_span_of(id, sizeof id), sp_text("blob"), &out);
    assert_int_equal(sp_put_end(&out), 0);
    struct sp_in in = sp_in_of(sp_written(&out));
    assert_true(sp_span_is(sp_get_string(&in, 100), "hostkeys-prove-00@openssh.com"));
    assert_true(sp_span_equal(sp_get_string(&in, 100), sp_span_of(id, sizeof id)));
    assert_true(sp_span_is(sp_get_string(&in, 100), "blob"));
    assert_int_equal(sp_get_end(&in), 0);
}

/* No exchange hash is that long, and a proof at load begins otherwise. */
static void what_is_signed_passes_for_nothing_else(void **state)
{
    static const uint8_t id[1] = {0};
    uint8_t bytes[PROVE_MESSAGE_MAX], other[PROOF_SIZE_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct sp_out proof = {.data = other, .capacity = sizeof other};
    prove_message(sp_span_of(id, 0), sp_span_of(id, 0), &out);
    assert_int_equal(proof_message(&proof), 0);
    assert_true(out.size == 4 + sizeof PROVE_NAME - 1 + 8);
    assert_memory_not_equal(bytes, other, 6);
    prove_message(sp_span_of(id, 0), sp_span_of(bytes, sizeof bytes), &out);
    assert_int_not_equal(sp_put_end(&out), 0); /* too long: nothing */
}

static struct sp_span negotiated(struct sp_out *out, const char *host_key)
{
    sp_put_text(out, "SSH-2.0-x");
    sp_put_text(out, "curve25519-sha256");
    sp_put_text(out, host_key);
    sp_put_text(out, "aes256-gcm@openssh.com");
    return sp_written(out);
}

static const char *chosen(const struct proven_key *key, const char *host_key)
{
    uint8_t bytes[256];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    const struct sp_keytype_ops *keytype = host_key_algorithm(key, negotiated(&out, host_key));
    return keytype ? keytype->head.name : "none";
}

static void an_rsa_key_takes_the_digest_of_the_exchange(void **state)
{
    const struct sp_keytype_ops *sha256 = keytype_find(sp_text("rsa-sha2-256"));
    const struct sp_keytype_ops *sha512 = keytype_find(sp_text("rsa-sha2-512"));
    const struct sp_keytype_ops *ed25519 = keytype_find(sp_text("ssh-ed25519"));
    const struct proven_key rsa = {.algorithms = {sha256, sha512}, .algorithm_count = 2};
    const struct proven_key old = {.algorithms = {sha256}, .algorithm_count = 1};
    const struct proven_key other = {.algorithms = {ed25519}, .algorithm_count = 1};
    const struct proven_key none = {0};
    assert_non_null(sha256);
    assert_string_equal(chosen(&rsa, "rsa-sha2-256"), "rsa-sha2-256");
    assert_string_equal(chosen(&rsa, "rsa-sha2-512"), "rsa-sha2-512");
    assert_string_equal(chosen(&rsa, "rsa-sha2-256-cert-v01@openssh.com"), "rsa-sha2-256");
    assert_string_equal(chosen(&rsa, "ssh-ed25519"), "rsa-sha2-512");
    assert_string_equal(chosen(&rsa, "no-such-algorithm"), "rsa-sha2-512");
    assert_string_equal(chosen(&old, "ssh-ed25519"), "rsa-sha2-256");
    assert_string_equal(chosen(&old, "rsa-sha2-512"), "rsa-sha2-256");
    assert_string_equal(chosen(&other, "rsa-sha2-512"), "ssh-ed25519");
    assert_string_equal(chosen(&none, "rsa-sha2-512"), "none");
    assert_ptr_equal(host_key_algorithm(&rsa, sp_text("")), sha512);
}

static void fingerprints_are_those_of_ssh_keygen(void **state)
{
    char text[HOST_KEY_FINGERPRINT_MAX];
    host_key_fingerprint(sp_text("abc"), text);
    assert_string_equal(text, "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
}

#define BUDGET_TEST(name_) cmocka_unit_test_setup_teardown(name_, open_budget, close_budget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUDGET_TEST(each_key_once_per_connection),
        BUDGET_TEST(a_list_with_one_used_key_takes_none),
        BUDGET_TEST(a_connection_is_forgotten_alone),
        BUDGET_TEST(remembers_a_bounded_number),
        BUDGET_TEST(a_burst_and_then_a_rate),
        cmocka_unit_test(what_is_signed_is_name_session_and_key),
        cmocka_unit_test(what_is_signed_passes_for_nothing_else),
        cmocka_unit_test(an_rsa_key_takes_the_digest_of_the_exchange),
        cmocka_unit_test(fingerprints_are_those_of_ssh_keygen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
