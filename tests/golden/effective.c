/*
 * What is in effect as text for reviewers. Input: struct policy_effective. Output: lines. The text is made for reading and
 * comparing; what is signed and logged has a canonical form of its own.
 */
#include <sallyport/wire.h>

#include "golden.h"
#include "policy/date.h"
#include "policy/rules.h"

#define LINE_MAX_OCTETS 512u

static void print_names(const char *names, FILE *out)
{
    for (struct sp_span list = sp_text(names); list.size != 0;) {
        struct sp_span name = sp_next_name(&list);
        fprintf(out, "    %.*s\n", (int)name.size, (const char *)name.data);
    }
}

static void exception_text(const struct policy_exception *exception, char text[LINE_MAX_OCTETS])
{
    char date[DATE_TEXT_MAX];
    snprintf(text, LINE_MAX_OCTETS, "%s%s%s%s%s", exception->name, exception->not_after != 0 ? " until " : "",
             exception->not_after != 0 ? date_text(exception->not_after, date) : "",
             exception->addresses[0] != '\0' ? " for " : "", exception->addresses);
}

static void print_exceptions(const struct policy_effective *effective, enum policy_kind kind, FILE *out)
{
    char text[LINE_MAX_OCTETS];
    for (size_t i = 0; i < effective->exception_count; i++) {
        const struct policy_exception *exception = &effective->exceptions[i];
        if (exception->kind != kind)
            continue;
        exception_text(exception, text);
        fprintf(out, "    and %s (%s)\n", text, exception->origin);
    }
}

void effective_print(const struct policy_effective *effective, FILE *out)
{
    char text[LINE_MAX_OCTETS];
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        fprintf(out, "%s\n", policy_keyword(kind));
        print_names(effective->lists[kind], out);
        print_exceptions(effective, kind, out);
    }
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++) {
        if (!rule_is_set(rule, &effective->rules))
            continue;
        rule_text(rule, &effective->rules, text, sizeof text);
        fprintf(out, "%s %s\n", policy_rule_keyword(rule), text);
    }
}

/* The names of `list` that `other` does not have, behind a sign. */
static unsigned print_missing(const char *list, const char *other, char sign, FILE *out)
{
    unsigned count = 0;
    for (struct sp_span names = sp_text(list); names.size != 0;) {
        struct sp_span name = sp_next_name(&names);
        if (sp_list_has(sp_text(other), name))
            continue;
        fprintf(out, " %c%.*s", sign, (int)name.size, (const char *)name.data);
        count++;
    }
    return count;
}

static bool has_exception(const struct policy_effective *effective, enum policy_kind kind, const char *wanted)
{
    char text[LINE_MAX_OCTETS];
    for (size_t i = 0; i < effective->exception_count; i++) {
        exception_text(&effective->exceptions[i], text);
        if (effective->exceptions[i].kind == kind && strcmp(text, wanted) == 0)
            return true;
    }
    return false;
}

static unsigned print_missing_exceptions(const struct policy_effective *effective,
                                         const struct policy_effective *other, enum policy_kind kind,
                                         char sign, FILE *out)
{
    char text[LINE_MAX_OCTETS];
    unsigned count = 0;
    for (size_t i = 0; i < effective->exception_count; i++) {
        exception_text(&effective->exceptions[i], text);
        if (effective->exceptions[i].kind != kind || has_exception(other, kind, text))
            continue;
        fprintf(out, " %c(%s)", sign, text);
        count++;
    }
    return count;
}

static unsigned print_list_changes(const struct policy_effective *before,
                                   const struct policy_effective *after, enum policy_kind kind, FILE *out)
{
    char *line CLEANUP_FREE = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&line, &size);
    if (!text)
        golden_fail("out of memory");
    unsigned count = print_missing(before->lists[kind], after->lists[kind], '-', text) +
                     print_missing(after->lists[kind], before->lists[kind], '+', text) +
                     print_missing_exceptions(before, after, kind, '-', text) +
                     print_missing_exceptions(after, before, kind, '+', text);
    if (count == 0 && strcmp(before->lists[kind], after->lists[kind]) != 0) {
        fputs(" in another order", text);
        count++;
    }
    fclose(text);
    if (count != 0)
        fprintf(out, "    %s%s\n", policy_keyword(kind), line);
    return count != 0 ? 1 : 0;
}

static unsigned print_rule_changes(const struct policy_rules *before, const struct policy_rules *after,
                                   enum policy_rule rule, FILE *out)
{
    char was[LINE_MAX_OCTETS], is[LINE_MAX_OCTETS];
    rule_text(rule, before, was, sizeof was);
    rule_text(rule, after, is, sizeof is);
    if (strcmp(was, is) == 0)
        return 0;
    fprintf(out, "    %s %s\n", policy_rule_keyword(rule), is);
    return 1;
}

unsigned effective_print_changes(const struct policy_effective *before, const struct policy_effective *after,
                                 FILE *out)
{
    unsigned count = 0;
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        count += print_list_changes(before, after, kind, out);
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++)
        count += print_rule_changes(&before->rules, &after->rules, rule, out);
    return count;
}
