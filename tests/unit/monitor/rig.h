/*
 * A real sallyportd, with this test as all its peers: service manager, signer, zygote, acceptor, and for each connection
 * client, worker and login process.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "ipc/link.h"

enum rig_service { RIG_SIGNER, RIG_ZYGOTE, RIG_ACCEPTOR, RIG_SERVICES };

/* What the monitor has given us to keep, as its service manager. */
struct rig_kept {
    char name[32];
    int fd;
};
#define RIG_KEPT_MAX 256u

struct rig {
    char directory[64];
    pid_t monitor;
    int listeners[RIG_SERVICES];
    struct link links[RIG_SERVICES];
    int notify;
    bool keeps; /* connections are kept: we are a service manager with a store */
    struct rig_kept kept[RIG_KEPT_MAX];
    size_t kept_count;
    int listener_fd;
    unsigned port;
    const char *remote;   /* whose address login processes are to be told */
    const char *listener; /* what the monitor is to call its socket: "front", as it was handed over */
    struct link_inbox inbox;
};

/* One connection, seen from everywhere but the monitor. */
struct rig_connection {
    uint64_t id;
    int client;          /* our end of the TCP connection */
    int socket;          /* the server's, as the worker got it */
    struct link worker;  /* as the worker */
    struct link session; /* as the login process */
    int worker_session;  /* the login process's end of its link to the worker */
    int session_worker;  /* the worker's end */
};

/* Where sallyportd is. From main(). */
void rig_program(const char *path);

/* Starts it with these configuration lines, up to READY=1. */
struct rig *rig_open(const char *lines);
/* The same with a store. */
struct rig *rig_open_keeping(const char *lines);
/* Takes what it says to its service manager until it has said that; "": what is there. */
void rig_notified(struct rig *r, const char *text);
/* How many are kept under that name; "": at all. */
size_t rig_kept_count(const struct rig *r, const char *name);
/* One more is kept under that name; takes fd. */
void rig_keep(struct rig *r, const char *name, int fd);
/* Kills it; and starts another with what is kept, up to its links to the services. */
void rig_crash(struct rig *r);
void rig_start_again(struct rig *r);
/* Starts it, and leaves everything else to the test. */
struct rig *rig_begin(const char *lines);
void rig_configure(struct rig *r, const char *lines);
/* Kills it if it still runs. */
void rig_close(struct rig *r);
/* Its exit status; fails if it does not exit within the time. */
int rig_exit_status(struct rig *r);
void rig_signal(struct rig *r, int number);

/* Accepts the monitor's link to that service. */
void rig_accept(struct rig *r, enum rig_service service);
/* Waits for one message and returns its body; fails if another comes, or none. */
const union msg_body *rig_expect(struct rig *r, struct link *link, unsigned phase, enum msg_number number);
/* Nothing arrives for a moment. */
void rig_expect_silence(struct rig *r, struct link *link, unsigned phase);
/* The other end closes; what arrives before is dropped. */
void rig_expect_end(struct rig *r, struct link *link);
/* Answers configure and prepare. */
void rig_serve_generation(struct rig *r, uint64_t generation);

/* A client's TCP connection, not more. */
int rig_dial(const struct rig *r);
/* Whether the server sends that line and closes. */
bool rig_is_refused(int client, const char *line);
/* The next `serve`. */
void rig_receive_serve(struct rig *r, struct rig_connection *c);
/* A client in START, with its worker. */
void rig_connect(struct rig *r, struct rig_connection *c);
/* Has the first exchange signed: READY. h: 32 octets of that value. */
void rig_sign(struct rig *r, struct rig_connection *c, uint8_t h);
/* Names the user: AUTH. */
void rig_name(struct rig *r, struct rig_connection *c, const char *user);
/* Has the login process say yes; LOGIN follows. */
void rig_log_in(struct rig *r, struct rig_connection *c, const char *user);
/* Closes all that the test holds of it. */
void rig_hang_up(struct rig_connection *c);

/* How often the log holds that text. */
size_t rig_log_count(const struct rig *r, const char *text);
/* Waits until the log holds it. */
void rig_log_wait(const struct rig *r, const char *text);
