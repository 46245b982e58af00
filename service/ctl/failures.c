/* `sallyport failures`. Input: the last attempts that came to nothing. Output: a table. */
#include <stdio.h>
#include <string.h>

#include "ctl/question.h"
#include "ctl/status.h"
#include "ctl/terminal.h"

int failures_find(const struct ctl_options *o, json_t *found)
{
    const char *most = o->argument_count ? o->arguments[0] : "";
    json_t *answer = NULL;
    if (strspn(most, "0123456789") != strlen(most) || strlen(most) > 6)
        return ctl_misuse("expected a number of failures, got \"%s\"", most);
    int r = question_ask(o, "failures", most, &answer);
    if (r)
        return r;
    (void)json_object_update(found, answer);
    json_decref(answer);
    return CTL_OK;
}

static void cell(struct table *table, const char *text)
{
    char safe[2100];
    table_add(table, terminal_text(text, safe, sizeof safe));
}

static void row_add(struct table *table, const json_t *row)
{
    char at[32];
    cell(table, terminal_time(found_get(row, "time"), at));
    cell(table, found_get(row, "address"));
    cell(table, found_get(row, "stage"));
    cell(table, found_get(row, "user"));
    cell(table, found_get(row, "method"));
    cell(table, found_get(row, "reason"));
}

void failures_show(const struct ctl_options *o, const json_t *found)
{
    static const char *const heads[] = {"TIME", "FROM", "STAGE", "USER", "METHOD", "REASON"};
    const json_t *rows = json_object_get(found, "failures");
    CLEANUP(table_cleanup) struct table table = {.columns = ARRAY_SIZE(heads)};
    (void)o;
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
        table_add(&table, heads[i]);
    for (size_t i = 0; i < json_array_size(rows); i++)
        row_add(&table, json_array_get(rows, i));
    table_print(&table);
    printf("\n%zu of %lld failures listed, %lld in the last hour.\n", json_array_size(rows),
           (long long)found_number(found, "total"), (long long)found_number(found, "last_hour"));
}
