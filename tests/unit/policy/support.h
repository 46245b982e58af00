/* What the tests of policies share: from texts to struct policy, to what is enforced, or to the error's words. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/policy.h"

/* Seven lines, one per kind; small lists, so that what a line does can be seen. */
#define BASE                                                                                                 \
    "KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256\n"                     \
    "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512\n"                          \
    "Ciphers aes128-ctr,aes192-ctr,aes256-ctr\n"                                                             \
    "MACs hmac-sha2-256,hmac-sha2-512\n"                                                                     \
    "CompressionAlgorithms none\n"                                                                           \
    "PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256\n"                                       \
    "CASignatureAlgorithms ssh-ed25519\n"

#define ALL_KEX                                                                                              \
    "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"               \
    "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,"     \
    "diffie-hellman-group18-sha512"
#define ALL_KEYS                                                                                             \
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512,"     \
    "ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com"
#define ALL_CIPHERS                                                                                          \
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,"     \
    "aes256-ctr"
#define ALL_MACS "hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"
#define ALL_COMPRESSIONS "none,zlib@openssh.com"

/* A build and a machine that have all of these. */
static inline struct policy_build whole_build(void)
{
    struct policy_build build = {.post_quantum = "mlkem768x25519-sha256", .fips_provider = true};
    const char *const names[POLICY_KINDS] = {
        [POLICY_KEX] = ALL_KEX,
        [POLICY_HOST_KEY] = ALL_KEYS,
        [POLICY_CIPHER] = ALL_CIPHERS,
        [POLICY_MAC] = ALL_MACS,
        [POLICY_USER_KEY] = ALL_KEYS,
        [POLICY_CA_KEY] = ALL_KEYS,
        [POLICY_COMPRESSION] = ALL_COMPRESSIONS,
    };
    memcpy(build.known, names, sizeof names);
    memcpy(build.available, names, sizeof names);
    return build;
}

/* path, text, path, text, ..., NULL */
static inline struct policy_files *files_of(const char *path, ...)
{
    struct policy_files *files = NULL;
    struct policy_error error = {{0}};
    va_list args;
    assert_int_equal(policy_files_new(&files), 0);
    va_start(args, path);
    for (; path; path = va_arg(args, const char *)) {
        int result =
            policy_files_add(files, path, sp_text(va_arg(args, const char *)), (struct sp_span){0}, &error);
        if (result != 0)
            print_error("%s\n", error.text);
        assert_int_equal(result, 0);
    }
    va_end(args);
    return files;
}

/* Both free the set. */
static inline struct policy *must_load_at(struct policy_files *files, const char *spec, int64_t now)
{
    struct policy *policy = NULL;
    struct policy_error error = {{0}};
    int result = policy_load(files, spec, now, &policy, &error);
    policy_files_free(files);
    if (result != 0)
        print_error("%s: %s\n", spec, error.text);
    assert_int_equal(result, 0);
    return policy;
}

static inline struct policy *must_load(struct policy_files *files, const char *spec)
{
    return must_load_at(files, spec, 0);
}

/* The error must begin with the place (which may be "") and contain the words. */
static inline void must_refuse_at(struct policy_files *files, const char *spec, int64_t now,
                                  const char *place, const char *words)
{
    struct policy *policy = NULL;
    struct policy_error error = {{0}};
    int result = policy_load(files, spec, now, &policy, &error);
    policy_files_free(files);
    if (result != POLICY_E_INVALID || strncmp(error.text, place, strlen(place)) != 0 ||
        !strstr(error.text, words))
        print_error("%s -> %d %s\n", spec, result, error.text);
    assert_int_equal(result, POLICY_E_INVALID);
    assert_null(policy);
    assert_int_equal(strncmp(error.text, place, strlen(place)), 0);
    assert_non_null(strstr(error.text, words));
}

/* One file, S.policy, with these lines behind BASE: the first is line 8. */
static inline struct policy *load_lines(const char *lines)
{
    char text[16384];
    snprintf(text, sizeof text, "%s%s", BASE, lines);
    return must_load(files_of("S.policy", text, NULL), "S");
}

static inline void refuse_lines(const char *lines, const char *place, const char *words)
{
    char text[16384];
    snprintf(text, sizeof text, "%s%s", BASE, lines);
    must_refuse_at(files_of("S.policy", text, NULL), "S", 0, place, words);
}

static inline void must_resolve(const struct policy *policy, const struct policy_build *build, int64_t now,
                                struct policy_effective *effective)
{
    struct policy_error error = {{0}};
    int result = policy_resolve(policy, build, now, effective, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
}

/* The entries of a list with commas between, exceptions with "*" behind. */
static inline const char *list_names(const struct policy *policy, enum policy_kind kind,
                                     char text[POLICY_LIST_MAX])
{
    const struct policy_list *list = &policy->lists[kind];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        const struct policy_entry *entry = &list->entries[i];
        used += (size_t)snprintf(text + used, POLICY_LIST_MAX - used, "%s%s%s", i == 0 ? "" : ",",
                                 entry->name, entry->not_after != 0 || entry->addresses ? "*" : "");
        assert_true(used < POLICY_LIST_MAX);
    }
    return text;
}
