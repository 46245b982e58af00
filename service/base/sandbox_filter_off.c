/*
 * No allow-list at all, for a build that is run under valgrind (-Dsandbox_extra=tools): valgrind knows neither seccomp(2)
 * nor what it would itself be forbidden. A program of this build says so at each start; no other build has this file.
 */
#include <stdio.h>

#include "base/sandbox.h"

struct sandbox_filter {
    size_t rules;
};

int sandbox_filter_build(const struct sandbox_rule *rules, size_t count, struct sandbox_filter **filter)
{
    static struct sandbox_filter made; /* nothing to free, so that nothing is reported as lost */
    (void)rules;
    made.rules = count;
    *filter = &made;
    return 0;
}

void sandbox_filter_free(struct sandbox_filter *filter)
{
    (void)filter;
}

int sandbox_filter_load(const struct sandbox_filter *filter)
{
    fprintf(stderr, "a build for valgrind: %zu rules for system calls are NOT in force\n", filter->rules);
    return 0;
}
