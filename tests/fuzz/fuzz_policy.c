/*
 * Policies, any octets: the input is tried as a file that stands alone, as one that inherits, as a sub-policy behind
 * DEFAULT, and as a file that a distribution generates. Besides memory errors it looks for broken promises: an error
 * without words, a sub-policy that lets more in without leave, an effective policy that explaining contradicts, two
 * texts for one policy.
 */
#include <stdlib.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEX_NAMES                                                                                            \
    "mlkem768x25519-sha256,curve25519-sha256,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"                         \
    "diffie-hellman-group14-sha256,diffie-hellman-group16-sha512"
#define KEY_NAMES                                                                                            \
    "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com"
#define CIPHER_NAMES "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes256-ctr,chacha20-poly1305@openssh.com"
#define MAC_NAMES "hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com"
#define NAMES                                                                                                \
    {                                                                                                        \
        KEX_NAMES, KEY_NAMES, CIPHER_NAMES, MAC_NAMES, "none,zlib@openssh.com", KEY_NAMES, KEY_NAMES         \
    }

static const struct policy_build build = {
    .known = NAMES, .available = NAMES, .post_quantum = "mlkem768x25519-sha256", .fips_provider = true};
static const int64_t now = 1800000000;

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* What the canonical text of another struct with the same contents is. */
static void check_text(const struct policy_effective *effective)
{
    char *one = NULL, *other = NULL;
    struct policy_effective copy = *effective;
    for (size_t i = 0; i < copy.exception_count; i++)
        copy.exceptions[i] = effective->exceptions[copy.exception_count - 1 - i];
    require(policy_effective_text(effective, &one) == 0 && policy_effective_text(&copy, &other) == 0);
    require(strcmp(one, other) == 0);
    free(one);
    free(other);
}

static bool is_excepted(const struct policy_effective *effective, enum policy_kind kind, struct sp_span name)
{
    for (size_t i = 0; i < effective->exception_count; i++)
        if (effective->exceptions[i].kind == kind && sp_span_is(name, effective->exceptions[i].name))
            return true;
    return false;
}

static void check_explained(const struct policy *policy, const struct policy_effective *effective)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        for (struct sp_span names = sp_text(build.known[kind]); names.size != 0;) {
            struct sp_span name = sp_next_name(&names);
            struct policy_verdict verdict;
            policy_explain(policy, &build, now, kind, name, &verdict);
            require(verdict.text[0] != '\0');
            require((verdict.reason == POLICY_IN) == sp_list_has(sp_text(effective->lists[kind]), name));
            require((verdict.reason == POLICY_IN_EXCEPTION) == is_excepted(effective, kind, name));
        }
}

/* Whatever the policy is, this has words and ends. */
static void check_any_explanation(const struct policy *policy, struct sp_span name)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        struct policy_verdict verdict;
        policy_explain(policy, &build, now, kind, name, &verdict);
        require(verdict.text[0] != '\0' && strlen(verdict.text) < sizeof verdict.text);
    }
}

static void check_policy(const struct policy *policy)
{
    static struct policy_effective effective;
    struct policy_error error = {{0}};
    require(policy_compare(policy, policy, &error) == 0);
    int result = policy_resolve(policy, &build, now, &effective, &error);
    require(result == 0 || (result == POLICY_E_INVALID && error.text[0] != '\0'));
    if (result != 0)
        return;
    check_text(&effective);
    check_explained(policy, &effective);
    result = policy_check_key(&effective.rules, "ssh-rsa", 3072, &error);
    require(result == 0 || (result == POLICY_E_INVALID && error.text[0] != '\0'));
}

/* The policy, or NULL. The set is freed before the policy is used, as the policy must not point into it. */
static struct policy *load(const char *path, struct sp_span text, const char *spec, bool *was_added)
{
    struct policy_files *files = NULL;
    struct policy_error error = {{0}};
    struct policy *policy = NULL;
    require(policy_files_new(&files) == 0);
    int result = policy_files_add(files, path, text, (struct sp_span){0}, &error);
    *was_added = result == 0;
    if (result == 0)
        result = policy_load(files, spec, now, &policy, &error);
    require(result == 0 ? policy != NULL : result == POLICY_E_INVALID && error.text[0] != '\0' && !policy);
    policy_files_free(files);
    return policy;
}

static bool has_word(struct sp_span text, const char *word)
{
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= text.size; at++)
        if (strncasecmp((const char *)text.data + at, word, size) == 0)
            return true;
    return false;
}

/* A sub-policy in which no "AllowLoosening" stands only tightens. */
static void check_sub(const struct policy *policy, struct sp_span text)
{
    struct policy_error error = {{0}};
    bool was_added;
    struct policy *base = load("/X.policy", text, "DEFAULT", &was_added);
    if (base && !has_word(text, "AllowLoosening"))
        require(policy_compare(base, policy, &error) == 0);
    policy_free(base);
}

static void check_amended(struct sp_span text)
{
    char names[256];
    bool was_added;
    struct policy_error error = {{0}};
    struct policy *policy = load("/X.policy", (struct sp_span){0}, "DEFAULT", &was_added);
    size_t size = size_min(text.size, sizeof names - 1);
    if (size != 0)
        memcpy(names, text.data, size);
    names[size] = '\0';
    require(policy != NULL);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        int result = policy_amend(policy, kind, names, "f", 1, &error);
        require(result == 0 || (result == POLICY_E_INVALID && strncmp(error.text, "f line 1: ", 10) == 0));
    }
    check_policy(policy);
    policy_free(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *path, *spec;
    } uses[] = {{"/S.policy", "S"},
                {"/X.policy", "DEFAULT:X"},
                {"/generated", "/generated"},
                {"/DEFAULT.policy", "DEFAULT"}};
    struct sp_span text = sp_span_of(data, size);
    for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
        bool was_added;
        struct policy *policy = load(uses[i].path, text, uses[i].spec, &was_added);
        if (!policy)
            continue;
        check_policy(policy);
        check_any_explanation(policy, sp_span_of(data, size_min(size, 40)));
        if (i == 1)
            check_sub(policy, text);
        policy_free(policy);
    }
    check_amended(text);
    return 0;
}
