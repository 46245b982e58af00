/*
 * zlib@openssh.com: payloads come from the transport and go back to it. RFC 4253 section 6.2, RFC 1950, RFC 1951;
 * draft-miller-secsh-compression-delayed for when it begins, which the transport sees to.
 *
 * The arithmetic is zlib's. What is ours is the limit on what one packet may become, and the memory: zlib remembers up
 * to 64 KiB of what was sent or received, which is wiped with it.
 */
#include <sallyport/compression.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

struct zlib_state {
    z_stream stream;
    bool compress;
};

/* In front of each block of zlib's, keeping its alignment: what has to be wiped. */
union block_head {
    size_t size;
    max_align_t alignment;
};

static voidpf block_alloc(voidpf unused, uInt items, uInt item_size)
{
    size_t size;
    if (__builtin_mul_overflow((size_t)items, (size_t)item_size, &size) ||
        __builtin_add_overflow(size, sizeof(union block_head), &size))
        return Z_NULL;
    union block_head *head = calloc(1, size);
    if (!head)
        return Z_NULL;
    head->size = size;
    return head + 1;
}

static void block_free(voidpf unused, voidpf block)
{
    union block_head *head = (union block_head *)block - 1;
    explicit_bzero(head, head->size);
    free(head);
}

static int errno_of(int result)
{
    return result == Z_MEM_ERROR ? -ENOMEM : -EIO;
}

static int zlib_open(bool compress, void **state)
{
    struct zlib_state *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->compress = compress;
    made->stream.zalloc = block_alloc;
    made->stream.zfree = block_free;
    int result = compress ? deflateInit(&made->stream, Z_DEFAULT_COMPRESSION) : inflateInit(&made->stream);
    if (result != Z_OK) {
        free(made);
        return errno_of(result);
    }
    *state = made;
    return 0;
}

static void zlib_close(void *state)
{
    struct zlib_state *zlib = state;
    if (!zlib)
        return;
    /* Both complain of streams that are not at their end, and free them all the same. */
    if (zlib->compress)
        (void)deflateEnd(&zlib->stream);
    else
        (void)inflateEnd(&zlib->stream);
    free(zlib);
}

static void input_set(z_stream *stream, struct sp_span data)
{
    stream->next_in = (Bytef *)(uintptr_t)data.data;
    stream->avail_in = (uInt)data.size;
}

static void output_set(z_stream *stream, const struct sp_out *out)
{
    stream->next_out = out->data + out->size;
    stream->avail_out = (uInt)(out->capacity - out->size);
}

static bool sizes_fit(struct sp_span data, const struct sp_out *out)
{
    return data.size <= UINT_MAX && out->capacity <= UINT_MAX;
}

/* RFC 4253 section 6.2: a partial flush ends the packet. It is complete when room is left behind it. */
static int zlib_compress(void *state, struct sp_span payload, struct sp_out *out)
{
    z_stream *stream = &((struct zlib_state *)state)->stream;
    if (!sizes_fit(payload, out))
        return -EINVAL;
    input_set(stream, payload);
    output_set(stream, out);
    int result = deflate(stream, Z_PARTIAL_FLUSH);
    if (result != Z_OK || stream->avail_in != 0 || stream->avail_out == 0)
        return result == Z_OK ? -ENOBUFS : errno_of(result);
    out->size = out->capacity - stream->avail_out;
    return 0;
}

/* The room is full, and the packet may be just that long: whether anything more comes shows in one octet. */
static bool more_comes(z_stream *stream, int *result)
{
    uint8_t more;
    stream->next_out = &more;
    stream->avail_out = sizeof more;
    *result = inflate(stream, Z_PARTIAL_FLUSH);
    if (*result == Z_BUF_ERROR)
        *result = Z_OK;
    return stream->avail_out == 0;
}

/*
 * A stream of SSH never ends and has no preset dictionary, so that Z_STREAM_END and Z_NEED_DICT are as wrong as a code
 * that does not exist.
 */
static int zlib_expand(void *state, struct sp_span data, struct sp_out *out)
{
    z_stream *stream = &((struct zlib_state *)state)->stream;
    if (!sizes_fit(data, out))
        return -EINVAL;
    input_set(stream, data);
    output_set(stream, out);
    int result = inflate(stream, Z_PARTIAL_FLUSH);
    size_t size = out->capacity - stream->avail_out;
    if (result == Z_OK && stream->avail_out == 0 && more_comes(stream, &result))
        return SP_E_NO_ROOM;
    if (result == Z_MEM_ERROR)
        return -ENOMEM;
    if (result != Z_OK || stream->avail_in != 0 || size == out->size)
        return SP_E_MALFORMED;
    out->size = size;
    return 0;
}

const struct sp_compression_ops compression_zlib_openssh = {
    .head = SP_MODULE_HEAD(SP_KIND_COMPRESSION, struct sp_compression_ops, "zlib@openssh.com"),
    .open = zlib_open,
    .close = zlib_close,
    .compress = zlib_compress,
    .expand = zlib_expand,
};
