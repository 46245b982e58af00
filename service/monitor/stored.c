/* Files in the descriptor store. Input: bodies, and descriptors that came back. Output: the other. */
#include "monitor/stored.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <sallyport/wire.h>

#include "ipc/codec.h"

#include "monitor/connections.h"

#define MAGIC "sallyprt"
#define HEADER_SIZE 24u

/* ---- the form ---------------------------------------------------------------------------------------------- */

/* FNV-1a: what is told apart are versions, not forgeries. */
static uint64_t hash_octets(uint64_t hash, const void *octets, size_t size)
{
    for (const uint8_t *at = octets; size != 0; size--)
        hash = (hash ^ *at++) * 1099511628211u;
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_octets(hash, &number, sizeof number);
}

static bool role_lives_on(enum ipc_role role)
{
    return role == ROLE_WORKER || role == ROLE_SESSION || role == ROLE_ANY || role == ROLE_MONITOR;
}

/* Between the monitor and what a connection consists of, or the monitor and the next. */
static bool row_counts(const struct message_row *row)
{
    return (row->from == ROLE_MONITOR && role_lives_on(row->to)) ||
           (row->to == ROLE_MONITOR && role_lives_on(row->from));
}

static uint64_t hash_row(uint64_t hash, const struct message_row *row)
{
    const struct field_row *field = row->fields();
    hash = hash_octets(hash, row->name, strlen(row->name) + 1);
    hash = hash_number(hash, row->number);
    hash = hash_number(hash, row->phases);
    hash = hash_number(hash, row->descriptors);
    for (; field->type != FIELD_END; field++) {
        hash = hash_octets(hash, field->name, strlen(field->name) + 1);
        hash = hash_number(hash, (uint64_t)field->type);
        hash = hash_number(hash, field->limit);
    }
    return hash;
}

uint64_t stored_form(void)
{
    uint64_t hash = 14695981039346656037u;
    const struct message_row *row;
    for (size_t i = 0; (row = message_at(i)); i++)
        if (row_counts(row))
            hash = hash_row(hash, row);
    return hash;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static int file_write(int fd, enum stored_kind kind, struct sp_span body)
{
    size_t size = HEADER_SIZE + body.size;
    CLEANUP_FREE uint8_t *file = malloc(size);
    if (!file)
        return -ENOMEM;
    struct sp_out out = {.data = file, .capacity = size};
    sp_put_raw(&out, sp_text(MAGIC));
    sp_put_u64(&out, stored_form());
    sp_put_u32(&out, (uint32_t)kind);
    sp_put_u32(&out, (uint32_t)body.size);
    sp_put_raw(&out, body);
    ssize_t written = pwrite(fd, file, size, 0);
    if (written < 0)
        return -errno;
    return (size_t)written == size ? 0 : -ENOSPC;
}

int stored_make(enum stored_kind kind, struct sp_span body)
{
    if (body.size > STORED_SIZE_MAX)
        return -EFBIG;
    CLEANUP_CLOSE int fd = memfd_create("sallyport-stored", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = file_write(fd, kind, body);
    if (r)
        return r;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int stored_rewrite(int fd, enum stored_kind kind, struct sp_span body)
{
    return file_write(fd, kind, body);
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

/* A file of memory, and no other: only of one is it known that reading does not wait and sizes hold still. */
static int size_find(int fd, size_t *size)
{
    struct stat st;
    if (fcntl(fd, F_GET_SEALS) < 0)
        return STORED_E_FOREIGN;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)HEADER_SIZE)
        return STORED_E_FOREIGN;
    if ((uint64_t)st.st_size > HEADER_SIZE + STORED_SIZE_MAX)
        return STORED_E_MALFORMED;
    *size = (size_t)st.st_size;
    return 0;
}

int stored_parse(struct sp_span file, struct stored *stored)
{
    struct sp_in header = sp_in_of(file), *in = &header;
    bool ours = sp_span_is(sp_get_raw(in, strlen(MAGIC)), MAGIC);
    uint64_t form = sp_get_u64(in);
    uint32_t kind = sp_get_u32(in);
    struct sp_span body = sp_get_string(in, STORED_SIZE_MAX);
    if (!ours)
        return STORED_E_FOREIGN;
    if (form != stored_form())
        return STORED_E_OTHER;
    if (sp_get_end(in) || kind == 0 || kind >= STORED_KINDS)
        return STORED_E_MALFORMED;
    stored->kind = (enum stored_kind)kind;
    stored->body = body;
    return 0;
}

int stored_read(int fd, struct stored *stored)
{
    struct stored read = {0};
    size_t size = 0;
    int r = size_find(fd, &size);
    if (r)
        return r;
    read.data = malloc(size);
    if (!read.data)
        return -ENOMEM;
    ssize_t got = pread(fd, read.data, size, 0);
    r = got < 0               ? -errno
        : (size_t)got != size ? STORED_E_MALFORMED
                              : stored_parse(sp_span_of(read.data, size), &read);
    if (r) {
        stored_free(&read);
        return r;
    }
    *stored = read;
    return 0;
}

void stored_free(struct stored *stored)
{
    free(stored->data);
    *stored = (struct stored){0};
}

static bool address_is_well(struct sp_span text)
{
    char copy[64];
    struct in6_addr parsed;
    if (text.size == 0)
        return true; /* neither IPv4 nor IPv6 */
    if (text.size >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return inet_pton(strchr(copy, ':') ? AF_INET6 : AF_INET, copy, &parsed) == 1;
}

static bool connection_is_well(const struct msg_stored_connection *c)
{
    return c->connection != 0 && c->generation != 0 &&
           (c->phase == PHASE_LOGIN || c->phase == PHASE_CLOSING) && c->session_id.size != 0 &&
           c->user.size != 0 && c->negotiated.size != 0 && c->source.size == 16 &&
           (c->source_family == 0 || c->source_family == 4 || c->source_family == 6) &&
           (c->balancer_step == BALANCER_NONE || c->balancer_step == BALANCER_TOLD) &&
           address_is_well(c->balancer_address) && address_is_well(c->remote_address) &&
           address_is_well(c->local_address);
}

int stored_connection_read(const struct stored *stored, struct msg_stored_connection *c)
{
    struct msg_stored_connection read;
    if (stored->kind != STORED_CONNECTION || stored->body.size > STORED_CONNECTION_MAX ||
        message_decode(message_find(MSG_stored_connection), stored->body, &read) ||
        !connection_is_well(&read))
        return STORED_E_MALFORMED;
    *c = read;
    return 0;
}

int stored_generation_read(const struct stored *stored, struct msg_stored_generation *g)
{
    struct msg_stored_generation read;
    if (stored->kind != STORED_GENERATION ||
        message_decode(message_find(MSG_stored_generation), stored->body, &read) || read.generation == 0)
        return STORED_E_MALFORMED;
    *g = read;
    return 0;
}
