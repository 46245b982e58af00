/*
 * The configuration as the other programs get it: its lines, Include resolved, in a sealed memory file. Input of
 * unpacking: octets that the monitor wrote. The monitor is not root and what it sends goes to programs that are, so
 * unpacking believes nothing: shape and limits are checked here, and every line is parsed again by the receiver.
 *
 *   uint32 magic, uint32 version, then per entry: byte kind, uint32 line, string text; behind the lines the files that they
 *   name: for a policy string text, string signature; for a certificate string contents; for a module uint16 kind,
 *   string name
 */
#include "config/source.h"

#include <errno.h>

#include <sallyport/wire.h>

#define SNAPSHOT_MAGIC 0x73706366u /* "spcf" */
#define SNAPSHOT_VERSION 2u

static void pack_entry(struct sp_out *out, enum source_entry_kind kind, uint32_t line, const char *text)
{
    sp_put_u8(out, (uint8_t)kind);
    sp_put_u32(out, line);
    sp_put_text(out, text);
}

static void pack_files(struct sp_out *out, const struct config_source *source)
{
    const struct policy_file *file;
    for (size_t i = 0; (file = policy_files_at(source->policies, i)); i++) {
        pack_entry(out, SOURCE_POLICY, 0, file->path);
        sp_put_string(out, file->text);
        sp_put_string(out, file->signature);
    }
    for (size_t i = 0; i < source->certificate_count; i++) {
        const struct source_certificate *certificate = &source->certificates[i];
        pack_entry(out, SOURCE_CERTIFICATE, 0, certificate->path);
        sp_put_string(out, sp_span_of(certificate->data, certificate->size));
    }
    for (size_t i = 0; i < source->module_count; i++) {
        const struct source_module *module = &source->modules[i];
        pack_entry(out, SOURCE_MODULE, 0, module->path);
        sp_put_u16(out, (uint16_t)module->kind);
        sp_put_text(out, module->name);
    }
}

int config_source_pack(const struct config_source *source, uint8_t **data, size_t *size)
{
    struct sp_out out = {.data = calloc(1, source->packed_size), .capacity = source->packed_size};
    if (!out.data)
        return -ENOMEM;
    sp_put_u32(&out, SNAPSHOT_MAGIC);
    sp_put_u32(&out, SNAPSHOT_VERSION);
    for (size_t i = 0; i < source->count; i++)
        pack_entry(&out, source->entries[i].kind, source->entries[i].line, source->entries[i].text);
    pack_files(&out, source);
    if (sp_put_end(&out) != 0) {
        free(out.data);
        return -EOVERFLOW;
    }
    *data = out.data;
    *size = out.size;
    return 0;
}

static size_t text_limit(unsigned kind)
{
    return kind == SOURCE_LINE ? CONFIG_LINE_MAX : kind == SOURCE_END ? 0 : SOURCE_NAME_MAX;
}

/* The depth after an entry of that kind, or -1: it cannot stand there. Lines stand in files, and there is one outermost
 * file. */
static int next_depth(unsigned kind, int depth, bool is_first)
{
    if (depth == 0 && !(is_first && kind == SOURCE_BEGIN))
        return -1;
    if (kind == SOURCE_LINE)
        return depth;
    if (kind == SOURCE_BEGIN)
        return depth < (int)CONFIG_INCLUDE_DEPTH_MAX ? depth + 1 : -1;
    return kind == SOURCE_END ? depth - 1 : -1;
}

static int unpack_policy(struct sp_in *in, struct config_source *source, const char *path)
{
    struct config_error unused;
    const struct policy_file file = {
        .path = (char *)(uintptr_t)path,
        .text = sp_get_string(in, POLICY_FILE_MAX),
        .signature = sp_get_string(in, POLICY_SIGNATURE_MAX),
    };
    return in->bad ? CONFIG_E_INVALID : source_add_policy(source, &file, &unused);
}

static int unpack_certificate(struct sp_in *in, struct config_source *source, const char *path)
{
    struct sp_span contents = sp_get_string(in, CONFIG_CERTIFICATE_MAX);
    return in->bad || source->certificate_count == SOURCE_CERTIFICATES_MAX
               ? CONFIG_E_INVALID
               : source_add_certificate(source, path, contents);
}

static int unpack_module(struct sp_in *in, struct config_source *source, const char *path)
{
    struct config_error unused;
    struct sp_module_facts facts = {.kind = sp_get_u16(in)};
    struct sp_span name = sp_get_text(in, SP_MODULE_NAME_SIZE - 1);
    if (in->bad || name.size == 0)
        return CONFIG_E_INVALID;
    memcpy(facts.name, name.data, name.size);
    return source_add_module(source, path, &facts, &unused);
}

/* Files come behind the lines. */
static int unpack_file(struct sp_in *in, struct config_source *source, unsigned kind, struct sp_span path)
{
    if (in->bad || path.size == 0)
        return CONFIG_E_INVALID;
    CLEANUP_FREE char *name = calloc(1, path.size + 1);
    if (!name)
        return -ENOMEM;
    memcpy(name, path.data, path.size);
    if (kind == SOURCE_MODULE)
        return unpack_module(in, source, name);
    return kind == SOURCE_POLICY ? unpack_policy(in, source, name) : unpack_certificate(in, source, name);
}

static int unpack_entry(struct sp_in *in, struct config_source *source, int *depth)
{
    unsigned kind = sp_get_u8(in);
    uint32_t line = sp_get_u32(in);
    struct sp_span text = sp_get_text(in, text_limit(kind));
    if (kind == SOURCE_POLICY || kind == SOURCE_CERTIFICATE || kind == SOURCE_MODULE)
        return *depth == 0 && source->count != 0 ? unpack_file(in, source, kind, text) : CONFIG_E_INVALID;
    int deeper = next_depth(kind, *depth, source->count == 0);
    if (in->bad || deeper < 0)
        return CONFIG_E_INVALID;
    *depth = deeper;
    return source_add(source, (enum source_entry_kind)kind, line, text);
}

int config_source_unpack(struct sp_span data, struct config_source **source, struct config_error *error)
{
    struct config_place place = {.file = "configuration snapshot"};
    CLEANUP(source_cleanup) struct config_source *made = NULL;
    if (data.size > CONFIG_SNAPSHOT_MAX)
        return config_complain(error, &place, "expected at most %u octets", CONFIG_SNAPSHOT_MAX);
    struct sp_in in = sp_in_of(data);
    uint32_t magic = sp_get_u32(&in);
    uint32_t version = sp_get_u32(&in);
    if (in.bad || magic != SNAPSHOT_MAGIC || version != SNAPSHOT_VERSION)
        return config_complain(error, &place, "expected version %u of the format", SNAPSHOT_VERSION);
    int result = source_new(&made);
    int depth = 0;
    while (result == 0 && in.left != 0)
        result = unpack_entry(&in, made, &depth);
    if (result < 0)
        return result;
    if (result != 0 || made->count == 0 || depth != 0)
        return config_complain(error, &place, "expected whole entries in nested files");
    *source = TAKE(made);
    return 0;
}
