/*
 * Pattern and address lists, as they stand in Match lines, in AllowUsers and in from="..." of authorized_keys. The input
 * is two texts with a newline between: value and list. It looks for broken promises: results outside of their range, a
 * negation that makes somebody match, lists that are valid for one function and malformed for the other.
 */
#include <stdlib.h>

#include "base/addresses.h"
#include "config/config.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_addresses(const char *value, const char *list)
{
    struct address address;
    int result = addresses_match(value, list);
    require(result >= -2 && result <= 1);
    require((result == -2) == !addresses_are_valid(list, false));
    require(result != 1 || address_parse(value, &address));
    if (addresses_are_valid(list, true))
        require(result != -2);
    if (address_parse(list, &address))
        require(addresses_match(list, list) == 1);
}

/* "LIST,!VALUE" never matches, if the value is no pattern and has no comma of its own. */
static void check_patterns(const char *value, const char *list)
{
    int result = config_match_patterns(value, list);
    require(result >= -1 && result <= 1);
    if (strpbrk(value, ",*?!"))
        return;
    size_t size = strlen(value) + strlen(list) + 3;
    char *negated = malloc(size);
    require(negated != NULL);
    memcpy(negated, list, strlen(list));
    memcpy(negated + strlen(list), ",!", 2);
    memcpy(negated + strlen(list) + 2, value, strlen(value) + 1);
    require(config_match_patterns(value, negated) == -1);
    free(negated);
}

/* A list of the configuration's on DEFAULT: refused with words, or it leaves no name twice and none without its line. */
static void check_policy(const char *names)
{
    struct policy_files *files = NULL;
    struct policy *policy = NULL;
    struct policy_error error = {{0}};
    require(policy_files_new(&files) == 0 && policy_load(files, "DEFAULT", 0, &policy, &error) == 0);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        const struct policy_list *list = &policy->lists[kind];
        int result = policy_amend(policy, kind, names, "fuzz.conf", 7, &error);
        require(result == 0 || (result == POLICY_E_INVALID && error.text[0] != '\0'));
        for (size_t i = 0; i < list->count; i++)
            for (size_t k = 0; k < i; k++)
                require(strcmp(list->entries[i].name, list->entries[k].name) != 0);
    }
    policy_free(policy);
    policy_files_free(files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = calloc(1, size + 2);
    require(value != NULL);
    if (size != 0)
        memcpy(value, data, size);
    char *list = strchr(value, '\n');
    if (list)
        *list++ = '\0';
    else
        list = value + strlen(value);
    char host[CONFIG_HOST_MAX];
    uint16_t port = 0;
    check_addresses(value, list);
    check_patterns(value, list);
    check_policy(list);
    (void)config_match_user(value, "192.0.2.1", list);
    if (config_listen_address(value, host, &port) == 0)
        require(strlen(host) < sizeof host);
    struct config_who who = {0};
    struct config_error error = {0};
    char *storage = NULL;
    if (config_who_parse(value, &who, &storage, &error) == 0)
        require(storage != NULL);
    free(storage);
    free(value);
    return 0;
}
