/* When keys are renewed, and how often a client may ask. RFC 4253 section 9, RFC 4344 section 3. */
#include "rig.h"

#include <sallyport/registry.h>

#include "base/loop.h"
#include "worker/frame.h"
#include "worker/newkeys.h"
#include "worker/rekey.h"

#define NOW 1000000u

/* Logged in, with keys that nothing is encrypted under yet. */
static struct connection *logged_in(struct rig *rig, const char *cipher)
{
    static const uint8_t octets[64];
    struct connection *c = rig->c;
    struct packet_direction *directions[] = {&c->transport.in, &c->transport.out};
    for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
        const struct sp_cipher_ops *ops = cipher_find(sp_text(cipher));
        assert_int_equal(ops->open(i == 1, sp_span_of(octets, ops->key_size),
                                   sp_span_of(octets, ops->iv_size), &directions[i]->keys.cipher_state),
                         0);
        directions[i]->keys.cipher = ops;
    }
    c->phase = PHASE_LOGIN;
    c->transport.keyed_ms = NOW;
    return c;
}

static void keys_close(struct connection *c)
{
    newkeys_close(&c->transport.in.keys);
    newkeys_close(&c->transport.out.keys);
}

static bool begins(struct connection *c, uint64_t now_ms)
{
    assert_int_equal(rekey_tick(c, now_ms), 0);
    bool begun = c->transport.kex.step == KEX_OFFERED;
    c->transport.kex.step = KEX_NONE;
    return begun;
}

static void nothing_is_due_at_first(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    assert_false(begins(c, NOW));
    assert_int_equal(rekey_wait_ms(c, NOW), -1);
    keys_close(c);
}

static void octets_of_either_direction_make_it_due(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    c->auth.limits.rekey_octets = 1000;
    c->transport.in.octets = 999;
    assert_false(begins(c, NOW));
    c->transport.in.octets = 1000;
    assert_true(begins(c, NOW));
    c->transport.in.octets = 0;
    c->transport.out.octets = 1000;
    assert_true(begins(c, NOW));
    keys_close(c);
}

static void the_ciphers_own_bound_holds_without_configuration(void **state)
{
    struct connection *c = logged_in(*state, "chacha20-poly1305@openssh.com");
    c->transport.in.octets = UINT64_C(1) << 30;
    assert_true(begins(c, NOW));
    keys_close(c);
}

/* Nobody is left who could sign it, and keys are used no longer than they may be. */
static void without_a_monitor_it_is_the_end(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    c->auth.limits.rekey_octets = 1000;
    link_close(&c->monitor);
    assert_int_equal(rekey_tick(c, NOW), 0);
    c->transport.in.octets = 1000;
    assert_int_equal(rekey_tick(c, NOW), WORKER_E_END);
    assert_int_equal(c->transport.kex.step, KEX_NONE);
    assert_int_equal(c->end_reason, SSH_DISCONNECT_BY_APPLICATION);
    keys_close(c);
}

static void packets_make_it_due(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    c->transport.out.packets = FRAME_PACKETS_MAX / 2;
    assert_true(begins(c, NOW));
    keys_close(c);
}

static void time_makes_it_due(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    c->auth.limits.rekey_s = 60;
    assert_false(begins(c, NOW + 59999));
    assert_int_equal(rekey_wait_ms(c, NOW + 59000), 1000);
    assert_true(begins(c, NOW + 60000));
    keys_close(c);
}

static void never_before_login(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    c->transport.in.octets = UINT64_C(1) << 40;
    c->phase = PHASE_AUTH;
    assert_false(begins(c, NOW));
    assert_int_equal(rekey_wait_ms(c, NOW), -1);
    keys_close(c);
}

static void an_exchange_that_never_ends_is_not_waited_for(void **state)
{
    struct connection *c = logged_in(*state, "aes128-gcm@openssh.com");
    c->transport.kex.step = KEX_OFFERED;
    c->transport.kex.begun_ms = NOW;
    assert_int_equal(rekey_tick(c, NOW + 299999), 0);
    assert_int_equal(rekey_tick(c, NOW + 300000), WORKER_E_END);
    keys_close(c);
}

static void a_client_that_only_exchanges_keys_is_ended(void **state)
{
    struct connection *c = ((struct rig *)*state)->c;
    size_t count = 0;
    c->transport.started_ms = clock_ms();
    c->transport.in.total = 10 * 32768;
    while (rekey_count_peer(c) == 0 && count < 1000)
        count++;
    assert_in_range(count, 266, 270); /* 256, one for each 32 KiB, and perhaps a second */
    assert_int_equal(c->end_reason, SSH_DISCONNECT_KEY_EXCHANGE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_due_at_first, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(octets_of_either_direction_make_it_due, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(the_ciphers_own_bound_holds_without_configuration, rig_make,
                                        rig_drop),
        cmocka_unit_test_setup_teardown(without_a_monitor_it_is_the_end, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(packets_make_it_due, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(time_makes_it_due, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(never_before_login, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(an_exchange_that_never_ends_is_not_waited_for, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(a_client_that_only_exchanges_keys_is_ended, rig_make, rig_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
