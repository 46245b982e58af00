/* Slots of channels. Input: channel_env and the worker's channel numbers. Output: what program_start() needs. */
#include "session/slot.h"

#include <errno.h>
#include <stdio.h>

#include "config/config.h"

int slots_new(struct slots *slots, size_t count)
{
    size_t bounded = size_min(count, SLOTS_MAX);
    slots->table = calloc(bounded + 1, sizeof *slots->table);
    if (!slots->table)
        return -ENOMEM;
    slots->count = bounded;
    for (size_t i = 0; i < bounded; i++)
        slots->table[i].pty.master = -1;
    return 0;
}

void slots_free(struct slots *slots)
{
    for (size_t i = 0; i < slots->count; i++)
        slot_release(&slots->table[i]);
    free(slots->table);
    *slots = (struct slots){0};
}

struct slot *slot_find(struct slots *slots, uint32_t channel, bool make)
{
    struct slot *unused = NULL;
    for (size_t i = 0; i < slots->count; i++) {
        struct slot *slot = &slots->table[i];
        if (slot->used && slot->channel == channel)
            return slot;
        if (!slot->used && !unused)
            unused = slot;
    }
    if (!make || !unused)
        return NULL;
    unused->used = true;
    unused->channel = channel;
    return unused;
}

void slot_release(struct slot *slot)
{
    environment_free(&slot->environment);
    pty_close(&slot->pty);
    *slot = (struct slot){.pty = {.master = -1}};
}

static bool is_accepted(const struct config *config, struct sp_span name)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)name.size, (const char *)name.data);
    for (size_t i = 0; i < config->accept_env.count; i++)
        if (config_match_patterns(text, config->accept_env.items[i]) == 1)
            return true;
    return false;
}

int slot_add_variable(struct slot *slot, const struct config *config, struct sp_span name,
                      struct sp_span value)
{
    if (!environment_name_ok(name) || !environment_name_is_free(name) || !is_accepted(config, name))
        return -EPERM;
    size_t octets = slot->environment_octets + name.size + value.size + 2;
    if (slot->environment.count == SLOT_VARIABLES_MAX || octets > SLOT_ENVIRONMENT_MAX)
        return -E2BIG;
    int r = environment_set(&slot->environment, name, value);
    if (r == 0)
        slot->environment_octets = octets;
    return r;
}
