/*
 * What all subjects of a connection share: how it ends, and its phase. Input: calls of every handler. Output: notes in
 * struct connection that loop.c acts on, and the log.
 */
#include "worker/connection.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void end_note(struct connection *c, uint32_t reason, bool by_peer)
{
    c->ending = true;
    c->end_reason = reason;
    c->end_by_peer = by_peer;
}

int connection_fail(struct connection *c, enum ssh_disconnect reason, const char *format, ...)
{
    va_list args;
    if (c->ending)
        return WORKER_E_END;
    va_start(args, format);
    vsnprintf(c->end_text, sizeof c->end_text, format, args);
    va_end(args);
    end_note(c, reason, false);
    return WORKER_E_END;
}

int connection_ended_by_peer(struct connection *c, uint32_t reason, struct sp_span text)
{
    if (c->ending)
        return WORKER_E_END;
    snprintf(c->end_text, sizeof c->end_text, "%.*s", (int)size_min(text.size, sizeof c->end_text - 1),
             text.size != 0 ? (const char *)text.data : "");
    end_note(c, reason, true);
    return WORKER_E_END;
}

void connection_move(struct connection *c, enum ipc_phase phase)
{
    /* One step forward and never back, so that no mistake elsewhere can log anybody in. */
    assert(phase == c->phase << 1);
    log_say(&c->log, LOG_LEVEL_DEBUG, "phase", "%s -> %s", phase_name(c->phase), phase_name(phase));
    c->phase = phase;
}
