/*
 * Everything that the monitor knows, and the few operations that all its files share. One per process; one thread.
 *
 *   listeners -> admission -> connections --serve--> zygote            one file on_<peer>.c per program that answers
 *   generation: configuration -> signer -> zygote -> current
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

#include "monitor/admission.h"
#include "monitor/connections.h"
#include "monitor/control.h"
#include "monitor/generation.h"
#include "monitor/known_keys.h"
#include "monitor/leave.h"
#include "monitor/listeners.h"
#include "monitor/log.h"
#include "monitor/notify.h"
#include "monitor/on_signer.h"
#include "monitor/on_zygote.h"
#include "monitor/report.h"
#include "monitor/service.h"
#include "monitor/store.h"
#include "monitor/token_states.h"

/* What the command line says. */
struct monitor_options {
    const char *config_path;   /* sshd_config's grammar; NULL: snapshot_path */
    const char *snapshot_path; /* a packed configuration, written by who may read what the monitor may not */
    const char *overrides;     /* configuration lines that stand before the file's */
    const char *runtime_dir;   /* where the services' sockets are */
    bool no_listen;            /* on nothing but what is handed over */
    const char *user;          /* UID:GID to become; NULL: stay who we are */
    bool keep;                 /* open connections stay, in the service manager's store, when we go */
};

struct monitor {
    sd_event *event;
    const struct monitor_options *options;
    struct link_inbox *inbox; /* one for all links: no message outlives its handler */
    struct log_writer log;
    struct admission admission;
    struct admission awaited; /* those whose balancer has not said whose they are, by balancer; proxied.c */
    struct connections connections;
    struct sign_queue sign_queue;
    struct generations generations;
    struct report report;
    struct known_keys known_keys;
    struct token_states token_states;
    struct listeners listeners;
    struct service signer, zygote, acceptor;
    struct worker_stops unstopped;
    struct control control;
    struct notify notify;
    struct store store;
    bool started;  /* READY was said */
    bool stopping; /* no new connections; exit after the last */
    struct leaving leaving;
    unsigned stops; /* how often we were told to */
};

/* Writes a record. c: the connection it is about, or NULL; its id, peer and user become fields. */
void monitor_log(struct monitor *m, const struct connection *c, enum log_level level, const char *event,
                 const struct log_field *fields, size_t field_count, const char *format, ...)
    PRINTF_LIKE(7, 8);
/* The same for a sentence whose foreign parts are escaped already, names among them as words (escape.h). */
void monitor_log_escaped(struct monitor *m, const struct connection *c, enum log_level level,
                         const char *event, const struct log_field *fields, size_t field_count,
                         const char *format, ...) PRINTF_LIKE(7, 8);
/* The same for an event of another program; text may hold any bytes. connection: its id, also if it has gone; 0: none. */
void monitor_relay(struct monitor *m, uint64_t connection, enum log_level level, const char *event,
                   const char *program, const struct log_field *fields, size_t field_count,
                   struct sp_span text);
#define monitor_say(m_, c_, level_, event_, ...)                                                             \
    monitor_log((m_), (c_), (level_), (event_), NULL, 0, __VA_ARGS__)

/* Whether a new client can be served now; tells the listeners, which are deaf while it cannot. */
void monitor_update(struct monitor *m);
/* The last connection may have gone. */
void monitor_exit_if_done(struct monitor *m);
