/* Lists of a policy and what lines do to them. */
#pragma once

#include "policy/policy.h"

#define LIST_ENTRIES_MAX 128u
#define LIST_ADDRESSES_MAX 255u /* octets of an exception's Address */

/* What a line does; as it is written. */
enum list_action {
    LIST_SET = 0,
    LIST_ADD = '+',
    LIST_REMOVE = '-',
    LIST_FIRST = '^',
};

/* A list line, borrowed. */
struct list_line {
    enum policy_kind kind;
    enum list_action action;
    struct sp_span names;  /* behind the prefix; behind "-" they may have wildcards */
    int64_t not_after;     /* 0: none; LIST_ADD alone has these */
    const char *addresses; /* NULL: none */
    struct policy_origin origin;
};

void list_clear(struct policy_list *list);
int list_copy(const struct policy_list *list, struct policy_list *copy) MUST_USE;
/* The first entry of that name at or behind `from`; count: there is none. */
size_t list_find(const struct policy_list *list, struct sp_span name, size_t from);
bool list_entry_is_exception(const struct policy_entry *entry);
/* Whether the name is in the list for everybody and for good. */
bool list_has_for_good(const struct policy_list *list, struct sp_span name);
/* Applies a line whose names were checked. 0, -ENOMEM or POLICY_E_INVALID (too many); *list is untouched then. */
int list_apply(struct policy_list *list, const struct list_line *line, struct policy_error *error) MUST_USE;
/* The first entry of `inner` that `outer` does not let in to the same extent; NULL: there is none. */
const struct policy_entry *list_find_looser(const struct policy_list *outer, const struct policy_list *inner);
