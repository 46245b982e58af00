/*
 * Digests against the examples of FIPS 180-4 ("abc", the empty message and the two-block message).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/registry.h>

#include "hex.h"

struct vector {
    const char *digest;
    const char *message;
    const char *expected;
};

static const struct vector vectors[] = {
    {"sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"sha256", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"sha384", "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {"sha512", "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d442"
     "3643ce80e"
     "2a9ac94fa54ca49f"},
};

static void agrees_with_fips_180_4_in_any_parts(void **unused)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct sp_digest_ops *digest = digest_find(sp_text(vectors[i].digest));
        assert_non_null(digest);
        struct hex expected = hex_of(vectors[i].expected);
        assert_int_equal(digest->size, expected.size);
        struct sp_span message = sp_text(vectors[i].message);
        for (size_t cut = 0; cut <= message.size; cut++) {
            struct sp_span parts[] = {{message.data, cut}, {0}, {message.data + cut, message.size - cut}};
            uint8_t out[SP_DIGEST_MAX];
            assert_int_equal(digest->hash(parts, 3, out), 0);
            assert_memory_equal(out, expected.data, expected.size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_fips_180_4_in_any_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
