/*
 * What is enforced, as one text: the same for the same policy, whatever it is called and however it was written. Input:
 * struct policy_effective. Output: lines in a fixed order,
 *
 *     KexAlgorithms NAMES                                  in order of preference; lists that nobody asked for are left out
 *     exception Ciphers NAME NotAfter DATE Address PATTERNS   sorted; "-" where there is no such condition
 *     RequiredRSASize 3072                                 rules that are set
 */
#include <errno.h>
#include <stdio.h>

#include "policy/date.h"
#include "policy/policy.h"
#include "policy/rules.h"

static int compare_exceptions(const void *a, const void *b)
{
    const struct policy_exception *one = a, *other = b;
    int order = (int)one->kind - (int)other->kind;
    if (order == 0)
        order = strcmp(one->name, other->name);
    if (order == 0)
        order = (one->not_after > other->not_after) - (one->not_after < other->not_after);
    return order != 0 ? order : strcmp(one->addresses, other->addresses);
}

static void print_exceptions(const struct policy_effective *effective, FILE *out)
{
    struct policy_exception sorted[POLICY_EXCEPTIONS_MAX];
    char date[DATE_TEXT_MAX];
    memcpy(sorted, effective->exceptions, sizeof sorted);
    qsort(sorted, effective->exception_count, sizeof *sorted, compare_exceptions);
    for (size_t i = 0; i < effective->exception_count; i++) {
        const struct policy_exception *e = &sorted[i];
        if (i != 0 && compare_exceptions(e, &sorted[i - 1]) == 0)
            continue;
        fprintf(out, "exception %s %s NotAfter %s Address %s\n", policy_keyword(e->kind), e->name,
                e->not_after != 0 ? date_text(e->not_after, date) : "-",
                e->addresses[0] != '\0' ? e->addresses : "-");
    }
}

static void print_all(const struct policy_effective *effective, FILE *out)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        if (effective->lists[kind][0] != '\0')
            fprintf(out, "%s %s\n", policy_keyword(kind), effective->lists[kind]);
    print_exceptions(effective, out);
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++) {
        if (!rule_is_set(rule, &effective->rules))
            continue;
        fprintf(out, "%s ", policy_rule_keyword(rule));
        rule_print(rule, &effective->rules, out);
        fputc('\n', out);
    }
}

int policy_effective_text(const struct policy_effective *effective, char **text)
{
    char *made CLEANUP_FREE = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    if (!out)
        return -ENOMEM;
    print_all(effective, out);
    bool is_whole = !ferror(out);
    if (fclose(out) != 0 || !is_whole)
        return -ENOMEM;
    *text = TAKE(made);
    return 0;
}
