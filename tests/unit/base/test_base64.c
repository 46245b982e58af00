/* base/base64.c: RFC 4648 section 10, and what is not base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"

static int decode(const char *text, char *bytes, size_t capacity, size_t *size)
{
    struct sp_out out = {.data = (uint8_t *)bytes, .capacity = capacity};
    int r = base64_decode(sp_text(text), &out);
    *size = out.size;
    return r;
}

static void rfc_vectors_decode(void **state)
{
    static const char *const rows[][2] = {{"Zg==", "f"},         {"Zm8=", "fo"},
                                          {"Zm9v", "foo"},       {"Zm9vYg==", "foob"},
                                          {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[16];
        size_t size;
        assert_int_equal(decode(rows[i][0], bytes, sizeof bytes, &size), 0);
        assert_int_equal(size, strlen(rows[i][1]));
        assert_memory_equal(bytes, rows[i][1], size);
    }
}

static void other_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "Z", "Zg", "Zg=", "Zm9v=", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "====", "Z===", "Zg=a"};
    char bytes[16];
    size_t size;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(decode(bad[i], bytes, sizeof bytes, &size), 0);
}

static void small_room_is_not_overrun(void **state)
{
    char bytes[4] = {0, 0, 0, 'x'};
    size_t size;
    assert_int_equal(decode("Zm9vYg==", bytes, 3, &size), SP_E_NO_ROOM);
    assert_int_equal(bytes[3], 'x');
}

static void encodes_without_padding(void **state)
{
    static const char *const rows[][2] = {{"", ""},        {"f", "Zg"},        {"fo", "Zm8"},
                                          {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"\xff\xfe", "//4"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t text[16];
        struct sp_out out = {.data = text, .capacity = sizeof text};
        assert_int_equal(base64_encode_bare(sp_text(rows[i][0]), &out), 0);
        assert_int_equal(out.size, strlen(rows[i][1]));
        assert_memory_equal(text, rows[i][1], out.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_vectors_decode),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(small_room_is_not_overrun),
        cmocka_unit_test(encodes_without_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
