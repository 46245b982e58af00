/* `sallyport policy list`. */
#include <stdio.h>
#include <string.h>

#include "base/lexer.h"
#include "config/config.h"
#include "policy/source.h"

#include "ctl/policy.h"

static void files_cleanup(struct policy_files **files)
{
    policy_files_free(*files);
}

/* The first value of a keyword, as the loader would take it. */
static void keyword_find(struct sp_span text, const char *keyword, json_t *row, const char *key)
{
    struct sp_span line;
    while (source_next_line(&text, &line)) {
        struct lexer_line words;
        const char *why;
        if (lexer_split(line, &words, &why) != 0 || strcasecmp(words.keyword, keyword) != 0 ||
            words.count == 0)
            continue;
        found_set_string(row, key, words.arguments[0]);
        return;
    }
}

static void file_describe(const struct policy_file *file, json_t *rows)
{
    struct source_header header = {.is_sub = false};
    json_t *row = found_add_object(rows);
    source_scan(file->text, &header);
    found_set_string(row, "name", file->name);
    found_set_bool(row, "sub_policy", header.is_sub);
    found_set_string(row, "description", "");
    keyword_find(file->text, "Description", row, "description");
    if (header.inherit[0])
        found_set_string(row, "inherits", header.inherit);
    found_set_bool(row, "signed", file->signature.size != 0);
    found_set_string(row, "file", file->path ? file->path : "");
}

static int compare_names(const void *a, const void *b)
{
    const struct policy_file *const *one = a, *const *other = b;
    return strcmp((*one)->name, (*other)->name);
}

static int files_describe(const struct policy_files *files, json_t *found)
{
    const struct policy_file *sorted[POLICY_FILES_MAX + 1], *file;
    size_t count = 0;
    json_t *rows = found_make_array(found, "policies");
    while (count < POLICY_FILES_MAX && (file = policy_files_at(files, count)))
        sorted[count++] = file;
    if (!policy_files_find(files, SOURCE_DEFAULT))
        sorted[count++] = policy_builtin();
    qsort(sorted, count, sizeof sorted[0], compare_names);
    for (size_t i = 0; i < count; i++)
        file_describe(sorted[i], rows);
    return CTL_OK;
}

int policy_list_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP(subject_cleanup) struct subject *subject = NULL;
    CLEANUP(files_cleanup) struct policy_files *files = NULL;
    struct policy_error error = {.text = ""};
    const char *const *directories;
    size_t count;
    if (o->config) { /* for its directories; whether it is right is for `check` */
        int r = subject_open(o, NULL, &subject, &error);
        if (r != 0 && !(subject && subject->config))
            return r == CTL_FINDING ? ctl_fail("%s", error.text) : r;
    }
    subject_directories(o, subject ? subject->config : NULL, &directories, &count);
    int r = policy_files_new(&files);
    if (r == 0)
        r = policy_files_read_all(files, directories, count, &error);
    if (r)
        return ctl_fail("%s", r == POLICY_E_INVALID ? error.text : strerror(-r));
    return files_describe(files, found);
}

void policy_list_show(const struct ctl_options *o, const json_t *found)
{
    const json_t *rows = json_object_get(found, "policies");
    (void)o;
    for (int subs = 0; subs < 2; subs++) {
        printf("%s%s:\n", subs ? "\n" : "",
               subs ? "Sub-policies, for use behind a policy and \":\"" : "Policies");
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);
            const char *file = found_get(row, "file");
            if (found_is(row, "sub_policy") == (subs != 0))
                printf("  %-16s %s%s\n  %16s %s\n", found_get(row, "name"), found_get(row, "description"),
                       found_is(row, "signed") ? " (signed)" : "", "", file[0] ? file : "in this program");
        }
    }
}
