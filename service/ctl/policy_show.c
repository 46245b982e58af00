/* `sallyport policy show`. */
#include <stdio.h>
#include <time.h>
#include <string.h>

#include "ctl/describe.h"
#include "ctl/policy.h"

/* Sub-policies that could stand behind this one, for the page. */
static int subs_describe(const struct ctl_options *o, json_t *found)
{
    json_t *list = json_object();
    int r = list ? policy_list_find(o, list) : ctl_fail("out of memory");
    if (r == 0)
        (void)json_object_set(found, "policies", json_object_get(list, "policies"));
    json_decref(list);
    return r;
}

int policy_show_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP(subject_cleanup) struct subject *s = NULL;
    int r = subject_need(o, o->argument_count ? o->arguments[0] : NULL, &s);
    if (r)
        return r;
    describe_policy(s, found);
    found_set_bool(found, "all", o->all);
    if (o->token)
        found_set_string(found, "token", o->token);
    if (!o->html)
        return CTL_OK;
    found_set_time(found, "made", time(NULL));
    r = describe_clients(o, s, found);
    return r ? r : subs_describe(o, found);
}

static void entry_show(const json_t *entry)
{
    const char *verdict = found_get(entry, "verdict"), *until = found_get(entry, "not_after"),
               *addresses = found_get(entry, "addresses");
    bool in = strcmp(verdict, "in") == 0 || strcmp(verdict, "exception") == 0;
    printf("  %c %-44s %s", in ? '+' : '-', found_get(entry, "name"), found_get(entry, "origin"));
    if (*until)
        printf(", until %s", until);
    if (*addresses)
        printf(", for %s", addresses);
    printf("\n");
    if (!in)
        printf("      %s\n", found_get(entry, "why"));
}

static void lists_show(const json_t *lists)
{
    for (size_t i = 0; i < json_array_size(lists); i++) {
        const json_t *list = json_array_get(lists, i), *names = json_object_get(list, "names");
        printf("\n%s\n", found_get(list, "keyword"));
        for (size_t j = 0; j < json_array_size(names); j++)
            entry_show(json_array_get(names, j));
    }
}

static void rules_show(const json_t *rules)
{
    printf("\nRules\n");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        printf("  %s %s (%s)\n", found_get(rule, "keyword"), found_get(rule, "value"),
               found_get(rule, "origin"));
    }
    if (json_array_size(rules) == 0)
        printf("  none\n");
}

void policy_show_show(const struct ctl_options *o, const json_t *found)
{
    if (o->html) {
        page_write(found, stdout);
        return;
    }
    printf("Policy   %s\n", found_get(found, "policy"));
    if (*found_get(found, "description"))
        printf("         %s\n", found_get(found, "description"));
    printf("Digest   %s\n", found_get(found, "digest"));
    if (found_number(found, "serial"))
        printf("Serial   %lld\n", (long long)found_number(found, "serial"));
    if (*found_get(found, "expires"))
        printf("Expires  %s\n", found_get(found, "expires"));
    lists_show(json_object_get(found, "lists"));
    rules_show(json_object_get(found, "rules"));
}
