/* `sallyport policy running`: the server that runs, and the files that it would read now. */
#include <stdio.h>
#include <string.h>

#include "ctl/describe.h"
#include "ctl/policy.h"
#include "ctl/question.h"
#include "ctl/tokens.h"

static const json_t *current_of(const json_t *answer)
{
    const json_t *generations = json_object_get(answer, "generations");
    for (size_t i = 0; i < json_array_size(generations); i++)
        if (strcmp(found_get(json_array_get(generations, i), "state"), "current") == 0)
            return json_array_get(generations, i);
    return NULL;
}

static bool array_has(const json_t *array, const char *name)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)), name) == 0)
            return true;
    return false;
}

/* The server's own keys decide about host key algorithms, not those that might be. Whether they have what only the new files
 * list is not known; that they may is a difference. */
static void host_keys_take(struct subject *s, const json_t *current)
{
    const json_t *proven = json_object_get(current, "host_key_algorithms"),
                 *listed = json_object_get(current, "host_keys_listed");
    const struct policy_list *list = &s->policy->lists[POLICY_HOST_KEY];
    json_t *names = json_copy((json_t *)(uintptr_t)proven);
    if (json_array_size(proven) == 0 || !names) {
        json_decref(names);
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        if (!array_has(listed, list->entries[i].name))
            found_add_string(names, list->entries[i].name);
    CLEANUP_FREE char *joined = found_join(names, ",");
    if (joined)
        build_set_host_keys(&s->build, sp_text(joined));
    json_decref(names);
}

/* What the files say now. One that cannot be used any more is a difference as well. */
static int files_find(const struct ctl_options *o, const json_t *current, json_t *found)
{
    CLEANUP(subject_cleanup) struct subject *s = NULL;
    struct policy_error error = {.text = ""};
    json_t *files = found_make_object(found, "files");
    int r = subject_open(o, o->config ? NULL : found_get(current, "policy"), &s, &error);
    if (r == 0) {
        host_keys_take(s, current);
        r = subject_resolve(s, &error);
    }
    if (r > CTL_FINDING)
        return r;
    if (r == CTL_FINDING) {
        found_set_string(files, "error", error.text);
        return 0;
    }
    found_set_string(files, "policy", s->spec);
    describe_effective(&s->effective, s->digest, files);
    return 0;
}

static bool is_same(const json_t *current, const json_t *files)
{
    return strcmp(found_get(current, "policy"), found_get(files, "policy")) == 0 &&
           *found_get(files, "digest") &&
           strcmp(found_get(current, "digest"), found_get(files, "digest")) == 0;
}

int policy_running_find(const struct ctl_options *o, json_t *found)
{
    json_t *answer = NULL;
    int r = question_ask(o, "running", "", &answer);
    if (r)
        return r;
    const json_t *current = current_of(answer);
    (void)json_object_set(found, "running", answer);
    if (!current)
        r = ctl_fail("the server has no configuration in force yet");
    if (r == 0)
        r = files_find(o, current, found);
    if (r == 0) {
        const json_t *files = json_object_get(found, "files");
        bool same = is_same(current, files);
        found_set_bool(found, "same", same);
        if (!same && !*found_get(files, "error") && json_object_get(current, "lists"))
            (void)difference_find(current, files, found_make_object(found, "difference"));
        r = same ? CTL_OK : CTL_FINDING;
    }
    json_decref(answer);
    return r;
}

static void generation_show(const json_t *g)
{
    printf("  generation %lld (%s): %s, digest %s, loaded %s, %lld connections\n",
           (long long)found_number(g, "number"), found_get(g, "state"), found_get(g, "policy"),
           found_get(g, "digest"), found_get(g, "loaded"), (long long)found_number(g, "users"));
}

void policy_running_show(const struct ctl_options *o, const json_t *found)
{
    const json_t *running = json_object_get(found, "running"), *files = json_object_get(found, "files"),
                 *generations = json_object_get(running, "generations");
    printf("Server %s, policy mode %s %s\n", found_get(running, "version"), found_get(running, "policy_mode"),
           found_get(running, "policy_report"));
    for (size_t i = 0; i < json_array_size(generations); i++)
        generation_show(json_array_get(generations, i));
    tokens_show(running);
    if (*found_get(files, "error")) {
        printf("The files cannot be used any more: %s\n", found_get(files, "error"));
        return;
    }
    printf("Files: %s, digest %s\n", found_get(files, "policy"), found_get(files, "digest"));
    if (found_is(found, "same")) {
        printf("The same\n");
        return;
    }
    printf("Different; from what runs to what the files say:\n");
    difference_show(json_object_get(found, "difference"));
    if (!o->config)
        printf("(lists of the configuration itself are looked at with --config)\n");
}
