/* `sallyport token list`. Input: what a module says of its slots, without a login. Output: the same in words, and whether
 * the PIN in its file may be sent. */
#include <stdio.h>
#include <string.h>

#include "ctl/key_found.h"
#include "ctl/token_memory.h"

static const struct {
    enum sp_token_flag flag;
    bool is_set;
    const char *words;
} rows[] = {
    {SP_TOKEN_INITIALISED, true, "initialised"},
    {SP_TOKEN_LOGIN_REQUIRED, true, "login required"},
    {SP_TOKEN_LOGIN_REQUIRED, false, "no login"},
    {SP_TOKEN_PIN_SET, false, "no user PIN"},
    {SP_TOKEN_PIN_LOW, true, "PIN count low"},
    {SP_TOKEN_PIN_FINAL, true, "PIN final try"},
    {SP_TOKEN_PIN_LOCKED, true, "PIN locked"},
    {SP_TOKEN_PIN_CHANGE, true, "PIN to be changed"},
    {SP_TOKEN_PIN_PAD, true, "PIN pad"},
    {SP_TOKEN_READ_ONLY, true, "write-protected"},
    {SP_TOKEN_SO_PIN_LOW, true, "SO PIN count low"},
    {SP_TOKEN_SO_PIN_FINAL, true, "SO PIN final try"},
    {SP_TOKEN_SO_PIN_LOCKED, true, "SO PIN locked"},
};

static void flags_describe(unsigned flags, json_t *into)
{
    json_t *words = found_make_array(into, "flags");
    if (!(flags & SP_TOKEN_INITIALISED)) { /* it has no PINs yet, whatever the other flags are */
        found_add_string(words, "not initialised");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (((flags & (unsigned)rows[i].flag) != 0) == rows[i].is_set)
            found_add_string(words, rows[i].words);
}

static void mechanisms_describe(const struct sp_token_slot *slot, json_t *into)
{
    json_t *list = found_make_array(into, "mechanisms");
    for (size_t i = 0; i < slot->mechanism_count; i++) {
        const struct sp_token_mechanism *m = &slot->mechanisms[i];
        json_t *row = found_add_object(list);
        found_set_string(row, "name", m->name);
        found_set_number(row, "min", (int64_t)m->min);
        found_set_number(row, "max", (int64_t)m->max);
        found_set_bool(row, "signs", m->signs);
        found_set_bool(row, "generates", m->generates);
    }
}

void token_describe(const struct sp_token_slot *slot, json_t *into)
{
    found_set_label(into, "label", slot->label);
    found_set_label(into, "serial", slot->serial);
    found_set_label(into, "model", slot->model);
    found_set_label(into, "manufacturer", slot->manufacturer);
}

int token_list_work(struct token_run *run, json_t *found)
{
    static struct sp_token_slot slots[SP_MANAGE_SLOTS_MAX];
    static const char *const states[] = {
        [REMEMBERED_UNKNOWN] = "unknown", [REMEMBERED_NOT] = "may be sent", [REMEMBERED_REFUSED] = "refused"};
    struct sp_hostkey_error error = {{0}};
    char path[PATH_MAX] = "";
    size_t count = 0;
    int r = manage_slots(run->manage, slots, &count, &error);
    if (r)
        return ctl_fail("%s", error.text);
    found_set_string(found, "module", run->setup.module);
    json_t *list = found_make_array(found, "slots");
    for (size_t i = 0; i < count; i++) {
        json_t *row = found_add_object(list);
        found_set_number(row, "slot", (int64_t)slots[i].id);
        found_set_label(row, "description", slots[i].description);
        token_describe(&slots[i], row);
        flags_describe(slots[i].flags, row);
        mechanisms_describe(&slots[i], row);
    }
    json_t *pin = found_make_object(found, "pin");
    enum token_remembered remembered = token_memory_knows(run, path);
    found_set_string(pin, "source", run->setup.pin_source);
    found_set_string(pin, "state", states[remembered]);
    found_set_string(pin, "memory", path);
    return remembered == REMEMBERED_REFUSED ? CTL_FINDING : CTL_OK;
}

static void slot_show(const json_t *row)
{
    const json_t *mechanisms = json_object_get(row, "mechanisms");
    CLEANUP_FREE char *flags = found_join(json_object_get(row, "flags"), ", ");
    printf("slot %lld: %s\n", (long long)found_number(row, "slot"), found_get(row, "description"));
    printf("    label \"%s\", serial %s, model %s, by %s\n", found_get(row, "label"),
           found_get(row, "serial"), found_get(row, "model"), found_get(row, "manufacturer"));
    printf("    %s\n", flags ? flags : "");
    for (size_t i = 0; i < json_array_size(mechanisms); i++) {
        const json_t *m = json_array_get(mechanisms, i);
        printf("    %s %lld-%lld%s%s\n", found_get(m, "name"), (long long)found_number(m, "min"),
               (long long)found_number(m, "max"), found_is(m, "signs") ? ", signs" : "",
               found_is(m, "generates") ? ", makes keys" : "");
    }
}

void token_list_show(const struct token_run *run, const json_t *found)
{
    const json_t *slots = json_object_get(found, "slots"), *pin = json_object_get(found, "pin");
    printf("module %s\n", found_get(found, "module"));
    for (size_t i = 0; i < json_array_size(slots); i++)
        slot_show(json_array_get(slots, i));
    if (!*found_get(pin, "source"))
        printf("PIN: no file is configured\n");
    else
        printf("PIN in %s: %s\n", found_get(pin, "source"), found_get(pin, "state"));
    if (strcmp(found_get(pin, "state"), "refused") == 0)
        printf("    The token has refused it before, and it is not sent again. Correct it; or, if the token "
               "has been "
               "given\n    this PIN since, remove %s and reload the server.\n",
               found_get(pin, "memory"));
}
