/* The table of clients and the host keys that were proved to them: counts, and its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "monitor/known_keys.h"

static void prove(struct known_keys *known, const char *address, const char *key, int64_t now)
{
    assert_int_equal(known_keys_proved(known, address, sp_text(key), now), 0);
}

static void see(struct known_keys *known, const char *address, int64_t now)
{
    assert_int_equal(known_keys_seen(known, address, now), 0);
}

static void counts(const struct known_keys *known, const char *key, int64_t since, size_t seen, size_t proved)
{
    size_t found;
    assert_int_equal(known_keys_count(known, known_keys_find(known, sp_text(key)), since, &found), seen);
    assert_int_equal(found, proved);
}

static void counts_addresses_and_not_connections(void **state)
{
    struct known_keys known = {0};
    see(&known, "192.0.2.1", 10);
    see(&known, "192.0.2.2", 11);
    see(&known, "192.0.2.1", 12);
    counts(&known, "A", 0, 2, 0);
    prove(&known, "192.0.2.1", "A", 13);
    prove(&known, "192.0.2.1", "A", 14);
    prove(&known, "192.0.2.1", "B", 15);
    prove(&known, "2001:db8::1", "A", 16);
    counts(&known, "A", 0, 3, 2);
    counts(&known, "B", 0, 3, 1);
    counts(&known, "C", 0, 3, 0);
    const struct known_key *key = known_keys_find(&known, sp_text("A"));
    assert_int_equal(key->proofs, 3);
    assert_int_equal(key->first, 13);
    assert_int_equal(key->last, 16);
    known_keys_free(&known);
    assert_int_equal(known.clients, 0);
}

static void counts_who_was_seen_lately(void **state)
{
    struct known_keys known = {0};
    prove(&known, "192.0.2.1", "A", 100);
    prove(&known, "192.0.2.2", "A", 200);
    see(&known, "192.0.2.3", 200);
    counts(&known, "A", 101, 2, 1);
    see(&known, "192.0.2.1", 300); /* it knows the key already, and does not ask again */
    counts(&known, "A", 101, 3, 2);
    counts(&known, "A", 301, 0, 0);
    known_keys_free(&known);
}

static void forgets_who_was_seen_least_recently(void **state)
{
    struct known_keys known = {0};
    char address[ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < KNOWN_CLIENTS_MAX; i++) {
        snprintf(address, sizeof address, "10.0.%u.%u", i >> 8, i & 255);
        prove(&known, address, "A", i);
    }
    see(&known, "10.0.0.0", KNOWN_CLIENTS_MAX);
    counts(&known, "A", 0, KNOWN_CLIENTS_MAX, KNOWN_CLIENTS_MAX);
    see(&known, "192.0.2.1", KNOWN_CLIENTS_MAX + 1);
    assert_int_equal(known.clients, KNOWN_CLIENTS_MAX);
    assert_int_equal(known.forgotten, 1);
    counts(&known, "A", 0, KNOWN_CLIENTS_MAX, KNOWN_CLIENTS_MAX - 1);
    assert_string_equal(known.oldest->address, "10.0.0.2");
    known_keys_free(&known);
}

static void forgets_the_key_that_was_proved_least_recently(void **state)
{
    struct known_keys known = {0};
    char name[16];
    for (unsigned i = 0; i < KNOWN_KEYS_MAX; i++) {
        snprintf(name, sizeof name, "K%u", i);
        prove(&known, "192.0.2.1", name, i);
    }
    prove(&known, "192.0.2.2", "K0", 100);
    prove(&known, "192.0.2.2", "another", 101);
    assert_null(known_keys_find(&known, sp_text("K1")));
    counts(&known, "another", 0, 2, 1); /* nothing of K1's is left in its place */
    counts(&known, "K0", 0, 2, 2);
    known_keys_free(&known);
}

static void takes_no_fingerprint_that_does_not_fit(void **state)
{
    struct known_keys known = {0};
    char name[KNOWN_FINGERPRINT_MAX + 1];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    prove(&known, "192.0.2.1", name, 1);
    prove(&known, "192.0.2.1", "", 1);
    assert_string_equal(known.keys[0].fingerprint, "");
    name[KNOWN_FINGERPRINT_MAX - 1] = 0;
    prove(&known, "192.0.2.1", name, 1);
    counts(&known, name, 0, 1, 1);
    known_keys_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_addresses_and_not_connections),
        cmocka_unit_test(counts_who_was_seen_lately),
        cmocka_unit_test(forgets_who_was_seen_least_recently),
        cmocka_unit_test(forgets_the_key_that_was_proved_least_recently),
        cmocka_unit_test(takes_no_fingerprint_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
