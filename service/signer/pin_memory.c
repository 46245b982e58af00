/* Judging PINs. Input: what the spawner is about to send, and what became of it. Output: yes, or why not. */
#include "signer/pin_memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int memory_complain(const struct pin_memory *memory, const char *directory, int error, char *why,
                           size_t why_size)
{
    snprintf(why, why_size,
             "what is remembered of refused PINs cannot be read, and without it no PIN is sent: %.300s: %s",
             memory->refused.path[0] ? memory->refused.path : directory,
             error == -EBADMSG ? "it is damaged; move it away"
             : error == -EPERM ? "expected a regular file of the signer's user, with one name"
                               : strerror(-error));
    return PIN_MEMORY_E_REFUSED;
}

int pin_memory_open(struct pin_memory *memory, const char *directory, char *why, size_t why_size)
{
    int r = refused_open(&memory->refused, directory);
    return r ? memory_complain(memory, directory, r, why, why_size) : 0;
}

static int refused_check(struct pin_memory *memory, struct sp_span module, struct sp_span token,
                         struct sp_span octets, const char *source, char *why, size_t why_size)
{
    bool has = false;
    int r = refused_load(&memory->refused);
    if (r)
        return memory_complain(memory, "", r, why, why_size);
    r = refused_has(&memory->refused, module, token, octets, &has);
    if (r || !has)
        return r;
    const char *path = memory->refused.path;
    snprintf(
        why, why_size,
        "the token has refused the PIN in %.300s before, and it is not sent again: correct it, or, if the "
        "token has been given this PIN since, %s%.300s%s",
        source, path[0] ? "remove " : "restart the signer", path, path[0] ? " and reload" : "");
    return PIN_MEMORY_E_REFUSED;
}

/* ---- doubts ------------------------------------------------------------------------------------------------------ */

static bool is_doubted(const struct pin_doubt *doubt)
{
    return doubt->logins >= PIN_TRIES_MAX || doubt->signatures >= PIN_TRIES_MAX;
}

/* The same PIN of the same token is remembered by the same entry, so that what is told of it afterwards adds up. */
static int doubts_check(const struct pin_memory *memory, struct sp_span module, struct sp_span token,
                        struct sp_span octets, const char *source, struct refused_entry *pin, char *why,
                        size_t why_size)
{
    for (size_t i = 0; i < PIN_DOUBTS_MAX; i++) {
        const struct pin_doubt *doubt = &memory->doubts[i];
        bool fits = false;
        int r = doubt->logins + doubt->signatures == 0
                    ? 0
                    : refused_fits(&memory->refused, &doubt->pin, module, token, octets, &fits);
        if (r)
            return r;
        if (!fits)
            continue;
        if (strcmp(doubt->pin.token, pin->token) == 0)
            *pin = doubt->pin;
        if (!is_doubted(doubt))
            continue;
        snprintf(
            why, why_size,
            "logging in has failed %u times in a row, and the token did not say whether the PIN in %.300s "
            "was "
            "the reason: it may have counted as a wrong one, and is not sent again. See to the token, then "
            "restart the signer (systemctl restart sallyport-signer); or correct the PIN and reload",
            PIN_TRIES_MAX, source);
        return PIN_MEMORY_E_REFUSED;
    }
    return 0;
}

static bool is_same(const struct refused_entry *a, const struct refused_entry *b)
{
    return memcmp(a->key, b->key, sizeof a->key) == 0 && memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

static struct pin_doubt *doubt_find(struct pin_memory *memory, const struct refused_entry *pin)
{
    for (size_t i = 0; i < PIN_DOUBTS_MAX; i++) {
        struct pin_doubt *doubt = &memory->doubts[i];
        if (doubt->logins + doubt->signatures != 0 && is_same(&doubt->pin, pin))
            return doubt;
    }
    return NULL;
}

static struct pin_doubt *doubt_make(struct pin_memory *memory, const struct refused_entry *pin)
{
    struct pin_doubt *made = &memory->doubts[memory->next++ % PIN_DOUBTS_MAX];
    for (size_t i = 0; i < PIN_DOUBTS_MAX; i++)
        if (memory->doubts[i].logins + memory->doubts[i].signatures == 0)
            made = &memory->doubts[i];
    *made = (struct pin_doubt){.pin = *pin};
    return made;
}

void pin_memory_judge(struct pin_memory *memory, const struct refused_entry *pin, bool good, bool signing)
{
    struct pin_doubt *doubt = doubt_find(memory, pin);
    if (!doubt && !good)
        doubt = doubt_make(memory, pin);
    if (!doubt)
        return;
    unsigned *count = signing ? &doubt->signatures : &doubt->logins;
    *count = good ? 0 : *count + 1;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

int pin_memory_check(struct pin_memory *memory, struct sp_span module, struct sp_span token,
                     struct sp_span octets, const char *source, struct refused_entry *pin, char *why,
                     size_t why_size)
{
    int r = refused_check(memory, module, token, octets, source, why, why_size);
    if (r == 0)
        r = refused_make(&memory->refused, module, token, octets, pin);
    return r ? r : doubts_check(memory, module, token, octets, source, pin, why, why_size);
}
