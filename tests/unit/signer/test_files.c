/* What the spawner opens: PINs, the memory of refused ones, modules. In a directory of the test's own. */
#include "support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/root_file.h"
#include "signer/pin_source.h"
#include "signer/refused.h"

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static char path[256];

static int enter(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int leave(void **state)
{
    static const char *const names[] = {"pin", "refused-pins", "refused-pins.new", "link"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

static const char *file(const char *name, const char *text, mode_t mode)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)unlink(path);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int pin_read(const char *text, mode_t mode, struct secret *pin, char why[512])
{
    char source[300];
    snprintf(source, sizeof source, "file:%s", file("pin", text, mode));
    return pin_source_read(source, NULL, pin, why, 512);
}

static void a_pin_is_the_file_without_its_newline(void **state)
{
    static const struct {
        const char *text, *pin;
    } rows[] = {{"1234\n", "1234"}, {"1234", "1234"}, {"12\n34\n\n", "12\n34\n"}, {" 1 ", " 1 "}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct secret pin = {0};
        char why[512];
        assert_int_equal(pin_read(rows[i].text, 0400, &pin, why), 0);
        assert_true(sp_span_is(secret_span(&pin), rows[i].pin));
        secret_wipe(&pin);
        assert_null(pin.page);
    }
}

static void refuses_empty_and_long_pins(void **state)
{
    char text[PIN_MAX + 3], why[512];
    struct secret pin = {0};
    assert_int_equal(pin_read("", 0400, &pin, why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_read("\n", 0400, &pin, why), PIN_SOURCE_E_REFUSED);
    memset(text, 'x', sizeof text);
    text[PIN_MAX] = 0;
    assert_int_equal(pin_read(text, 0400, &pin, why), 0);
    secret_wipe(&pin);
    text[PIN_MAX] = 'x';
    text[PIN_MAX + 1] = 0;
    assert_int_equal(pin_read(text, 0400, &pin, why), PIN_SOURCE_E_REFUSED);
    assert_null(pin.page);
}

static void refuses_a_pin_that_others_can_read(void **state)
{
    static const mode_t bad[] = {0404, 0402, 0460, 0444, 0666};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct secret pin = {0};
        char why[512];
        assert_int_equal(pin_read("1234", bad[i], &pin, why), PIN_SOURCE_E_REFUSED);
        assert_non_null(strstr(why, path));
        assert_null(strstr(why, "1234"));
    }
}

static void a_credential_is_the_managers_affair(void **state)
{
    struct secret pin = {0};
    char why[512];
    (void)file("pin", "1234", 0444);
    assert_int_equal(pin_source_read("credential:pin", directory, &pin, why, sizeof why), 0);
    secret_wipe(&pin);
    assert_int_equal(pin_source_read("credential:none", directory, &pin, why, sizeof why),
                     PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("credential:pin", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("credential:../x", directory, &pin, why, sizeof why),
                     PIN_SOURCE_E_REFUSED);
}

static void refuses_what_is_no_file(void **state)
{
    struct secret pin = {0};
    char why[512];
    assert_int_equal(pin_source_read("file:/dev/zero", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("file:/tmp", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("|/bin/echo 1", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
}

static void hash_of(const struct refused_pins *refused, const char *module, const char *token,
                    const char *pin, uint8_t hash[REFUSED_HASH_SIZE])
{
    assert_int_equal(refused_hash(refused, sp_text(module), sp_text(token), sp_text(pin), hash), 0);
}

static void a_refused_pin_is_remembered(void **state)
{
    static struct refused_pins first, second;
    uint8_t hash[REFUSED_HASH_SIZE], other[REFUSED_HASH_SIZE];
    assert_int_equal(refused_open(&first, directory), 0);
    hash_of(&first, "/m", "token=a", "1234", hash);
    assert_false(refused_has(&first, hash));
    assert_int_equal(refused_add(&first, hash), 0);
    assert_int_equal(refused_add(&first, hash), 0);
    assert_int_equal(first.count, 1);
    assert_int_equal(refused_open(&second, directory), 0);
    hash_of(&second, "/m", "token=a", "1234", hash);
    assert_true(refused_has(&second, hash));
    hash_of(&second, "/m", "token=a", "1235", other);
    assert_false(refused_has(&second, other));
    hash_of(&second, "/m", "token=b", "1234", other);
    assert_false(refused_has(&second, other));
    hash_of(&second, "/mt", "oken=a", "1234", other);
    assert_false(refused_has(&second, other));
}

static void the_memory_is_bounded(void **state)
{
    static struct refused_pins refused;
    uint8_t hash[REFUSED_HASH_SIZE] = {0};
    assert_int_equal(refused_open(&refused, ""), 0);
    for (unsigned i = 0; i < 2 * REFUSED_MAX; i++) {
        hash[0] = (uint8_t)i;
        hash[1] = (uint8_t)(i >> 8);
        assert_int_equal(refused_add(&refused, hash), 0);
    }
    assert_int_equal(refused.count, REFUSED_MAX);
    assert_true(refused_has(&refused, hash));
}

static void another_key_hashes_otherwise(void **state)
{
    static struct refused_pins a, b;
    uint8_t x[REFUSED_HASH_SIZE], y[REFUSED_HASH_SIZE];
    char absent[sizeof directory + 8];
    snprintf(absent, sizeof absent, "%s/absent", directory);
    assert_int_equal(refused_open(&a, ""), 0);
    assert_int_equal(refused_open(&b, absent), 0);
    hash_of(&a, "/m", "t", "1234", x);
    hash_of(&b, "/m", "t", "1234", y);
    assert_memory_not_equal(x, y, sizeof x);
    assert_string_equal(b.path, "");
}

static void refuses_a_damaged_memory(void **state)
{
    static struct refused_pins refused;
    (void)file("refused-pins", "short", 0600);
    assert_true(refused_open(&refused, directory) < 0);
    (void)file("refused-pins", "123456789012345678901234567890123", 0600);
    assert_true(refused_open(&refused, directory) < 0);
}

static void a_module_must_be_roots(void **state)
{
    char resolved[PATH_MAX], why[512];
    assert_int_equal(root_file_check("module", "/bin/sh", resolved, why, sizeof why), 0);
    assert_int_equal(root_file_check("module", "bin/sh", resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(root_file_check("module", "/nonexistent/x.so", resolved, why, sizeof why),
                     ROOT_FILE_E_REFUSED);
    assert_int_equal(root_file_check("module", "/tmp", resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    /* Open to others, or in a directory that others can write to. */
    assert_int_equal(root_file_check("module", file("pin", "x", 0666), resolved, why, sizeof why),
                     ROOT_FILE_E_REFUSED);
    (void)file("pin", "x", 0644);
    assert_int_equal(chmod(directory, 0777), 0);
    assert_int_equal(root_file_check("module", path, resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(chmod(directory, 01777), 0);
    assert_int_equal(root_file_check("module", path, resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(chmod(directory, 0700), 0);
}

static void a_link_is_judged_by_its_target(void **state)
{
    char resolved[PATH_MAX], why[512], name[300];
    (void)file("pin", "x", 0666);
    snprintf(name, sizeof name, "%s/link", directory);
    assert_int_equal(symlink(path, name), 0);
    assert_int_equal(root_file_check("module", name, resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(symlink("/bin/true", name), 0);
    assert_int_equal(root_file_check("module", name, resolved, why, sizeof why), 0);
    assert_null(strstr(resolved, directory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_is_the_file_without_its_newline),
        cmocka_unit_test(refuses_empty_and_long_pins),
        cmocka_unit_test(refuses_a_pin_that_others_can_read),
        cmocka_unit_test(a_credential_is_the_managers_affair),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(a_refused_pin_is_remembered),
        cmocka_unit_test(the_memory_is_bounded),
        cmocka_unit_test(another_key_hashes_otherwise),
        cmocka_unit_test(refuses_a_damaged_memory),
        cmocka_unit_test(a_module_must_be_roots),
        cmocka_unit_test(a_link_is_judged_by_its_target),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
