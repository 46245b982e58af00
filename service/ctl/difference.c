/* Two policies compared, list by list and rule by rule. Input: both as describe_effective() makes them. */
#include <stdio.h>
#include <string.h>

#include "ctl/policy.h"

static bool array_has(const json_t *array, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), value))
            return true;
    return false;
}

/* Those of `of` that `others` does not have, under a key; true if there are any. */
static bool missing_find(const json_t *of, const json_t *others, json_t *into, const char *key)
{
    json_t *missing = found_make_array(into, key);
    for (size_t i = 0; i < json_array_size(of); i++)
        if (!array_has(others, json_array_get(of, i)))
            (void)json_array_append(missing, json_array_get(of, i));
    return json_array_size(missing) != 0;
}

/* Whether those that both have stand in another order. */
static bool order_differs(const json_t *before, const json_t *after)
{
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *name = json_array_get(before, i);
        if (!array_has(after, name))
            continue;
        while (!array_has(before, json_array_get(after, at)))
            at++;
        if (!json_equal(json_array_get(after, at++), name))
            return true;
    }
    return false;
}

static bool lists_find(const json_t *before, const json_t *after, json_t *into)
{
    json_t *lists = found_make_array(into, "lists");
    const char *keyword;
    json_t *names;
    json_object_foreach(json_object_get(before, "lists"), keyword, names)
    {
        const json_t *others = json_object_get(json_object_get(after, "lists"), keyword);
        if (json_equal(names, others))
            continue;
        json_t *row = found_add_object(lists);
        found_set_string(row, "keyword", keyword);
        (void)missing_find(others, names, row, "added");
        (void)missing_find(names, others, row, "removed");
        found_set_bool(row, "reordered", order_differs(names, others));
        (void)json_object_set(row, "before", names);
        (void)json_object_set_new(row, "after", json_deep_copy(others));
    }
    return json_array_size(lists) != 0;
}

static void rule_add(json_t *rules, const char *keyword, const char *before, const char *after)
{
    json_t *row = found_add_object(rules);
    found_set_string(row, "keyword", keyword);
    found_set_string(row, "before", before);
    found_set_string(row, "after", after);
}

static bool rules_find(const json_t *before, const json_t *after, json_t *into)
{
    json_t *rules = found_make_array(into, "rules"), *value;
    const char *keyword;
    json_object_foreach(json_object_get(before, "rules"), keyword, value)
    {
        const char *other = found_get(json_object_get(after, "rules"), keyword);
        if (strcmp(json_string_value(value), other) != 0)
            rule_add(rules, keyword, json_string_value(value), other);
    }
    json_object_foreach(json_object_get(after, "rules"), keyword, value)
    {
        if (!json_object_get(json_object_get(before, "rules"), keyword))
            rule_add(rules, keyword, "", json_string_value(value));
    }
    return json_array_size(rules) != 0;
}

/* Without their origins: the same exception of another file is the same. */
static json_t *exceptions_bare(const json_t *from)
{
    json_t *bare = json_deep_copy(json_object_get(from, "exceptions"));
    for (size_t i = 0; i < json_array_size(bare); i++)
        (void)json_object_del(json_array_get(bare, i), "origin");
    return bare;
}

static bool exceptions_find(const json_t *before, const json_t *after, json_t *into)
{
    json_t *exceptions = found_make_object(into, "exceptions");
    json_t *one = exceptions_bare(before), *other = exceptions_bare(after);
    bool added = missing_find(other, one, exceptions, "added");
    bool removed = missing_find(one, other, exceptions, "removed");
    json_decref(one);
    json_decref(other);
    return added || removed;
}

bool difference_find(const json_t *before, const json_t *after, json_t *into)
{
    bool lists = lists_find(before, after, into);
    bool rules = rules_find(before, after, into);
    bool exceptions = exceptions_find(before, after, into);
    return lists || rules || exceptions;
}

static void names_show(const json_t *names, char sign)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        printf("  %c %s\n", sign, json_string_value(json_array_get(names, i)));
}

static void exceptions_show(const json_t *exceptions, char sign)
{
    for (size_t i = 0; i < json_array_size(exceptions); i++) {
        const json_t *row = json_array_get(exceptions, i);
        const char *until = found_get(row, "not_after"), *addresses = found_get(row, "addresses");
        printf("  %c %s %s%s%s%s%s\n", sign, found_get(row, "keyword"), found_get(row, "name"),
               *until ? ", until " : "", until, *addresses ? ", for " : "", addresses);
    }
}

static void list_show(const json_t *row)
{
    const json_t *added = json_object_get(row, "added"), *removed = json_object_get(row, "removed");
    printf("%s\n", found_get(row, "keyword"));
    names_show(removed, '-');
    names_show(added, '+');
    if (found_is(row, "reordered")) {
        CLEANUP_FREE char *order = found_join(json_object_get(row, "after"), ",");
        printf("  in another order: %s\n", order ? order : "");
    }
}

void difference_show(const json_t *difference)
{
    const json_t *lists = json_object_get(difference, "lists"), *rules = json_object_get(difference, "rules"),
                 *exceptions = json_object_get(difference, "exceptions");
    for (size_t i = 0; i < json_array_size(lists); i++)
        list_show(json_array_get(lists, i));
    if (json_array_size(json_object_get(exceptions, "added")) ||
        json_array_size(json_object_get(exceptions, "removed")))
        printf("Exceptions\n");
    exceptions_show(json_object_get(exceptions, "removed"), '-');
    exceptions_show(json_object_get(exceptions, "added"), '+');
    if (json_array_size(rules))
        printf("Rules\n");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *row = json_array_get(rules, i);
        if (*found_get(row, "before"))
            printf("  - %s %s\n", found_get(row, "keyword"), found_get(row, "before"));
        if (*found_get(row, "after"))
            printf("  + %s %s\n", found_get(row, "keyword"), found_get(row, "after"));
    }
}
