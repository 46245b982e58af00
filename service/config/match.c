/*
 * The criteria of a Match line, one row each. Input: the line, and what is known about the one who connects. Output:
 * whether the block that follows applies. What is not known yet matches nothing, not even '*': a block must not apply
 * to somebody whom it was never compared with.
 */
#include "config/match.h"

#include <strings.h>

#include "base/addresses.h"
#include "config/values.h"

struct criterion {
    const char *name;
    bool (*is_valid)(const char *value);
    bool (*holds)(const char *value, const struct config_who *who);
    const char *expected;
    bool of_user;
};

static bool is_pattern_list(const char *value)
{
    return value[0] != '\0' && value[0] != ',' && value[strlen(value) - 1] != ',' && !strstr(value, ",,");
}

static bool is_address_list(const char *value)
{
    return addresses_are_valid(value, true);
}

static bool is_port(const char *value)
{
    uint64_t port = 0;
    return decimal_parse(value, UINT16_MAX, &port) && port != 0;
}

static bool holds_user(const char *value, const struct config_who *who)
{
    return who->user && config_match_patterns(who->user, value) == 1;
}

/* One group that a negated pattern names is enough to leave the block out. */
static bool holds_group(const char *value, const struct config_who *who)
{
    bool found = false;
    for (size_t i = 0; i < who->group_count; i++) {
        int result = config_match_patterns(who->groups[i], value);
        if (result < 0)
            return false;
        found = found || result == 1;
    }
    return found;
}

static bool holds_address(const char *value, const struct config_who *who)
{
    return addresses_match(who->address, value) == 1;
}

static bool holds_local_address(const char *value, const struct config_who *who)
{
    return addresses_match(who->local_address, value) == 1;
}

static bool holds_local_port(const char *value, const struct config_who *who)
{
    uint64_t port = 0;
    return decimal_parse(value, UINT16_MAX, &port) && who->local_port != 0 && port == who->local_port;
}

static bool holds_listener(const char *value, const struct config_who *who)
{
    return who->listener && config_match_patterns(who->listener, value) == 1;
}

#define EXPECTED_PATTERNS "patterns separated by commas"
#define EXPECTED_ADDRESSES                                                                                   \
    "numeric addresses, patterns of them or CIDR blocks without host bits, separated by commas"

static const struct criterion criteria[] = {
    {"User", is_pattern_list, holds_user, EXPECTED_PATTERNS, true},
    {"Group", is_pattern_list, holds_group, EXPECTED_PATTERNS, true},
    {"Address", is_address_list, holds_address, EXPECTED_ADDRESSES, false},
    {"LocalAddress", is_address_list, holds_local_address, EXPECTED_ADDRESSES, false},
    {"LocalPort", is_port, holds_local_port, "a port number from 1 to 65535", false},
    {"Listener", is_pattern_list, holds_listener, EXPECTED_PATTERNS, false},
};

static const struct {
    const char *name, *hint;
} foreign_criteria[] = {
    {"Host", "names are never looked up; use Address"},
    {"RDomain", "routing domains are not available; use LocalAddress"},
    {"Version", "it says nothing that helps here; remove it"},
    {"Invalid-User", "what unknown users see must not differ from what others see; remove it"},
    {"Exec", "no command is run to decide; use User, Group or Address"},
    {"Canonical", "it belongs to a client's configuration"},
    {"Final", "it belongs to a client's configuration"},
};

static bool is_named(const char *name, struct sp_span word)
{
    return strlen(name) == word.size && strncasecmp(name, (const char *)word.data, word.size) == 0;
}

static int refuse_criterion(struct sp_span word, struct config_error *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(foreign_criteria); i++)
        if (is_named(foreign_criteria[i].name, word))
            return config_complain(why, NULL, "the criterion %s is not available: %s",
                                   foreign_criteria[i].name, foreign_criteria[i].hint);
    return config_complain(
        why, NULL, "expected User, Group, Address, LocalAddress, LocalPort, Listener or All, got \"%.*s\"",
        (int)word.size, (const char *)word.data);
}

static const struct criterion *find_criterion(struct sp_span word)
{
    for (size_t i = 0; i < ARRAY_SIZE(criteria); i++)
        if (is_named(criteria[i].name, word))
            return &criteria[i];
    return NULL;
}

/* One criterion with its value, "User alice" or "User=alice"; *index moves behind it. */
static int take_criterion(const struct lexer_line *line, size_t *index, const struct config_who *who,
                          bool *holds, struct config_error *why)
{
    const char *argument = line->arguments[(*index)++];
    size_t size = strcspn(argument, "=");
    const struct criterion *row = find_criterion(sp_span_of(argument, size));
    if (!row)
        return refuse_criterion(sp_span_of(argument, size), why);
    const char *value = argument[size] == '='  ? argument + size + 1
                        : *index < line->count ? line->arguments[(*index)++]
                                               : "";
    if (!row->is_valid(value))
        return config_complain(why, NULL, "%s: expected %s, got \"%s\"", row->name, row->expected, value);
    *holds = row->holds(value, who);
    return 0;
}

int match_line(const struct lexer_line *line, const struct config_who *who, bool *matches,
               struct config_error *why)
{
    bool all_hold = true;
    if (line->count == 0)
        return config_complain(why, NULL,
                               "expected criteria such as User, Group or Address, or \"all\", got nothing");
    for (size_t i = 0; i < line->count;) {
        bool holds = true;
        if (strcasecmp(line->arguments[i], "all") == 0) {
            if (line->count != 1)
                return config_complain(why, NULL, "expected \"all\" to stand alone");
            break;
        }
        int result = take_criterion(line, &i, who, &holds, why);
        if (result != 0)
            return result;
        all_hold = all_hold && holds;
    }
    *matches = all_hold;
    return 0;
}

bool match_is_by_user(const struct lexer_line *line)
{
    for (size_t i = 0; i < line->count;) {
        const char *argument = line->arguments[i++];
        size_t size = strcspn(argument, "=");
        const struct criterion *row = find_criterion(sp_span_of(argument, size));
        if (row && row->of_user)
            return true;
        if (row && argument[size] != '=')
            i++; /* its value */
    }
    return false;
}
