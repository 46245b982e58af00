/*
 * Compressed packets of a hostile client. The input's first octet chooses what is done: the rest is packets, each behind
 * two octets of length, that are expanded one after the other; or payloads that are compressed and expanded again, with
 * room for each or, by its lowest bit, with one octet too few. More than the limit, an empty payload, a result beside 0
 * that leaves octets behind, or a payload that does not come back is a broken promise.
 */
#include <stdint.h>
#include <stdlib.h>

#include <sallyport/registry.h>

#define LIMIT 35000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* The next packet: two octets of length, cut to what is there. */
static struct sp_span next(const uint8_t **data, size_t *size)
{
    size_t length = (size_t)(*data)[0] << 8 | (*data)[1];
    *data += 2;
    *size -= 2;
    struct sp_span packet = sp_span_of(*data, length < *size ? length : *size);
    *data += packet.size;
    *size -= packet.size;
    return packet;
}

/* In room of exactly that many octets, so that one more is seen. */
static int expand(const struct sp_compression_ops *ops, void *state, struct sp_span packet, size_t most,
                  struct sp_out *out)
{
    *out = (struct sp_out){.data = malloc(most ? most : 1), .capacity = most};
    require(out->data != NULL);
    int r = ops->expand(state, packet, out);
    require(r >= 0 && out->size <= most && (r == 0) == (out->size != 0));
    return r;
}

static void hostile(const struct sp_compression_ops *ops, const uint8_t *data, size_t size)
{
    void *state;
    int r = 0;
    require(ops->open(false, &state) == 0);
    while (r == 0 && size > 2) {
        struct sp_out out;
        r = expand(ops, state, next(&data, &size), LIMIT, &out);
        free(out.data);
    }
    ops->close(state);
}

static void round_trips(const struct sp_compression_ops *ops, const uint8_t *data, size_t size,
                        bool too_little)
{
    static uint8_t packed[LIMIT + SP_COMPRESSION_GROWTH];
    void *ours, *theirs;
    int r = 0;
    require(ops->open(true, &ours) == 0 && ops->open(false, &theirs) == 0);
    while (r == 0 && size > 2) {
        struct sp_span payload = next(&data, &size);
        struct sp_out wire = {.data = packed, .capacity = payload.size + SP_COMPRESSION_GROWTH}, back;
        if (payload.size == 0 || payload.size > LIMIT)
            break;
        require(ops->compress(ours, payload, &wire) == 0);
        r = expand(ops, theirs, sp_written(&wire), payload.size - (too_little ? 1 : 0), &back);
        require(r == (too_little ? SP_E_NO_ROOM : 0));
        require(too_little || sp_span_equal(sp_written(&back), payload));
        free(back.data);
    }
    ops->close(ours);
    ops->close(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sp_compression_ops *ops = compression_find(sp_text("zlib@openssh.com"));
    if (size < 4)
        return 0;
    if (data[0] & 2)
        round_trips(ops, data + 1, size - 1, data[0] & 1);
    else
        hostile(ops, data + 1, size - 1);
    return 0;
}
