/* Host certificates from files, as ssh-keygen writes them: what is taken, and every reason for which it is not. */
#include "support.h"

#include <stdio.h>

#include <sallyport/wire.h>

#include "base/base64.h"
#include "signer/host_certificate.h"

#define TYPE "ssh-ed25519-cert-v01@openssh.com"

/* ssh-keygen -s ca -I id -h -n host.example -V 20200101:20400101 */
#define HOST                                                                                                 \
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIC8PR87tuGc88S4+TetKQZktvpFbY3O1C7w6BTEOdtCi"       \
    "AAAAIDeWywdBkdUzPefJTIY4B6uLzg7W79/kdXgO+SYxixieAAAAAAAAAAAAAAACAAAAAmlkAAAAEAAAAAxob3N0LmV4YW1w"       \
    "bGUAAAAAXgvhAAAAAACDqn6AAAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDHl4K2fxZyppD67cYe3rriwFuh"       \
    "pjUsDLRuNzGRJG0uyAAAAFMAAAALc3NoLWVkMjU1MTkAAABAkCYwSJP5oxOMwRNDzN9Gip7FAh2ypiHEh1CRl3xKCmWf4TTs"       \
    "hj/HpIhMGMBtK40OQBKEhUYvnqAt6x/M+A3yBQ=="

/* The same key, certified for a user. */
#define USER                                                                                                 \
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIA9bmOqQ2/yxRhiO5cEPhdh/JNotV3T+KCrpET8T0VFj"       \
    "AAAAIDeWywdBkdUzPefJTIY4B6uLzg7W79/kdXgO+SYxixieAAAAAAAAAAAAAAABAAAAAmlkAAAACQAAAAVhbGljZQAAAAAA"       \
    "AAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJk"       \
    "aW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1y"       \
    "YwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDHl4K2fxZyppD67cYe3rriwFuhpjUsDLRuNzGRJG0uyAAAAFMAAAAL"       \
    "c3NoLWVkMjU1MTkAAABAR5B66bhmRNcqjPJK6Cd2bD6oSZ9joo1h7nwQ+qEVc5H63WibpE3sRoWX10/9DB4wjpTTx0WWPB91"       \
    "V6MmbdlaCw=="

#define PLAIN_KEY "AAAAC3NzaC1lZDI1NTE5AAAAIDeWywdBkdUzPefJTIY4B6uLzg7W79/kdXgO+SYxixie"

static int read_text(struct host_certificate *certificate, const char *text, char why[256])
{
    why[0] = 0;
    return host_certificate_read(certificate, "/c", sp_text(text), why, 256);
}

static void takes_what_ssh_keygen_writes(void **state)
{
    static const char *const texts[] = {TYPE " " HOST " a comment\n", TYPE " " HOST,
                                        "# why\n\n  " TYPE "\t" HOST "\r\n"};
    struct host_certificate c;
    uint8_t bytes[256];
    char why[256];
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct sp_out key = {.data = bytes, .capacity = sizeof bytes};
        int r = read_text(&c, texts[i], why);
        if (r)
            print_error("%s\n", why);
        assert_int_equal(r, 0);
        assert_int_equal(base64_decode(sp_text(PLAIN_KEY), &key), 0);
        assert_true(sp_span_equal(sp_span_of(c.plain, c.plain_size), sp_written(&key)));
        assert_string_equal(c.ca_algorithm->head.name, "ssh-ed25519");
        assert_true(c.parsed.valid_after < c.parsed.valid_before);
        host_certificate_free(&c);
    }
}

static void refuses(const char *text, const char *words)
{
    struct host_certificate c;
    char why[256];
    assert_int_equal(read_text(&c, text, why), HOST_CERTIFICATE_E_INVALID);
    if (!strstr(why, words))
        fail_msg("refused for another reason: %s", why);
    host_certificate_free(&c);
}

static void says_why_it_takes_nothing_else(void **state)
{
    refuses("", "expected a line");
    refuses("\n# nothing\n", "expected a line");
    refuses(TYPE "\n", "expected a line");
    refuses(TYPE " @@@@\n", "base64");
    refuses("ssh-ed25519 " PLAIN_KEY "\n", "malformed");
    refuses("ssh-rsa-cert-v01@openssh.com " HOST "\n", "first word");
    refuses(TYPE " " USER "\n", "user's certificate");
    refuses("-----BEGIN OPENSSH PRIVATE KEY-----\n", "base64");
}

/* Whatever is changed, the authority has not signed it. */
static void refuses_every_change(void **state)
{
    char text[1024];
    char why[256];
    size_t refused = 0;
    snprintf(text, sizeof text, "%s %s\n", TYPE, HOST);
    for (size_t at = sizeof TYPE; at < strlen(text) - 1; at++) {
        struct host_certificate c;
        char was = text[at];
        text[at] = was == 'A' ? 'B' : 'A';
        if (read_text(&c, text, why) == HOST_CERTIFICATE_E_INVALID)
            refused++;
        else
            fail_msg("a change at %zu was taken", at);
        host_certificate_free(&c);
        text[at] = was;
    }
    assert_true(refused > 100);
}

static void refuses_one_that_no_exchange_could_carry(void **state)
{
    static char text[9000];
    memset(text, 'A', sizeof text - 1);
    memcpy(text, TYPE " ", sizeof TYPE);
    text[sizeof TYPE - 1 + 1 + 8000] = 0;
    refuses(text, "4096");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_ssh_keygen_writes),
        cmocka_unit_test(says_why_it_takes_nothing_else),
        cmocka_unit_test(refuses_every_change),
        cmocka_unit_test(refuses_one_that_no_exchange_could_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
