/* What happens on the links and the timer of one connection. */
#pragma once

#include "monitor/connections.h"

/* The loop's callbacks; context: the connection. */
int on_worker_io(sd_event_source *source, int fd, uint32_t events, void *context);
int on_session_io(sd_event_source *source, int fd, uint32_t events, void *context);
int on_connection_timer(sd_event_source *source, uint64_t usec, void *context);

/* Watches its login process; takes fd in any case. 0 or -errno. */
int connection_watch_login(struct connection *c, int fd) MUST_USE;

/* Its login process has closed its link. */
void connection_login_gone(struct connection *c);
/* Its worker's process has to go now, whichever zygote forked it. */
void connection_stop_worker(struct connection *c);
/* Nobody waits for its signature any more, nor for proofs. */
void connection_abandon_sign(struct connection *c);
/* Last call before its memory goes: logs the end. */
void on_connection_finished(struct connection *c);
/* Starts the login process for c->user. */
void connection_ask_login(struct connection *c);
/* Sends what is asked for, if the signer can take it now; later otherwise (signatures_resend()). */
void connection_ask_sign(struct connection *c);
