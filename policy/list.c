/*
 * What lines do to a list: replace it, add to it, take away, put first. Input: lines whose names the reader has checked.
 * Output: a new list in place of the old one, or the old one untouched. A name is in a list once for good, or any number
 * of times with conditions: for good wins, as whoever may use it always may use it until some day as well.
 */
#include "policy/list.h"

#include <errno.h>

#include <sallyport/wire.h>

#include "base/wildcard.h"
#include "policy/addresses_cover.h"
#include "policy/error.h"

static void entry_clear(struct policy_entry *entry)
{
    free(entry->name);
    free(entry->addresses);
}

void list_clear(struct policy_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_clear(&list->entries[i]);
    free(list->entries);
    *list = (struct policy_list){0};
}

bool list_entry_is_exception(const struct policy_entry *entry)
{
    return entry->not_after != 0 || entry->addresses != NULL;
}

size_t list_find(const struct policy_list *list, struct sp_span name, size_t from)
{
    while (from < list->count && !sp_span_is(name, list->entries[from].name))
        from++;
    return from;
}

bool list_has_for_good(const struct policy_list *list, struct sp_span name)
{
    size_t at = list_find(list, name, 0);
    return at < list->count && !list_entry_is_exception(&list->entries[at]);
}

static int list_append(struct policy_list *list, struct sp_span name, const struct policy_entry *like)
{
    struct policy_entry made = {.origin = like->origin, .not_after = like->not_after};
    if (list->count == LIST_ENTRIES_MAX)
        return POLICY_E_INVALID;
    struct policy_entry *entries = reallocarray(list->entries, list->count + 1, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    list->entries = entries;
    made.name = strndup((const char *)name.data, name.size);
    made.addresses = like->addresses ? strdup(like->addresses) : NULL;
    if (!made.name || (like->addresses && !made.addresses)) {
        entry_clear(&made);
        return -ENOMEM;
    }
    entries[list->count++] = made;
    return 0;
}

static bool same_condition(const struct policy_entry *a, const struct policy_entry *b)
{
    if (a->not_after != b->not_after || !a->addresses != !b->addresses)
        return false;
    return !a->addresses || strcmp(a->addresses, b->addresses) == 0;
}

static bool has_same(const struct policy_list *list, struct sp_span name, const struct policy_entry *like)
{
    for (size_t at = list_find(list, name, 0); at < list->count; at = list_find(list, name, at + 1))
        if (same_condition(&list->entries[at], like) || !list_entry_is_exception(&list->entries[at]))
            return true;
    return false;
}

static bool is_named(struct sp_span patterns, const char *name)
{
    while (patterns.size != 0)
        if (wildcard_matches(sp_text(name), sp_next_name(&patterns)))
            return true;
    return false;
}

/* The entries of a list; of those that `left_out` names only such as are kept. */
static int append_rest(struct policy_list *made, const struct policy_list *list, struct sp_span left_out,
                       bool keeps_permanent)
{
    int result = 0;
    for (size_t i = 0; i < list->count && result == 0; i++) {
        const struct policy_entry *entry = &list->entries[i];
        bool is_kept =
            !is_named(left_out, entry->name) || (keeps_permanent && !list_entry_is_exception(entry));
        if (is_kept)
            result = list_append(made, sp_text(entry->name), entry);
    }
    return result;
}

/* The line's names, each once, with the origin that it has in `before` if it is there for good already. */
static int append_names(struct policy_list *made, const struct policy_list *before,
                        const struct list_line *line)
{
    struct policy_entry like = {
        .origin = line->origin, .not_after = line->not_after, .addresses = (char *)line->addresses};
    int result = 0;
    for (struct sp_span names = line->names; names.size != 0 && result == 0;) {
        struct sp_span name = sp_next_name(&names);
        size_t at = before ? list_find(before, name, 0) : 0;
        bool is_old = before && at < before->count && !list_entry_is_exception(&before->entries[at]);
        if (!has_same(made, name, &like))
            result = list_append(made, name, is_old ? &before->entries[at] : &like);
    }
    return result;
}

static int make(struct policy_list *made, const struct policy_list *list, const struct list_line *line)
{
    const struct sp_span nothing = {0};
    bool has_condition = line->not_after != 0 || line->addresses;
    int result;
    switch (line->action) {
    case LIST_SET:
        return append_names(made, NULL, line);
    case LIST_REMOVE:
        return append_rest(made, list, line->names, false);
    case LIST_FIRST:
        result = append_names(made, list, line);
        return result != 0 ? result : append_rest(made, list, line->names, false);
    case LIST_ADD:
        result = append_rest(made, list, has_condition ? nothing : line->names, true);
        return result != 0 ? result : append_names(made, NULL, line);
    }
    abort();
}

int list_copy(const struct policy_list *list, struct policy_list *copy)
{
    struct policy_list made = {.is_set = list->is_set};
    int result = append_rest(&made, list, (struct sp_span){0}, true);
    if (result != 0) {
        list_clear(&made);
        return result;
    }
    *copy = made;
    return 0;
}

int list_apply(struct policy_list *list, const struct list_line *line, struct policy_error *error)
{
    struct policy_list made = {.is_set = list->is_set || line->action != LIST_REMOVE};
    int result = make(&made, list, line);
    if (result == POLICY_E_INVALID)
        policy_refuse(error, &line->origin, "%s: expected at most %u algorithms in a list",
                      policy_keyword(line->kind), LIST_ENTRIES_MAX);
    if (result != 0) {
        list_clear(&made);
        return result;
    }
    list_clear(list);
    *list = made;
    return 0;
}

static bool condition_covers(const struct policy_entry *outer, const struct policy_entry *inner)
{
    if (outer->not_after != 0 && (inner->not_after == 0 || inner->not_after > outer->not_after))
        return false;
    return !outer->addresses || (inner->addresses && addresses_cover(outer->addresses, inner->addresses));
}

static bool is_let_in(const struct policy_list *outer, const struct policy_entry *entry)
{
    struct sp_span name = sp_text(entry->name);
    for (size_t at = list_find(outer, name, 0); at < outer->count; at = list_find(outer, name, at + 1))
        if (condition_covers(&outer->entries[at], entry))
            return true;
    return false;
}

const struct policy_entry *list_find_looser(const struct policy_list *outer, const struct policy_list *inner)
{
    for (size_t i = 0; i < inner->count; i++)
        if (!is_let_in(outer, &inner->entries[i]))
            return &inner->entries[i];
    return NULL;
}
