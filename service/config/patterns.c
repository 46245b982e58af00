/*
 * Patterns of sshd_config(5) over names of users and groups. Input: a value, and a list from the configuration or an
 * authorized_keys file. Output: whether it matches, with '!' winning over everything else in the list.
 */
#include "base/addresses.h"
#include "config/config.h"

#include <sallyport/wire.h>

#include "policy/names.h"

int config_match_patterns(const char *value, const char *patterns)
{
    struct sp_span name = sp_text(value);
    int found = 0;
    for (struct sp_span list = sp_text(patterns); list.size != 0;) {
        struct sp_span pattern = sp_next_name(&list);
        bool is_negated = pattern.size != 0 && pattern.data[0] == '!';
        if (is_negated) {
            pattern.data++;
            pattern.size--;
        }
        if (!wildcard_matches(name, pattern))
            continue;
        if (is_negated)
            return -1;
        found = 1;
    }
    return found;
}

/* As sshd does, the first '@' divides, and user patterns here are single ones: a ',' or '!' has no meaning in them. */
bool config_match_user(const char *user, const char *address, const char *pattern)
{
    const char *at = strchr(pattern, '@');
    size_t size = at ? (size_t)(at - pattern) : strlen(pattern);
    if (!wildcard_matches(sp_text(user), sp_span_of(pattern, size)))
        return false;
    return !at || addresses_match(address, at + 1) == 1;
}
