/*
 * Reading a module's note. Input: a file that root has placed, which may be anything. Output: its facts, or what is wrong
 * with it. Everything is read at checked offsets into rooms of fixed size; what the file says of lengths bounds nothing.
 *
 * elf(5): file header -> program headers -> segments of type PT_NOTE -> notes {vendor's length, facts' length, type,
 * vendor, facts}, each part padded to four octets.
 */
#include "base/module_note.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>

#include <sallyport/wire.h>

#include "base/root_file.h"

#define SEGMENTS_MAX 64u
#define NOTES_MAX 65536u /* octets of a segment of notes */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif
#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)

struct reading {
    int fd;
    const char *name;
    struct sp_module_facts facts;
    size_t found;
    char *why;
    size_t why_size;
};

static PRINTF_LIKE(2, 3) int refuse(struct reading *r, const char *format, ...)
{
    int used = snprintf(r->why, r->why_size, "module %.300s: ", r->name);
    if (used >= 0 && (size_t)used < r->why_size) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(r->why + used, r->why_size - (size_t)used, format, args);
        va_end(args);
    }
    return MODULE_E_REFUSED;
}

/* ---- kinds and names --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool loadable;
} kinds[] = {
    [SP_KIND_HOSTKEY] = {"hostkey", true},          [SP_KIND_KEX] = {"kex", false},
    [SP_KIND_CIPHER] = {"cipher", false},           [SP_KIND_MAC] = {"mac", true},
    [SP_KIND_COMPRESSION] = {"compression", false}, [SP_KIND_DIGEST] = {"digest", false},
    [SP_KIND_KEYTYPE] = {"keytype", false},         [SP_KIND_AUTH] = {"auth", false},
};

const char *module_kind_name(unsigned kind)
{
    return kind < ARRAY_SIZE(kinds) ? kinds[kind].name : NULL;
}

bool module_kind_is_loadable(unsigned kind)
{
    return kind < ARRAY_SIZE(kinds) && kinds[kind].loadable;
}

static bool is_lower(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool scheme_is_valid(struct sp_span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!is_lower(name.data[i]) &&
            (i == 0 || (!is_digit(name.data[i]) && !memchr("+-.", name.data[i], 3))))
            return false;
    return name.size != 0 && !sp_span_is(name, "pkcs11") && !sp_span_is(name, "file");
}

/* What a policy takes for a pattern or a prefix is no name here. */
static bool algorithm_is_valid(struct sp_span name)
{
    const uint8_t *at = name.size ? memchr(name.data, '@', name.size) : NULL;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        bool letter = is_lower(byte | 0x20) || is_digit(byte);
        if (!letter && (i == 0 || !memchr("@-._", byte, 4)))
            return false;
    }
    return at && at != name.data && at + 1 != name.data + name.size &&
           !memchr(at + 1, '@', name.size - (size_t)(at + 1 - name.data));
}

bool module_name_is_valid(unsigned kind, struct sp_span name)
{
    if (name.size >= SP_MODULE_NAME_SIZE)
        return false;
    return kind == SP_KIND_HOSTKEY ? scheme_is_valid(name) : algorithm_is_valid(name);
}

/* ---- the note ---------------------------------------------------------------------------------------------------- */

/* 0: all of it; else it is not there. */
static int bytes_read(const struct reading *r, uint64_t offset, void *room, size_t size)
{
    uint8_t *at = room;
    if (offset > INT32_MAX) /* 2 GiB of module */
        return -EFBIG;
    while (size != 0) {
        ssize_t n = pread(r->fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static int facts_take(struct reading *r, struct sp_span bytes)
{
    struct sp_module_facts facts;
    if (bytes.size != sizeof facts)
        return refuse(r, "its note has %zu octets, expected %zu: it was built with other headers", bytes.size,
                      sizeof facts);
    memcpy(&facts, bytes.data, sizeof facts);
    if (++r->found > 1)
        return refuse(r, "it says what it is more than once");
    r->facts = facts;
    return 0;
}

static uint32_t get_native(struct sp_in *in)
{
    uint32_t value = 0;
    struct sp_span bytes = sp_get_raw(in, sizeof value);
    if (bytes.size == sizeof value)
        memcpy(&value, bytes.data, sizeof value);
    return value;
}

static struct sp_span get_padded(struct sp_in *in, uint32_t size)
{
    static const uint32_t padding = 3;
    if (size > NOTES_MAX)
        in->bad = true;
    struct sp_span bytes = sp_get_raw(in, size);
    /* The last one's padding may be missing. */
    (void)sp_get_raw(in, size_min(-size & padding, in->left));
    return bytes;
}

static int notes_take(struct reading *r, struct sp_span notes)
{
    struct sp_in in = sp_in_of(notes);
    while (in.left != 0) {
        uint32_t vendor_size = get_native(&in), size = get_native(&in), type = get_native(&in);
        struct sp_span vendor = get_padded(&in, vendor_size), bytes = get_padded(&in, size);
        if (in.bad)
            return refuse(r, "its notes are malformed");
        bool ours = type == SP_MODULE_NOTE_TYPE &&
                    sp_span_equal(vendor, sp_span_of(SP_MODULE_NOTE_VENDOR, sizeof SP_MODULE_NOTE_VENDOR));
        int result = ours ? facts_take(r, bytes) : 0;
        if (result)
            return result;
    }
    return 0;
}

static int segment_take(struct reading *r, const ElfW(Phdr) * segment)
{
    /* Notes that are aligned otherwise are others' (GNU properties). */
    if (segment->p_type != PT_NOTE || segment->p_align > 4)
        return 0;
    if (segment->p_filesz > NOTES_MAX)
        return refuse(r, "its notes are longer than %u octets", NOTES_MAX);
    CLEANUP_FREE uint8_t *notes = malloc(segment->p_filesz + 1);
    if (!notes)
        return -ENOMEM;
    if (bytes_read(r, segment->p_offset, notes, segment->p_filesz) != 0)
        return refuse(r, "it ends within its notes");
    return notes_take(r, sp_span_of(notes, segment->p_filesz));
}

static int file_take(struct reading *r)
{
    ElfW(Ehdr) head;
    if (bytes_read(r, 0, &head, sizeof head) != 0 || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(r, "it is no shared object");
    if (head.e_ident[EI_CLASS] != OWN_CLASS || head.e_ident[EI_DATA] != OWN_ORDER)
        return refuse(r, "it is for another kind of machine");
    if (head.e_type != ET_DYN)
        return refuse(r, "it is no shared object");
    if (head.e_phentsize != sizeof(ElfW(Phdr)) || head.e_phnum > SEGMENTS_MAX)
        return refuse(r, "its program headers are malformed");
    for (size_t i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) segment;
        if (bytes_read(r, (uint64_t)head.e_phoff + i * sizeof segment, &segment, sizeof segment) != 0)
            return refuse(r, "it ends within its program headers");
        int result = segment_take(r, &segment);
        if (result)
            return result;
    }
    return 0;
}

static int facts_check(struct reading *r)
{
    const struct sp_module_facts *facts = &r->facts;
    if (r->found == 0)
        return refuse(r, "it is no module of this server: it has no note of SP_MODULE (sallyport/module.h)");
    if (facts->magic != SP_MODULE_MAGIC)
        return refuse(r, "its magic is %08x, expected %08x", facts->magic, SP_MODULE_MAGIC);
    if (facts->abi != SP_MODULE_ABI)
        return refuse(r, "it was built for version %u of the ABI, expected %u", facts->abi, SP_MODULE_ABI);
    if (!module_kind_is_loadable(facts->kind))
        return refuse(r, "it is of kind %u (%s), of which none can be loaded", facts->kind,
                      module_kind_name(facts->kind) ? module_kind_name(facts->kind) : "unknown");
    size_t size = strnlen(facts->name, sizeof facts->name);
    if (!module_name_is_valid(facts->kind, sp_span_of(facts->name, size)))
        return refuse(r, "\"%.*s\" cannot be the name of a %s module: expected %s", (int)size, facts->name,
                      module_kind_name(facts->kind),
                      facts->kind == SP_KIND_HOSTKEY ? "a URI scheme in lower case other than pkcs11 and file"
                                                     : "NAME@DOMAIN");
    return 0;
}

int module_note_read(int fd, const char *name, struct sp_module_facts *facts, char *why, size_t why_size)
{
    struct reading r = {.fd = fd, .name = name, .why = why, .why_size = why_size};
    int result = file_take(&r);
    if (result == 0)
        result = facts_check(&r);
    if (result == 0)
        *facts = r.facts;
    return result;
}

int module_describe(const char *path, char resolved[PATH_MAX], struct sp_module_facts *facts, char *why,
                    size_t why_size)
{
    int r = root_file_check("module", path, resolved, why, why_size);
    if (r)
        return r < 0 ? r : MODULE_E_REFUSED;
    CLEANUP_CLOSE int fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        snprintf(why, why_size, "module %s: %s", resolved, strerror(errno));
        return MODULE_E_REFUSED;
    }
    return module_note_read(fd, resolved, facts, why, why_size);
}
