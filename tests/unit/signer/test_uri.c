/* HostKey URIs: what RFC 7512 allows and a host key needs, and the rest refused with a word that helps. */
#include "support.h"

#include "signer/uri.h"

static struct host_key_uri uri;
static char error[256];

static int parse(const char *text)
{
    memset(&uri, 0x55, sizeof uri);
    error[0] = 0;
    return host_key_uri_parse(sp_text(text), &uri, error, sizeof error);
}

static void accepts_and_spells_in_one_way(void **state)
{
    static const struct {
        const char *text, *token, *object;
    } rows[] = {
        {"pkcs11:object=host", "", "object=host"},
        {"PKCS11:object=host", "", "object=host"},
        {"pkcs11:object=host;token=box", "token=box", "object=host"},
        {"pkcs11:serial=1;token=box;id=%01%ff;object=a", "token=box;serial=1", "object=a;id=%01%FF"},
        {"pkcs11:token=a%20b;object=%68ost;type=private", "token=a%20b", "object=host"},
        {"pkcs11:object=a:b[c]@!$'()*+,=&d", "", "object=a%3Ab%5Bc%5D%40%21%24%27%28%29%2A%2B%2C%3D%26d"},
        {"pkcs11:id=%00;slot-id=7;model=m;manufacturer=x", "manufacturer=x;model=m;slot-id=7", "id=%00"},
        {"pkcs11:object=%c3%a4", "", "object=%C3%A4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (parse(rows[i].text) != 0)
            fail_msg("%s: %s", rows[i].text, error);
        assert_string_equal(uri.token, rows[i].token);
        assert_string_equal(uri.object, rows[i].object);
        assert_string_equal(uri.module_path, "");
        assert_string_equal(uri.pin_source, "");
    }
}

static void reads_the_query(void **state)
{
    assert_int_equal(parse("pkcs11:id=%01?module-path=/usr/lib/x.so&pin-source=file:/etc/p%20in"), 0);
    assert_string_equal(uri.module_path, "/usr/lib/x.so");
    assert_string_equal(uri.pin_source, "file:/etc/p in");
}

static void refuses(const char *text, const char *because)
{
    int r = parse(text);
    if (r != URI_E_INVALID)
        fail_msg("accepted: %s", text);
    if (!strstr(error, because))
        fail_msg("%s: refused because %s", text, error);
}

static void refuses_what_names_no_key(void **state)
{
    refuses("pkcs11:", "names no key");
    refuses("pkcs11:token=box", "names no key");
    refuses("pkcs11:type=private", "names no key");
    refuses("", "not by a file");
    refuses("/etc/ssh/ssh_host_rsa_key", "not by a file");
    refuses("pkcs12:object=a", "not by a file");
}

static void refuses_unknown_and_repeated_attributes(void **state)
{
    refuses("pkcs11:object=a;colour=red", "colour");
    refuses("pkcs11:object=a;Object=b", "Object");
    refuses("pkcs11:object=a;x-vendor=1", "x-vendor");
    refuses("pkcs11:object=a;object=b", "twice");
    refuses("pkcs11:object=a;object=a", "twice");
    refuses("pkcs11:object=a;module-path=/x", "module-path"); /* is a query attribute */
    refuses("pkcs11:object=a?object=b", "object");
    refuses("pkcs11:object=a?pin-source=file:/a&pin-source=file:/b", "twice");
}

static void refuses_a_pin_in_the_configuration(void **state)
{
    refuses("pkcs11:object=a?pin-value=1234", "TokenPIN");
    refuses("pkcs11:object=a?pin-source=file:/x&pin-value=1234", "TokenPIN");
    assert_null(strstr(error, "1234"));
}

static void refuses_loose_module_names(void **state)
{
    refuses("pkcs11:object=a?module-path=x.so", "absolute");
    refuses("pkcs11:object=a?module-path=../x.so", "absolute");
    refuses("pkcs11:object=a?module-name=softhsm2", "absolute module-path");
    refuses("pkcs11:object=a;library-version=1.2", "path");
}

static void refuses_white_space_and_bare_bytes(void **state)
{
    refuses("pkcs11:object=a b", "%XX");
    refuses("pkcs11:object=a\tb", "%XX");
    refuses("pkcs11: object=a", "unknown");
    refuses("pkcs11:object=a\n", "%XX");
    refuses("pkcs11:object=\xc3\xa4", "%XX");
    refuses("pkcs11:object=a%0ab", "%XX");
    refuses("pkcs11:object=a%00b", "%XX");
    refuses("pkcs11:object=a?pin-source=|/bin/cat /etc/passwd", "%XX");
    refuses("pkcs11:object=a/b", "%XX");
    refuses("pkcs11:object=a#b", "%XX");
}

static void refuses_bad_escapes(void **state)
{
    refuses("pkcs11:object=%", "%XX");
    refuses("pkcs11:object=%4", "%XX");
    refuses("pkcs11:object=%4x", "%XX");
    refuses("pkcs11:object=%%41", "%XX");
}

static void refuses_holes(void **state)
{
    refuses("pkcs11:object=", "empty");
    refuses("pkcs11:object", "without a value");
    refuses("pkcs11:object=a;", "ends in");
    refuses("pkcs11:;object=a", "without a value");
    refuses("pkcs11:object=a;;id=%01", "without a value");
    refuses("pkcs11:object=a?", "question mark");
    refuses("pkcs11:object=a?pin-source=file:/x&", "ends in");
}

static void refuses_other_types_and_slots(void **state)
{
    refuses("pkcs11:object=a;type=public", "private");
    refuses("pkcs11:object=a;type=cert", "private");
    refuses("pkcs11:object=a;slot-id=x", "number");
    refuses("pkcs11:object=a;slot-id=99999999999", "number");
}

static void bounds_lengths(void **state)
{
    char text[4096] = "pkcs11:object=";
    memset(text + strlen(text), 'a', 1024);
    assert_int_equal(parse(text), 0);
    text[14 + 1024] = 'a';
    refuses(text, "longer");
    memset(text + 14, 'a', 3000);
    refuses(text, "longer");
}

static void prints_without_query(void **state)
{
    char text[128];
    assert_int_equal(parse("pkcs11:id=%01;token=t?pin-source=file:/x"), 0);
    assert_int_equal(host_key_uri_print(&uri, text, sizeof text), 0);
    assert_string_equal(text, "pkcs11:token=t;id=%01");
    assert_true(host_key_uri_print(&uri, text, 10) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_spells_in_one_way),
        cmocka_unit_test(reads_the_query),
        cmocka_unit_test(refuses_what_names_no_key),
        cmocka_unit_test(refuses_unknown_and_repeated_attributes),
        cmocka_unit_test(refuses_a_pin_in_the_configuration),
        cmocka_unit_test(refuses_loose_module_names),
        cmocka_unit_test(refuses_white_space_and_bare_bytes),
        cmocka_unit_test(refuses_bad_escapes),
        cmocka_unit_test(refuses_holes),
        cmocka_unit_test(refuses_other_types_and_slots),
        cmocka_unit_test(bounds_lengths),
        cmocka_unit_test(prints_without_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
