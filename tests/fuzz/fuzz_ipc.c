/*
 * Datagrams as a worker that was taken over may send them to any of its peers, one link per phase. The input is
 * `octet receiver ‖ octet phase ‖ datagram`. Besides memory errors it looks for broken promises: a message taken that the
 * table does not allow, a span outside of the inbox or over its limit, and one that does not encode to the same bytes.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "ipc/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static bool inside(const struct link_inbox *inbox, struct sp_span span)
{
    return span.size == 0 ||
           (span.data >= inbox->bytes && span.data + span.size <= inbox->bytes + inbox->size);
}

static void message_check(const struct link_inbox *inbox, enum ipc_role from, enum ipc_role to,
                          unsigned phase)
{
    static uint8_t again[LINK_MESSAGE_MAX];
    const struct message_row *row = inbox->row;
    struct sp_out out = {.data = again, .capacity = sizeof again};
    require(row->from == from || row->from == ROLE_ANY);
    require(row->to == to || row->to == ROLE_ANY);
    require(row->phases & phase);
    require(row->descriptors == inbox->fd_count);
    for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
        const struct sp_span *span = (const void *)((const uint8_t *)&inbox->body + field->offset);
        if (field->type == FIELD_BYTES || field->type == FIELD_TEXT)
            require(inside(inbox, *span) && span->size <= field->limit);
    }
    sp_put_u16(&out, row->number);
    require(message_encode(row, &inbox->body, &out) == 0);
    require(sp_span_equal(sp_written(&out), sp_span_of(inbox->bytes, inbox->size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct link_inbox inbox;
    static const enum ipc_role receivers[] = {ROLE_MONITOR, ROLE_SESSION};
    int fds[2];
    struct link link;
    if (size < 3 || size > LINK_MESSAGE_MAX || link_pair(fds))
        return 0;
    enum ipc_role to = receivers[data[0] % 2];
    unsigned phase = 1u << (data[1] % 5);
    link_init(&link, fds[0], to, ROLE_WORKER);
    if (send(fds[1], data + 2, size - 2, MSG_DONTWAIT) == (ssize_t)size - 2) {
        int r = link_receive(&link, phase, &inbox);
        require(r == 0 || (r == LINK_E_ILLEGAL && link_complaint(&link)[0] != '\0'));
        if (r == 0)
            message_check(&inbox, ROLE_WORKER, to, phase);
        link_inbox_wipe(&inbox);
    }
    link_close(&link);
    close(fds[1]);
    return 0;
}
