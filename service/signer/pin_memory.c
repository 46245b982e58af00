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

int pin_memory_check(struct pin_memory *memory, struct sp_span module, struct sp_span token,
                     struct sp_span octets, const char *source, struct refused_entry *pin, char *why,
                     size_t why_size)
{
    int r = refused_check(memory, module, token, octets, source, why, why_size);
    return r ? r : refused_make(&memory->refused, module, token, octets, pin);
}
