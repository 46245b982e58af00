/* MACs that a program adds to the registry: found like the others, prepared like the others, never in place of one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sallyport/registry.h>

static int opened, closed;

static int fake_open(struct sp_span key, void **state)
{
    assert_int_equal(key.size, 16);
    opened++;
    *state = &opened;
    return 0;
}

static void fake_close(void *state)
{
    assert_ptr_equal(state, &opened);
    closed++;
}

static int fake_compute(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag)
{
    return -EIO;
}

static struct sp_mac_ops fake_mac(const char *name)
{
    return (struct sp_mac_ops){
        .head = {.magic = SP_MODULE_MAGIC, .abi = SP_MODULE_ABI, .kind = SP_KIND_MAC, .name = name},
        .key_size = 16,
        .tag_size = 8,
        .open = fake_open,
        .close = fake_close,
        .compute = fake_compute,
    };
}

static void refuses_sizes_and_missing_operations(void **state)
{
    struct sp_mac_ops mac = fake_mac("x@example.org");
    mac.key_size = 15;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    mac.key_size = SP_MAC_KEY_MAX + 1;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    mac = fake_mac("x@example.org");
    mac.tag_size = 7;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    mac.tag_size = SP_MAC_TAG_MAX + 1;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    mac = fake_mac("x@example.org");
    mac.open = NULL;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    mac = fake_mac("x@example.org");
    mac.close = NULL;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    mac = fake_mac("x@example.org");
    mac.compute = NULL;
    assert_int_equal(mac_add(&mac), SP_E_REFUSED);
    assert_null(mac_find(sp_text("x@example.org")));
}

static void does_not_take_the_place_of_another(void **state)
{
    const struct sp_mac_ops *built_in = mac_find(sp_text("hmac-sha2-256"));
    struct sp_mac_ops mac = fake_mac("hmac-sha2-256");
    assert_int_equal(mac_add(&mac), -EEXIST);
    assert_ptr_equal(mac_find(sp_text("hmac-sha2-256")), built_in);
}

static void is_found_and_prepared_and_the_room_is_limited(void **state)
{
    static struct sp_mac_ops macs[SP_LOADED_MACS_MAX + 1];
    static char names[SP_LOADED_MACS_MAX + 1][32];
    for (size_t i = 0; i <= SP_LOADED_MACS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "mac-%zu@example.org", i);
        macs[i] = fake_mac(names[i]);
        assert_int_equal(mac_add(&macs[i]), i < SP_LOADED_MACS_MAX ? 0 : -ENOSPC);
        assert_ptr_equal(mac_find(sp_text(names[i])), i < SP_LOADED_MACS_MAX ? &macs[i] : NULL);
        assert_int_equal(mac_add(&macs[0]), -EEXIST);
    }
    assert_int_equal(mac_prepare(), 0);
    assert_int_equal(opened, SP_LOADED_MACS_MAX);
    assert_int_equal(closed, SP_LOADED_MACS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_sizes_and_missing_operations),
        cmocka_unit_test(does_not_take_the_place_of_another),
        cmocka_unit_test(is_found_and_prepared_and_the_room_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
