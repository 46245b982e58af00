/* `sallyport key retire`. Input: a label, typed twice. Output: a key that is no more. */
#include <stdio.h>

#include "ctl/key_found.h"
#include "ctl/token_pin.h"

static int retire_confirm(const struct token_run *run, const struct sp_manage_key *key)
{
    struct sp_span blob = sp_span_of(key->blob, key->blob_size);
    char question[512], fingerprint[KEY_FINGERPRINT_MAX] = "no public half";
    if (run->o.yes)
        return 0;
    if (blob.size != 0 && key_fingerprint(blob, fingerprint))
        return CTL_FAILED;
    snprintf(question, sizeof question,
             "This destroys the key \"%s\" (%s) for ever.\nType its label: ", key->label, fingerprint);
    return pin_confirm(question, key->label);
}

int key_retire_work(struct token_run *run, json_t *found)
{
    CLEANUP_FREE struct key_table *table = NULL;
    struct sp_hostkey_error error = {{0}};
    size_t index = 0, destroyed = 0;
    int r = keys_load(run, &table);
    if (r == 0)
        r = keys_find(table, run->o.arguments[0], &index);
    if (r)
        return r;
    const struct sp_manage_key *key = &table->keys[index];
    if (table->configured[index]) {
        (void)ctl_fail("the configuration uses the key \"%s\": take its HostKey line out and reload first",
                       key->label);
        return CTL_FINDING;
    }
    if (table->doubt[0]) {
        (void)ctl_fail("which keys the configuration uses is not certain, and none is destroyed: %s",
                       table->doubt);
        return CTL_FINDING;
    }
    r = retire_confirm(run, key);
    if (r)
        return r;
    key_describe(run, key, found_make_object(found, "retired"));
    if (manage_destroy(run->manage, key, &destroyed, &error))
        return ctl_fail("%s%s", error.text, destroyed ? "; its private half is destroyed" : "");
    found_set_number(found, "objects", (int64_t)destroyed);
    return CTL_OK;
}

void key_retire_show(const struct token_run *run, const json_t *found)
{
    const json_t *key = json_object_get(found, "retired");
    if (!key)
        return;
    printf("key \"%s\" is destroyed (%lld objects). Clients that know it go on trusting %s: tell them.\n",
           found_get(key, "label"), (long long)found_number(found, "objects"), found_get(key, "fingerprint"));
    if (!run->setup.config)
        printf("No configuration was read: nothing was known of who might use it.\n");
}
