/*
 * The file that a distribution's crypto-policies generate for sshd (/etc/crypto-policies/back-ends/opensshserver.config):
 * lines of sshd_config, or, on older systems, one line of shell with options for its command line:
 *
 *     CRYPTO_POLICY='-oCiphers=aes256-gcm@openssh.com,... -oMACs=... -oKexAlgorithms=...'
 *
 * Input: its text. Output: a policy with those lists. Such a file is made for another server, so it may name what this
 * one does not have, which resolving leaves out.
 */
#include "policy/parse.h"

#include <stdio.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "base/decimal.h"
#include "base/lexer.h"
#include "policy/apply.h"
#include "policy/error.h"
#include "policy/names.h"

struct generated {
    struct policy *policy;
    struct policy_origin origin;
    bool has_list;
    struct policy_error *error;
};

/* What such files hold besides, for what this server does not do: host-based logins and Kerberos. */
static const char *const ignored[] = {"GSSAPIKexAlgorithms", "GSSAPIKeyExchange",
                                      "HostbasedAcceptedAlgorithms", "HostbasedAcceptedKeyTypes"};

static bool is_ignored(const char *keyword)
{
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        if (strcasecmp(ignored[i], keyword) == 0)
            return true;
    return false;
}

static enum policy_kind generated_kind(const char *keyword)
{
    static const struct {
        const char *keyword;
        enum policy_kind kind;
    } rows[] = {{"KexAlgorithms", POLICY_KEX},
                {"HostKeyAlgorithms", POLICY_HOST_KEY},
                {"Ciphers", POLICY_CIPHER},
                {"MACs", POLICY_MAC},
                {"PubkeyAcceptedAlgorithms", POLICY_USER_KEY},
                {"PubkeyAcceptedKeyTypes", POLICY_USER_KEY},
                {"CASignatureAlgorithms", POLICY_CA_KEY}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcasecmp(rows[i].keyword, keyword) == 0)
            return rows[i].kind;
    return POLICY_KINDS;
}

static int take_list(struct generated *file, enum policy_kind kind, const char *value)
{
    struct list_line line = {.kind = kind, .names = sp_text(value), .origin = file->origin};
    line.action = apply_take_prefix(&line.names);
    bool is_good = line.names.size != 0 && line.names.data[line.names.size - 1] != ',';
    for (struct sp_span names = line.names; is_good && names.size != 0;)
        is_good = policy_is_name(sp_next_name(&names));
    if (!is_good)
        return policy_refuse(file->error, &file->origin,
                             "%s: expected algorithm names separated by commas, got \"%.200s\"",
                             policy_keyword(kind), value);
    file->has_list = true;
    return apply_list(file->policy, &line, true, file->error);
}

/* This server takes no RSA keys below the floor, whatever such a file says. */
static int take_rsa_size(struct generated *file, const char *value)
{
    char floor[12];
    uint64_t bits = 0;
    snprintf(floor, sizeof floor, "%u", RULE_RSA_FLOOR);
    const char *const argument = decimal_parse(value, RULE_RSA_FLOOR, &bits) ? floor : value;
    return apply_rule(file->policy, POLICY_RSA_SIZE, &argument, 1, file->origin, true, file->error);
}

static int take_line(struct generated *file, const struct lexer_line *line)
{
    enum policy_kind kind = generated_kind(line->keyword);
    if (is_ignored(line->keyword))
        return 0;
    if (line->count != 1)
        return policy_refuse(file->error, &file->origin, "%.64s: expected one value, got %zu", line->keyword,
                             line->count);
    if (kind != POLICY_KINDS)
        return take_list(file, kind, line->arguments[0]);
    if (strcasecmp(line->keyword, "RequiredRSASize") == 0)
        return take_rsa_size(file, line->arguments[0]);
    return policy_refuse(
        file->error, &file->origin,
        "unknown keyword \"%.64s\" in a generated policy: expected Ciphers, MACs, KexAlgorithms, "
        "HostKeyAlgorithms, PubkeyAcceptedAlgorithms, CASignatureAlgorithms or RequiredRSASize",
        line->keyword);
}

static int take_text(struct generated *file, struct sp_span text)
{
    struct lexer_line split;
    const char *why = "";
    switch (lexer_split(text, &split, &why)) {
    case 0:
        return take_line(file, &split);
    case LEXER_E_MALFORMED:
        return policy_refuse(file->error, &file->origin, "%s", why);
    default:
        return 0;
    }
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct sp_span next_option(struct sp_span *options)
{
    size_t start = 0, end;
    while (start < options->size && is_blank(options->data[start]))
        start++;
    for (end = start; end < options->size && !is_blank(options->data[end]);)
        end++;
    struct sp_span option = sp_span_of(options->data + start, end - start);
    *options = sp_span_of(options->data + end, options->size - end);
    return option;
}

static int take_options(struct generated *file, struct sp_span options)
{
    for (struct sp_span option = next_option(&options); option.size != 0; option = next_option(&options)) {
        if (option.size < 3 || memcmp(option.data, "-o", 2) != 0)
            return policy_refuse(file->error, &file->origin,
                                 "CRYPTO_POLICY: expected -oKEYWORD=VALUE, got \"%.*s\"",
                                 (int)size_min(option.size, 64), (const char *)option.data);
        int result = take_text(file, sp_span_of(option.data + 2, option.size - 2));
        if (result != 0)
            return result;
    }
    return 0;
}

#define SHELL_PREFIX "CRYPTO_POLICY="

static bool is_shell(struct sp_span line)
{
    return line.size >= strlen(SHELL_PREFIX) && memcmp(line.data, SHELL_PREFIX, strlen(SHELL_PREFIX)) == 0;
}

/* The value is in quotes of one kind, or has no blanks. */
static int take_shell(struct generated *file, struct sp_span line)
{
    struct sp_span value = sp_span_of(line.data + strlen(SHELL_PREFIX), line.size - strlen(SHELL_PREFIX));
    while (value.size != 0 && (is_blank(value.data[value.size - 1]) || value.data[value.size - 1] == '\r'))
        value.size--;
    if (value.size != 0 && (value.data[0] == '\'' || value.data[0] == '"')) {
        if (value.size < 2 || value.data[value.size - 1] != value.data[0])
            return policy_refuse(file->error, &file->origin,
                                 "CRYPTO_POLICY: expected a closing quote at the end");
        value = sp_span_of(value.data + 1, value.size - 2);
    }
    return take_options(file, value);
}

int parse_generated(struct policy *policy, const char *file, struct sp_span text, struct policy_error *error)
{
    struct generated generated = {.policy = policy, .origin = {.file = file}, .error = error};
    struct sp_span line;
    int result = 0;
    while (result == 0 && source_next_line(&text, &line)) {
        generated.origin.line++;
        result = is_shell(line) ? take_shell(&generated, line) : take_text(&generated, line);
    }
    if (result != 0 || generated.has_list)
        return result;
    generated.origin.line = 0;
    return policy_refuse(error, &generated.origin,
                         "expected at least one list such as Ciphers or KexAlgorithms");
}
