/*
 * The registries: every line of registry.def is found under its name and is what the ABI says it must be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/registry.h>

static void check_head(const struct sp_module *head, const char *name, enum sp_module_kind kind, size_t size)
{
    assert_int_equal(head->magic, SP_MODULE_MAGIC);
    assert_int_equal(head->abi, SP_MODULE_ABI);
    assert_int_equal(head->kind, kind);
    assert_int_equal(head->size, size);
    assert_string_equal(head->name, name);
}

static void check_kex(const char *name)
{
    const struct sp_kex_info *info = kex_info_find(sp_text(name));
    const struct sp_kex_ops *kex = kex_find(sp_text(name));
    assert_non_null(info);
    assert_non_null(kex);
    check_head(&info->head, name, SP_KIND_KEX, sizeof *info);
    assert_ptr_equal(kex->info, info);
    assert_non_null(digest_find(sp_text(info->digest)));
    assert_non_null(info->check_publics);
    assert_non_null(kex->respond);
    assert_int_equal(info->check_group != NULL, kex->choose_group != NULL);
}

static void check_cipher(const char *name)
{
    const struct sp_cipher_ops *cipher = cipher_find(sp_text(name));
    assert_non_null(cipher);
    check_head(&cipher->head, name, SP_KIND_CIPHER, sizeof *cipher);
    assert_in_range(cipher->key_size, 16, SP_CIPHER_KEY_MAX);
    assert_in_range(cipher->iv_size, 0, SP_CIPHER_IV_MAX);
    assert_in_range(cipher->tag_size, 0, SP_CIPHER_TAG_MAX);
    assert_int_equal(cipher->block_size % 8, 0);
    assert_true(cipher->rekey_octets != 0);
    bool aead = cipher->tag_size != 0;
    assert_int_equal(aead, cipher->seal && cipher->unseal && cipher->length);
    assert_int_equal(aead, cipher->crypt == NULL);
}

static void check_mac(const char *name)
{
    const struct sp_mac_ops *mac = mac_find(sp_text(name));
    assert_non_null(mac);
    check_head(&mac->head, name, SP_KIND_MAC, sizeof *mac);
    assert_in_range(mac->key_size, 16, SP_MAC_KEY_MAX);
    assert_in_range(mac->tag_size, 8, SP_MAC_TAG_MAX);
    assert_int_equal(mac->etm, strstr(name, "-etm@") != NULL);
}

static void check_compression(const char *name)
{
    const struct sp_compression_ops *compression = compression_find(sp_text(name));
    assert_non_null(compression);
    check_head(&compression->head, name, SP_KIND_COMPRESSION, sizeof *compression);
    assert_non_null(strstr(name, "@openssh.com")); /* RFC 4253's own "zlib" begins before the login */
    assert_true(compression->open && compression->close && compression->compress && compression->expand);
}

static void check_digest(const char *name)
{
    const struct sp_digest_ops *digest = digest_find(sp_text(name));
    assert_non_null(digest);
    check_head(&digest->head, name, SP_KIND_DIGEST, sizeof *digest);
    assert_in_range(digest->size, 32, SP_DIGEST_MAX);
}

static void check_keytype(const char *name)
{
    const struct sp_keytype_ops *keytype = keytype_find(sp_text(name));
    assert_non_null(keytype);
    check_head(&keytype->head, name, SP_KIND_KEYTYPE, sizeof *keytype);
    assert_true(!keytype->digest || digest_find(sp_text(keytype->digest)));
    assert_non_null(keytype->inspect);
    assert_non_null(keytype->verify);
    assert_non_null(keytype->encode);
    bool certified = strstr(name, "-cert-v01@openssh.com") != NULL;
    assert_int_equal(certified, keytype->plain != NULL);
    assert_int_equal(certified, strstr(keytype->blob_type, "-cert-v01@openssh.com") != NULL);
    assert_true(!keytype->plain || !keytype->plain->plain);
}

static void every_line_is_found_under_its_name(void **unused)
{
#define KEX(symbol, name) check_kex(name);
#define CIPHER(symbol, name) check_cipher(name);
#define MAC(symbol, name) check_mac(name);
#define COMPRESSION(symbol, name) check_compression(name);
#define DIGEST(symbol, name) check_digest(name);
#define KEYTYPE(symbol, name) check_keytype(name);
#include "registry.def"
}

static void unknown_names_are_not_found(void **unused)
{
    const char *const names[] = {
        "", "sha", "sha256 ", "aes128-gcm@openssh.co", "aes128-gcm@openssh.comm", "ssh-rsa", "none", "zlib"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sp_span name = sp_text(names[i]);
        assert_null(kex_info_find(name));
        assert_null(kex_find(name));
        assert_null(cipher_find(name));
        assert_null(mac_find(name));
        assert_null(compression_find(name));
        assert_null(digest_find(name));
        assert_null(keytype_find(name));
    }
}

static void preparing_twice_is_preparing_once(void **unused)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(modules_prepare(), 0);
        assert_int_equal(keytype_prepare(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_found_under_its_name),
        cmocka_unit_test(unknown_names_are_not_found),
        cmocka_unit_test(preparing_twice_is_preparing_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
