/*
 * MaxStartups, PerSourceMaxStartups, PerSourceNetBlockSize and RekeyLimit, in the forms of sshd_config(5), and PolicyMode. Input: the
 * arguments of a line. Output: the fields of struct config that stand behind the table's.
 */
#include "config/specials.h"

#include <inttypes.h>
#include <strings.h>

#include "config/checks.h"
#include "config/values.h"

#define STARTUPS_MAX 65536u
#define REKEY_OCTETS_MIN 1024u
#define REKEY_OCTETS_MAX (UINT64_C(1) << 60)
#define REKEY_SECONDS_MAX 31536000u /* a year */

/* "a:b:c" into numbers; how many there were, or 0: something is no number of at most `max`. */
static size_t take_numbers(const char *text, uint64_t max, uint64_t *numbers, size_t room)
{
    for (size_t i = 0; i < room; i++) {
        char part[16];
        size_t size = strcspn(text, ":");
        if (size >= sizeof part)
            return 0;
        memcpy(part, text, size);
        part[size] = '\0';
        if (!decimal_parse(part, max, &numbers[i]))
            return 0;
        if (text[size] == '\0')
            return i + 1;
        text += size + 1;
    }
    return 0;
}

static int parse_max_startups(const struct lexer_line *line, struct config *config, struct config_error *why)
{
    uint64_t n[3] = {0};
    size_t count = line->count == 1 ? take_numbers(line->arguments[0], STARTUPS_MAX, n, 3) : 0;
    if (count == 1)
        n[1] = 100, n[2] = n[0];
    if ((count != 1 && count != 3) || n[0] == 0 || n[0] > n[2] || n[1] == 0 || n[1] > 100)
        return config_complain(
            why, NULL,
            "expected START:RATE:FULL with 1 <= START <= FULL <= %u and a RATE of 1 to 100 "
            "per cent, or one number, got \"%s\"",
            STARTUPS_MAX, line->rest);
    config->startups_begin = (uint32_t)n[0];
    config->startups_rate = (uint32_t)n[1];
    config->startups_full = (uint32_t)n[2];
    return 0;
}

static void default_max_startups(struct config *config)
{
    config->startups_begin = 10;
    config->startups_rate = 30;
    config->startups_full = 100;
}

static void print_max_startups(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu32 ":%" PRIu32 ":%" PRIu32, config->startups_begin, config->startups_rate,
            config->startups_full);
}

const struct special special_max_startups = {parse_max_startups, default_max_startups, print_max_startups};

static int parse_per_source(const struct lexer_line *line, struct config *config, struct config_error *why)
{
    uint64_t number = 0;
    bool is_none = line->count == 1 && strcasecmp(line->arguments[0], "none") == 0;
    bool is_number =
        line->count == 1 && decimal_parse(line->arguments[0], STARTUPS_MAX, &number) && number != 0;
    if (!is_none && !is_number)
        return config_complain(why, NULL, "expected \"none\" or a number from 1 to %u, got \"%s\"",
                               STARTUPS_MAX, line->rest);
    config->per_source_max = is_none ? UINT32_MAX : (uint32_t)number;
    return 0;
}

static void default_per_source(struct config *config)
{
    config->per_source_max = UINT32_MAX;
}

static void print_per_source(const struct config *config, FILE *out)
{
    if (config->per_source_max == UINT32_MAX)
        fputs("none", out);
    else
        fprintf(out, "%" PRIu32, config->per_source_max);
}

const struct special special_per_source_max_startups = {parse_per_source, default_per_source,
                                                        print_per_source};

static int parse_netblock(const struct lexer_line *line, struct config *config, struct config_error *why)
{
    uint64_t n[2] = {0, 128};
    size_t count = line->count == 1 ? take_numbers(line->arguments[0], 128, n, 2) : 0;
    if (count == 0 || n[0] > 32)
        return config_complain(why, NULL, "expected IPV4BITS:IPV6BITS of at most 32:128, got \"%s\"",
                               line->rest);
    config->netblock_ipv4 = (uint32_t)n[0];
    config->netblock_ipv6 = count == 2 ? (uint32_t)n[1] : 128;
    return 0;
}

static void default_netblock(struct config *config)
{
    config->netblock_ipv4 = 32;
    config->netblock_ipv6 = 128;
}

static void print_netblock(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu32 ":%" PRIu32, config->netblock_ipv4, config->netblock_ipv6);
}

const struct special special_per_source_netblock = {parse_netblock, default_netblock, print_netblock};

/* "default", or octets with K, M or G behind them. */
static bool take_octets(const char *text, uint64_t *octets)
{
    if (strcasecmp(text, "default") == 0) {
        *octets = 0;
        return true;
    }
    return octets_parse(text, REKEY_OCTETS_MAX, octets) && (*octets == 0 || *octets >= REKEY_OCTETS_MIN);
}

static bool take_rekey_time(const char *text, uint32_t *seconds)
{
    if (strcasecmp(text, "none") == 0) {
        *seconds = 0;
        return true;
    }
    return duration_parse(text, seconds) && *seconds <= REKEY_SECONDS_MAX;
}

static int parse_rekey_limit(const struct lexer_line *line, struct config *config, struct config_error *why)
{
    uint64_t octets = 0;
    uint32_t seconds = 0;
    if (line->count < 1 || line->count > 2 || !take_octets(line->arguments[0], &octets) ||
        (line->count == 2 && !take_rekey_time(line->arguments[1], &seconds)))
        return config_complain(
            why, NULL,
            "expected \"default\" or octets such as 512M (at least 1K), then perhaps \"none\" or "
            "a time such as 1h, got \"%s\"",
            line->rest);
    config->rekey_octets = octets;
    config->rekey_s = seconds;
    return 0;
}

static void default_rekey_limit(struct config *config)
{
    config->rekey_octets = 0;
    config->rekey_s = 0;
}

static void print_rekey_limit(const struct config *config, FILE *out)
{
    fprintf(out, "%" PRIu64 " %" PRIu32, config->rekey_octets, config->rekey_s);
}

const struct special special_rekey_limit = {parse_rekey_limit, default_rekey_limit, print_rekey_limit};

static int parse_policy_mode(const struct lexer_line *line, struct config *config, struct config_error *why)
{
    bool enforces = line->count == 1 && strcasecmp(line->arguments[0], "enforce") == 0;
    bool reports = line->count == 2 && strcasecmp(line->arguments[0], "report") == 0;
    if (!enforces && !reports)
        return config_complain(why, NULL, "expected \"enforce\", or \"report\" and a policy, got \"%s\"",
                               line->rest);
    if (reports && check_policy_spec(line->arguments[1], why))
        return CONFIG_E_INVALID;
    (void)snprintf(config->policy_report, sizeof config->policy_report, "%s",
                   reports ? line->arguments[1] : "");
    return 0;
}

static void default_policy_mode(struct config *config)
{
    config->policy_report[0] = '\0';
}

static void print_policy_mode(const struct config *config, FILE *out)
{
    bool reports = config->policy_report[0] != '\0';
    fprintf(out, "%s%s", reports ? "report " : "enforce", config->policy_report);
}

const struct special special_policy_mode = {parse_policy_mode, default_policy_mode, print_policy_mode};
