/*
 * Checks arguments keyword by keyword, as far as that needs no file, token or name service: those are asked by the
 * programs that may. Input: arguments as parsed. Output: a verdict, and what was expected.
 */
#include "config/checks.h"

#include <ctype.h>
#include <strings.h>

#include "base/addresses.h"
#include "base/module_note.h"
#include "config/listeners.h"
#include "config/values.h"
#include "policy/policy.h"

typedef int (*check_fn)(const char *argument, struct config_error *why);

static int check_port(const char *argument, struct config_error *why)
{
    uint64_t port = 0;
    if (decimal_parse(argument, UINT16_MAX, &port)) /* 0: the kernel chooses one */
        return 0;
    return config_complain(why, NULL, "expected a port number from 0 to 65535, got \"%s\"", argument);
}

/* Numbers only: the process that listens may ask no name service. */
static int check_listen_address(const char *argument, struct config_error *why)
{
    char host[CONFIG_HOST_MAX];
    uint16_t port = 0;
    if (config_listen_address(argument, host, &port) == 0)
        return 0;
    return config_complain(why, NULL,
                           "expected a numeric address such as 192.0.2.1, 192.0.2.1:22, 2001:db8::1 or "
                           "[2001:db8::1]:22 (names are not looked up), got \"%s\"",
                           argument);
}

/* "NAME", "NAME:SUB:SUB", or a path; which of them there are is found out when the files are read. */
int check_policy_spec(const char *argument, struct config_error *why)
{
    bool is_good = strlen(argument) < CONFIG_POLICY_MAX, is_path = argument[0] == '/';
    for (const char *at = argument; is_good && !is_path; at++) {
        size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
        is_good = size != 0 && size <= POLICY_NAME_MAX && (at[size] == ':' || at[size] == '\0');
        at += size;
        if (*at == '\0')
            break;
    }
    if (is_good && argument[0] != '\0')
        return 0;
    return config_complain(
        why, NULL,
        "expected a policy such as DEFAULT or DEFAULT:NO-NISTP, or the absolute path of one, got \"%s\"",
        argument);
}

/* Of a provider's, no more is known here than that it is one word; which providers there are is found out when the modules'
 * files are read. */
static bool is_provider_key(const char *argument)
{
    struct sp_span scheme = config_host_key_scheme(argument);
    const char *rest = argument + scheme.size + 1;
    if (!module_name_is_valid(SP_KIND_HOSTKEY, scheme) || *rest == '\0')
        return false;
    for (; *rest > ' ' && *rest < 0x7f && !strchr("\"'\\#", *rest); rest++)
        ;
    return *rest == '\0';
}

static int check_host_key(const char *argument, struct config_error *why)
{
    if (strncmp(argument, "pkcs11:", 7) == 0 || is_provider_key(argument))
        return 0;
    return config_complain(
        why, NULL,
        "expected a pkcs11: URI (host keys live in a token, not in files), or NAME:KEY of a "
        "provider that LoadModule names, got \"%s\"",
        argument);
}

static int check_absolute(const char *argument, struct config_error *why)
{
    if (argument[0] == '/')
        return 0;
    return config_complain(why, NULL, "expected an absolute path, got \"%s\"", argument);
}

static int check_absolute_or_none(const char *argument, struct config_error *why)
{
    if (argument[0] == '/' || strcmp(argument, "none") == 0)
        return 0;
    return config_complain(why, NULL, "expected an absolute path or \"none\", got \"%s\"", argument);
}

/* Configurations get copied into tickets and repositories; a PIN must not travel with them. */
static int check_pin(const char *argument, struct config_error *why)
{
    static const char credential[] = "credential:";
    const char *name = argument + sizeof credential - 1;
    if (strncmp(argument, "file:/", 6) == 0)
        return 0;
    if (strncmp(argument, credential, sizeof credential - 1) == 0 && name[0] != '\0' && name[0] != '.' &&
        !strchr(name, '/'))
        return 0;
    /* Not quoted: it may be the PIN. */
    return config_complain(why, NULL,
                           "expected file:/PATH or credential:NAME, which hold the PIN; not the PIN itself");
}

static bool is_variable(const char *text, size_t size)
{
    if (size == 0 || isdigit((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    return true;
}

static int check_assignment(const char *argument, struct config_error *why)
{
    size_t size = strcspn(argument, "=");
    if (argument[size] == '=' && is_variable(argument, size))
        return 0;
    return config_complain(why, NULL, "expected NAME=VALUE, got \"%s\"", argument);
}

static int check_variable_pattern(const char *argument, struct config_error *why)
{
    if (argument[0] != '\0' && argument[strcspn(argument, "=, \t")] == '\0')
        return 0;
    return config_complain(why, NULL, "expected names of variables, * and ? allowed, got \"%s\"", argument);
}

static int check_user_pattern(const char *argument, struct config_error *why)
{
    const char *at = strchr(argument, '@');
    if (argument[0] == '\0' || argument[0] == '!' || at == argument)
        return config_complain(why, NULL, "expected USER or USER@ADDRESSES without negation, got \"%s\"",
                               argument);
    if (at && !addresses_are_valid(at + 1, false))
        return config_complain(why, NULL, "expected address patterns or CIDR blocks behind \"@\", got \"%s\"",
                               argument);
    return 0;
}

static int check_group_pattern(const char *argument, struct config_error *why)
{
    if (argument[0] != '\0' && argument[0] != '!')
        return 0;
    return config_complain(
        why, NULL, "expected names of groups, * and ? allowed, without negation, got \"%s\"", argument);
}

static bool is_method(struct sp_span method)
{
    static const char *const methods[] = {"publickey", "password", "keyboard-interactive",
                                          "keyboard-interactive:pam"};
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (sp_span_is(method, methods[i]))
            return true;
    return false;
}

/* "any" beside other lists would make them meaningless, so check_arguments() wants it alone. */
static int check_methods(const char *argument, struct config_error *why)
{
    for (const char *at = argument;; at++) {
        size_t size = strcspn(at, ",");
        if (!is_method(sp_span_of(at, size)))
            return config_complain(
                why, NULL,
                "expected \"any\" or lists of publickey, password and keyboard-interactive "
                "with commas, got \"%s\"",
                argument);
        at += size;
        if (*at == '\0')
            return 0;
    }
}

static int check_keys_file(const char *argument, struct config_error *why)
{
    bool is_good = argument[0] != '\0';
    for (const char *at = strchr(argument, '%'); at && is_good; at = strchr(at + 2, '%'))
        is_good = at[1] != '\0' && strchr("%hUu", at[1]) != NULL;
    if (is_good)
        return 0;
    return config_complain(
        why, NULL, "expected \"none\" or paths with the tokens %%%%, %%h, %%u and %%U, got \"%s\"", argument);
}

/* One file, so "none" is a word here and no list's. */
static int check_principals_file(const char *argument, struct config_error *why)
{
    return strcmp(argument, "none") == 0 ? 0 : check_keys_file(argument, why);
}

static int check_pubkey_option(const char *argument, struct config_error *why)
{
    if (strcasecmp(argument, "touch-required") == 0 || strcasecmp(argument, "verify-required") == 0)
        return 0;
    return config_complain(
        why, NULL, "expected \"none\", or \"touch-required\" and \"verify-required\", got \"%s\"", argument);
}

/* It becomes a file name below /etc/pam.d, so it must not be able to leave that. */
static int check_pam_service(const char *argument, struct config_error *why)
{
    bool is_good = isalnum((unsigned char)argument[0]) && strlen(argument) < 64;
    for (const char *at = argument; *at != '\0' && is_good; at++)
        is_good = isalnum((unsigned char)*at) || strchr("._-", *at) != NULL;
    if (is_good)
        return 0;
    return config_complain(
        why, NULL, "expected a name of letters, digits, \".\", \"_\" and \"-\", got \"%s\"", argument);
}

static int check_subsystem_name(const char *argument, struct config_error *why)
{
    bool is_good = argument[0] != '\0' && strlen(argument) <= 64;
    for (const char *at = argument; *at != '\0' && is_good; at++)
        is_good = isalnum((unsigned char)*at) || strchr("._-@", *at) != NULL;
    if (is_good)
        return 0;
    return config_complain(
        why, NULL, "expected a name of letters, digits, \".\", \"_\", \"-\" and \"@\", got \"%s\"", argument);
}

struct check {
    const char *keyword;
    check_fn check;
    const char *alone; /* a word that may stand here instead, without any other */
    size_t most;       /* arguments on one line; 0: any number */
};

static const struct check checks[] = {
    {"Port", check_port, NULL, 1},
    {"ListenAddress", check_listen_address, NULL, 1},
    {"ListenerName", check_listener_name, NULL, 0},
    {"ProxyProtocol", check_listener, "none", 0},
    {"ProxyTrusted", check_network, "none", 0},
    {"HostKey", check_host_key, NULL, 1},
    {"HostKeyStaged", check_host_key, NULL, 1},
    {"LoadModule", check_absolute, NULL, 1},
    {"HostCertificate", check_absolute, "none", 1},
    {"Policy", check_policy_spec, NULL, 0},
    {"PolicyDirectory", check_absolute, NULL, 0},
    {"PolicyTrust", check_absolute_or_none, NULL, 0},
    {"TokenModule", check_absolute, NULL, 0},
    {"TokenPIN", check_pin, NULL, 0},
    {"TokenEnvironment", check_assignment, NULL, 0},
    {"PAMConfigDirectory", check_absolute, NULL, 0},
    {"PAMServiceName", check_pam_service, NULL, 0},
    {"Subsystem", check_subsystem_name, NULL, 0},
    {"AcceptEnv", check_variable_pattern, NULL, 0},
    {"SetEnv", check_assignment, NULL, 0},
    {"AllowUsers", check_user_pattern, NULL, 0},
    {"DenyUsers", check_user_pattern, NULL, 0},
    {"AllowGroups", check_group_pattern, NULL, 0},
    {"DenyGroups", check_group_pattern, NULL, 0},
    {"AuthenticationMethods", check_methods, "any", 0},
    {"AuthorizedKeysFile", check_keys_file, "none", 0},
    {"AuthorizedPrincipalsFile", check_principals_file, NULL, 0},
    {"PubkeyAuthOptions", check_pubkey_option, "none", 0},
    {"RevokedKeys", check_absolute_or_none, NULL, 0},
    {"TrustedUserCAKeys", check_absolute_or_none, NULL, 0},
    {"Banner", check_absolute_or_none, NULL, 0},
};

const char *check_keyword_at(size_t index)
{
    return index < ARRAY_SIZE(checks) ? checks[index].keyword : NULL;
}

static const struct check *check_find(const struct option *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        if (strcmp(checks[i].keyword, option->keyword) == 0)
            return &checks[i];
    return NULL;
}

int check_arguments(const struct option *option, const char *const *arguments, size_t count,
                    struct config_error *why)
{
    const struct check *row = check_find(option);
    if (!row)
        return 0;
    if (row->most != 0 && count > row->most)
        return config_complain(why, NULL, "expected one argument and further ones on lines of their own");
    for (size_t i = 0; i < count; i++) {
        if (row->alone && strcmp(arguments[i], row->alone) == 0) {
            if (count == 1)
                return 0;
            return config_complain(why, NULL, "expected \"%s\" to stand alone", row->alone);
        }
        int result = row->check(arguments[i], why);
        if (result != 0)
            return result;
    }
    return 0;
}

int check_lines_rest(const struct option *option, const char *const *arguments, size_t count,
                     struct config_error *why)
{
    int result = 0;
    if (strcmp(option->keyword, "ListenerName") != 0)
        return 0; /* a command line */
    for (size_t i = 0; i < count && result == 0; i++)
        result = check_listener_target(arguments[i], why);
    return result;
}

const char *check_alias(const struct option *option, const char *word)
{
    static const struct {
        const char *keyword, *alias, *word;
    } aliases[] = {
        {"PermitRootLogin", "without-password", "prohibit-password"},
        {"LogLevel", "DEBUG1", "DEBUG"},
        {"LogLevel", "DEBUG2", "DEBUG"},
        {"LogLevel", "DEBUG3", "DEBUG"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
        if (strcmp(aliases[i].keyword, option->keyword) == 0 && strcasecmp(aliases[i].alias, word) == 0)
            return aliases[i].word;
    return word;
}
