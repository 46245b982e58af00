/*
 * From a configuration to token processes. Input: the evaluated configuration. Output: one token spec per token that
 * its keys live on (times TokenThreads), and where each key is among them.
 */
#include "signer/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "signer/uri.h"

struct planner {
    const struct config *config;
    struct plan *plan;
    char *error;
    size_t error_size;
};

static PRINTF_LIKE(2, 3) int refuse(struct planner *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error, p->error_size, format, args);
    va_end(args);
    return PLAN_E_INVALID;
}

bool pin_source_is_valid(const char *source)
{
    static const char file[] = "file:/", credential[] = "credential:";
    if (strncmp(source, file, sizeof file - 1) == 0)
        return strlen(source) < PATH_MAX;
    if (strncmp(source, credential, sizeof credential - 1) != 0)
        return false;
    const char *name = source + sizeof credential - 1;
    return *name != 0 && *name != '.' && !strchr(name, '/') && strlen(name) <= NAME_MAX;
}

static bool name_is_identifier(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && !(i != 0 && c >= '0' && c <= '9'))
            return false;
    }
    return size != 0;
}

/* Where p11-kit's client finds its server: a socket alone, as an address that begins with | is a command. */
static const char remote_token[] = "P11_KIT_SERVER_ADDRESS=unix:path=/";

bool environment_is_valid(const char *variable)
{
    static const char *const loaders[] = {"LD_",     "GLIBC_",  "GCONV_",   "LOCPATH",
                                          "NLSPATH", "MALLOC_", "OPENSSL_", "P11_KIT_"};
    const char *equals = strchr(variable, '=');
    if (!equals || !name_is_identifier(variable, (size_t)(equals - variable)))
        return false;
    if (strncmp(variable, remote_token, sizeof remote_token - 1) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
        if (strncmp(variable, loaders[i], strlen(loaders[i])) == 0)
            return false;
    return true;
}

void token_spec_free(struct token_spec *spec)
{
    for (size_t i = 0; i < spec->uri_count; i++)
        free(spec->uris[i]);
    for (size_t i = 0; i < spec->environment_count; i++)
        free(spec->environment[i]);
    free(spec->uris);
    free(spec->environment);
    free(spec->module);
    free(spec->pin_source);
    free(spec->token);
    *spec = (struct token_spec){0};
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->token_count; i++)
        token_spec_free(&plan->tokens[i]);
    *plan = (struct plan){0};
}

static bool lists_equal(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && i < b_count; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return a_count == b_count;
}

static bool same_token(const struct token_spec *a, const struct token_spec *b)
{
    return a->provider == b->provider && strcmp(a->module, b->module) == 0 &&
           strcmp(a->pin_source, b->pin_source) == 0 && strcmp(a->token, b->token) == 0;
}

bool token_spec_same_token(const struct token_spec *a, const struct token_spec *b)
{
    return a->provider == b->provider && strcmp(a->module, b->module) == 0 && strcmp(a->token, b->token) == 0;
}

bool token_spec_equal(const struct token_spec *a, const struct token_spec *b)
{
    return a->replica == b->replica && same_token(a, b) &&
           lists_equal(a->uris, a->uri_count, b->uris, b->uri_count) &&
           lists_equal(a->environment, a->environment_count, b->environment, b->environment_count);
}

static int list_add(char ***items, size_t *count, const char *text)
{
    char **larger = reallocarray(*items, *count + 1, sizeof **items);
    if (!larger)
        return -ENOMEM;
    *items = larger;
    larger[*count] = strdup(text);
    if (!larger[*count])
        return -ENOMEM;
    (*count)++;
    return 0;
}

static int spec_fill(struct token_spec *spec, const struct config *config, const struct token_spec *like)
{
    spec->provider = like->provider;
    spec->module = strdup(like->module);
    spec->pin_source = strdup(like->pin_source);
    spec->token = strdup(like->token);
    int r = spec->module && spec->pin_source && spec->token ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < config->token_environment.count; i++)
        r = list_add(&spec->environment, &spec->environment_count, config->token_environment.items[i]);
    return r;
}

/* Finds or makes the specs of a key's token: the position of the first of its replicas. */
static int token_place(struct planner *p, const struct token_spec *like, size_t *first)
{
    struct plan *plan = p->plan;
    for (size_t i = 0; i < plan->token_count; i += plan->replicas)
        if (same_token(&plan->tokens[i], like)) {
            *first = i;
            return 0;
        }
    if (plan->token_count + plan->replicas > PLAN_TOKENS_MAX)
        return refuse(p, "more than %u token processes (tokens times TokenThreads)", PLAN_TOKENS_MAX);
    *first = plan->token_count;
    for (unsigned i = 0; i < plan->replicas; i++) {
        struct token_spec *spec = &plan->tokens[plan->token_count++];
        spec->replica = i;
        int r = spec_fill(spec, p->config, like);
        if (r)
            return r;
    }
    return 0;
}

static int uri_place(struct planner *p, const char *text, struct plan_key *key)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->plan->replicas; i++) {
        struct token_spec *spec = &p->plan->tokens[key->first_token + i];
        for (size_t n = 0; n < spec->uri_count; n++)
            if (strcmp(spec->uris[n], text) == 0)
                return refuse(p, "%s %s names a key that another line names already", key->keyword,
                              key->written);
        key->index = spec->uri_count;
        r = list_add(&spec->uris, &spec->uri_count, text);
    }
    return r;
}

/* On a token like that one, under this name there. */
static int key_place(struct planner *p, const struct token_spec *like, const char *text, struct plan_key *key)
{
    if (like->module[0] != '/')
        return refuse(p, "TokenModule must be an absolute path");
    if (like->pin_source[0] && !pin_source_is_valid(like->pin_source))
        return refuse(p, "%s %s: the PIN's source must be file:/PATH or credential:NAME", key->keyword,
                      key->written);
    int r = token_place(p, like, &key->first_token);
    if (r == 0)
        r = uri_place(p, text, key);
    if (r == 0)
        p->plan->key_count++;
    return r;
}

static int pkcs11_plan(struct planner *p, struct plan_key *key)
{
    char why[256], text[2 * URI_PART_MAX];
    CLEANUP_FREE struct host_key_uri *uri = calloc(1, sizeof *uri);
    int r = uri ? host_key_uri_parse(sp_text(key->written), uri, why, sizeof why) : -ENOMEM;
    if (r > 0)
        return refuse(p, "%s %s: %s", key->keyword, key->written, why);
    if (r == 0)
        r = host_key_uri_print(uri, text, sizeof text);
    if (r < 0)
        return r;
    const struct token_spec like = {
        .module = uri->module_path[0] ? uri->module_path : p->config->token_module,
        .pin_source = uri->pin_source[0] ? uri->pin_source : p->config->token_pin,
        .token = uri->token,
    };
    return key_place(p, &like, text, key);
}

/* All keys of a provider are one token's, whatever they are called. */
static int provider_plan(struct planner *p, const char *module, struct sp_span scheme, struct plan_key *key)
{
    char name[SP_MODULE_NAME_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)scheme.size, (const char *)scheme.data);
    const struct token_spec like = {.provider = true,
                                    .module = (char *)(uintptr_t)module,
                                    .pin_source = p->config->token_pin,
                                    .token = name};
    return key_place(p, &like, key->written, key);
}

static int key_plan(struct planner *p, const char *written, bool staged)
{
    struct plan_key *key = &p->plan->keys[p->plan->key_count];
    struct sp_span scheme = config_host_key_scheme(written);
    const char *provider = config_module_find(p->config, SP_KIND_HOSTKEY, scheme);
    key->keyword = staged ? "HostKeyStaged" : "HostKey";
    key->written = written;
    key->staged = staged;
    return provider ? provider_plan(p, provider, scheme, key) : pkcs11_plan(p, key);
}

static int environment_check(struct planner *p)
{
    for (size_t i = 0; i < p->config->token_environment.count; i++)
        if (!environment_is_valid(p->config->token_environment.items[i]))
            return refuse(
                p, "TokenEnvironment %s: not NAME=value, or a variable that makes libraries load other code",
                p->config->token_environment.items[i]);
    return 0;
}

int plan_make(const struct config *config, struct plan *plan, char *error, size_t error_size)
{
    struct planner p = {.config = config, .plan = plan, .error = error, .error_size = error_size};
    *plan = (struct plan){.replicas = config->token_threads};
    if (config->host_keys.count == 0)
        return refuse(&p, "no HostKey is configured: name a key in a token by its pkcs11: URI");
    if (config->host_keys.count > PLAN_KEYS_MAX ||
        config->host_keys_staged.count > PLAN_KEYS_MAX - config->host_keys.count)
        return refuse(&p, "more than %u HostKey and HostKeyStaged lines", PLAN_KEYS_MAX);
    int r = environment_check(&p);
    for (size_t i = 0; r == 0 && i < config->host_keys.count; i++)
        r = key_plan(&p, config->host_keys.items[i], false);
    for (size_t i = 0; r == 0 && i < config->host_keys_staged.count; i++)
        r = key_plan(&p, config->host_keys_staged.items[i], true);
    return r;
}
