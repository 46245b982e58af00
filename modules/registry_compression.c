/*
 * The built-in methods of compression, by name.
 */
#include <sallyport/registry.h>

#define COMPRESSION(symbol, name) extern const struct sp_compression_ops compression_##symbol;
#include "registry.def"

static const struct sp_compression_ops *const compressions[] = {
#define COMPRESSION(symbol, name) &compression_##symbol,
#include "registry.def"
};

const struct sp_compression_ops *compression_at(size_t index)
{
    return index < sizeof compressions / sizeof compressions[0] ? compressions[index] : NULL;
}

const struct sp_compression_ops *compression_find(struct sp_span name)
{
    const struct sp_compression_ops *compression;
    for (size_t i = 0; (compression = compression_at(i)); i++)
        if (sp_span_is(name, compression->head.name))
            return compression;
    return NULL;
}

/* Nothing is kept: a library that does not fit shows here rather than at somebody's login. */
int compression_prepare(void)
{
    const struct sp_compression_ops *compression;
    for (size_t i = 0; (compression = compression_at(i)); i++)
        for (int compress = 0; compress < 2; compress++) {
            void *state = NULL;
            int result = compression->open(compress, &state);
            if (result != 0)
                return result;
            compression->close(state);
        }
    return 0;
}
