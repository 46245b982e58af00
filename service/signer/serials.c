/* What is remembered of policies. Input: who signed what, a list from the other process. Output: whether it may follow. */
#include "signer/serials.h"

#include <inttypes.h>
#include <stdio.h>

#include <sallyport/wire.h>

static size_t serials_find(const struct serials *serials, const char *name)
{
    size_t at = 0;
    while (at < serials->count && strcmp(serials->items[at].name, name) != 0)
        at++;
    return at;
}

const struct serial *serials_get(const struct serials *serials, const char *name)
{
    size_t at = serials_find(serials, name);
    return at < serials->count ? &serials->items[at] : NULL;
}

int serials_check(const struct serials *serials, const struct serial *serial, char *why, size_t why_size)
{
    size_t at = serials_find(serials, serial->name);
    const struct serial *known = &serials->items[at];
    if (at == SERIALS_MAX) {
        snprintf(why, why_size,
                 "policy %s: the serials of %u policies are remembered, and there is no room for more",
                 serial->name, SERIALS_MAX);
        return SERIALS_E_REFUSED;
    }
    if (at == serials->count || serial->serial > known->serial)
        return 0;
    if (serial->serial < known->serial) {
        snprintf(why, why_size,
                 "policy %s: its Serial %" PRIu64 " is older than %" PRIu64
                 ", which this machine has accepted before",
                 serial->name, serial->serial, known->serial);
        return SERIALS_E_REFUSED;
    }
    if (memcmp(serial->digest, known->digest, POLICY_DIGEST_SIZE) == 0)
        return 0;
    snprintf(why, why_size,
             "policy %s: this machine has accepted another text with Serial %" PRIu64
             " before; a change needs a higher one",
             serial->name, serial->serial);
    return SERIALS_E_REFUSED;
}

int serials_set(struct serials *serials, const struct serial *serial, char *why, size_t why_size)
{
    int r = serials_check(serials, serial, why, why_size);
    if (r)
        return r;
    size_t at = serials_find(serials, serial->name);
    serials->items[at] = *serial;
    if (at == serials->count)
        serials->count++;
    return 0;
}

int serials_pack(const struct serials *serials, struct sp_out *out)
{
    for (size_t i = 0; i < serials->count; i++) {
        const struct serial *serial = &serials->items[i];
        sp_put_text(out, serial->name);
        sp_put_u64(out, serial->serial);
        sp_put_raw(out, sp_span_of(serial->digest, sizeof serial->digest));
    }
    return sp_put_end(out);
}

int serials_unpack(struct sp_span bytes, struct serials *serials)
{
    struct sp_in in = sp_in_of(bytes);
    size_t count = 0;
    while (in.left != 0 && !in.bad) {
        struct serial read = {.serial = 0};
        struct sp_span name = sp_get_text(&in, POLICY_NAME_MAX);
        read.serial = sp_get_u64(&in);
        struct sp_span digest = sp_get_raw(&in, POLICY_DIGEST_SIZE);
        if (in.bad || name.size == 0 || read.serial == 0 || count == SERIALS_MAX)
            return SP_E_MALFORMED;
        memcpy(read.name, name.data, name.size);
        memcpy(read.digest, digest.data, digest.size);
        serials->items[count++] = read;
    }
    serials->count = count;
    return sp_get_end(&in);
}
