/* `sallyport policy diff`. */
#include <stdio.h>

#include "ctl/describe.h"
#include "ctl/policy.h"

/* Half of it: one policy, under a key. */
static int side_find(const struct ctl_options *o, const char *name, json_t *found, const char *key)
{
    CLEANUP(subject_cleanup) struct subject *s = NULL;
    int r = subject_need(o, name, &s);
    if (r)
        return r;
    json_t *side = found_make_object(found, key);
    found_set_string(side, "policy", s->spec);
    describe_effective(&s->effective, s->digest, side);
    return CTL_OK;
}

int policy_diff_find(const struct ctl_options *o, json_t *found)
{
    int r = side_find(o, o->arguments[0], found, "before");
    if (r == 0)
        r = side_find(o, o->arguments[1], found, "after");
    if (r)
        return r;
    bool differs = difference_find(json_object_get(found, "before"), json_object_get(found, "after"),
                                   found_make_object(found, "difference"));
    found_set_bool(found, "same", !differs);
    return differs ? CTL_FINDING : CTL_OK;
}

void policy_diff_show(const struct ctl_options *o, const json_t *found)
{
    (void)o;
    if (found_is(found, "same"))
        printf("The same (digest %s)\n", found_get(json_object_get(found, "before"), "digest"));
    else
        difference_show(json_object_get(found, "difference"));
}
