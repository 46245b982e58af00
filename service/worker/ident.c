/*
 * Identification (RFC 4253 section 4.2). Input: the first octets of a client. Output: V_C for the transcript, or one
 * line that a human understands and the end.
 */
#include "worker/ident.h"

#include "base/ident.h"
#include "worker/connection.h"
#include "worker/kex.h"
#include "worker/packet_in.h"
#include "worker/packet_out.h"

static bool begins_with(struct sp_span line, const char *prefix)
{
    struct sp_span p = sp_text(prefix);
    return line.size >= p.size && memcmp(line.data, p.data, p.size) == 0;
}

/* "US-ASCII" and printable, so no NUL and nothing that a log or terminal would obey. */
static bool is_printable(struct sp_span line)
{
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] < 0x20 || line.data[i] > 0x7e)
            return false;
    return true;
}

/* A line that cannot become SSH any more is not waited for: octets are compared as soon as they are there. */
static bool may_become_ssh(struct sp_span bytes)
{
    struct sp_span prefix = sp_text("SSH-");
    return bytes.size > IDENT_MAX ? false
                                  : memcmp(bytes.data, prefix.data, size_min(bytes.size, prefix.size)) == 0;
}

static bool has_software(struct sp_span line, const char *prefix)
{
    return begins_with(line, prefix) && line.size > strlen(prefix);
}

int ident_parse(struct sp_span bytes, struct sp_span *line, size_t *used)
{
    struct sp_span window = sp_span_of(bytes.data, size_min(bytes.size, IDENT_MAX));
    const uint8_t *end = window.size ? memchr(window.data, '\n', window.size) : NULL;
    if (!end && (bytes.size == 0 || (bytes.size < IDENT_MAX && may_become_ssh(bytes))))
        return IDENT_E_MORE;
    if (!end)
        return IDENT_E_FOREIGN;
    struct sp_span text = sp_span_of(bytes.data, (size_t)(end - bytes.data));
    if (text.size != 0 && text.data[text.size - 1] == '\r')
        text.size--;
    if (!is_printable(text) || !begins_with(text, "SSH-"))
        return IDENT_E_FOREIGN;
    if (!has_software(text, "SSH-2.0-") && !has_software(text, "SSH-1.99-"))
        return begins_with(text, "SSH-1.") ? IDENT_E_OLD : IDENT_E_FOREIGN;
    *line = text;
    *used = (size_t)(end - bytes.data) + 1;
    return 0;
}

int ident_send(struct connection *c)
{
    return packet_put_line(c, sp_text(SALLYPORT_IDENT "\r\n"));
}

/* No packet can be understood by this client: the reason goes out as a line, and no DISCONNECT after it. */
static int ident_refuse(struct connection *c, int r)
{
    const char *text = r == IDENT_E_OLD
                           ? "This server speaks SSH 2.0 only.\r\n"
                           : "This is an SSH server: an SSH-2.0 identification was expected.\r\n";
    int sent = packet_put_line(c, sp_text(text));
    if (sent)
        return sent;
    return connection_fail(c, SSH_DISCONNECT_PROTOCOL_VERSION, "%s",
                           r == IDENT_E_OLD ? "the client speaks SSH 1 only" : "no SSH identification came");
}

int ident_receive(struct connection *c)
{
    struct transport *t = &c->transport;
    struct transport_input *input = &t->input;
    struct sp_span line;
    size_t used;
    int r = ident_parse(sp_span_of(input->bytes + input->start, input->end - input->start), &line, &used);
    if (r == IDENT_E_MORE)
        return PACKET_E_MORE;
    if (r)
        return ident_refuse(c, r);
    memcpy(t->v_c, line.data, line.size);
    t->v_c_size = line.size;
    t->ident_done = true;
    input->start += used;
    t->in.total += used;
    return kexinit_send(c);
}
