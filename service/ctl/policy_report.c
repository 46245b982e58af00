/* `sallyport policy report`: what PolicyMode report has counted, by client. */
#include <stdio.h>

#include "ctl/policy.h"
#include "ctl/question.h"

#define PAGES_MAX 64u

/* One page; its last address, if there are more, is where the next begins. */
static int page_take(const struct ctl_options *o, char next[128], json_t *found)
{
    json_t *answer = NULL;
    int r = question_ask(o, "report", next, &answer);
    if (r)
        return r;
    json_t *rows = json_object_get(found, "addresses");
    (void)json_array_extend(rows, json_object_get(answer, "addresses"));
    snprintf(next, 128, "%s", found_get(answer, "next"));
    (void)json_object_del(answer, "next");
    (void)json_object_del(answer, "addresses");
    (void)json_object_update(found, answer);
    json_decref(answer);
    return 0;
}

int policy_report_find(const struct ctl_options *o, json_t *found)
{
    char next[128] = "";
    const json_t *rows = found_make_array(found, "addresses");
    for (unsigned pages = 0; pages == 0 || (next[0] && pages < PAGES_MAX); pages++) {
        int r = page_take(o, next, found);
        if (r)
            return r;
    }
    return json_array_size(rows) != 0 ? CTL_FINDING : CTL_OK;
}

static void client_show(const json_t *row)
{
    const char *what;
    json_t *count;
    printf("  %s: %lld times, last at %s: %s\n", found_get(row, "address"),
           (long long)found_number(row, "count"), found_get(row, "last"), found_get(row, "detail"));
    json_object_foreach(json_object_get(row, "by_kind"), what, count)
    {
        printf("      %-28s %lld\n", what, (long long)json_integer_value(count));
    }
}

void policy_report_show(const struct ctl_options *o, const json_t *found)
{
    const json_t *rows = json_object_get(found, "addresses");
    const char *policy = found_get(found, "policy_report");
    (void)o;
    if (!*policy)
        printf("PolicyMode is enforce: nothing is counted now\n");
    else
        printf("Policy %s would have refused %s\n", policy,
               json_array_size(rows) == 0 ? "nobody so far" : "these:");
    for (size_t i = 0; i < json_array_size(rows); i++)
        client_show(json_array_get(rows, i));
    if (found_number(found, "forgotten"))
        printf("  and %lld more, forgotten for those\n", (long long)found_number(found, "forgotten"));
}
