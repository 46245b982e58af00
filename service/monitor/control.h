/*
 * The control socket: what the administrator's tool may ask the running monitor. A client is root, or of the group that owns
 * the socket. Questions change nothing, but for one: `kill` ends a connection, and is answered to root alone. Why that may be
 * believed: who connected is the kernel's word (SO_PEERCRED), given once, as the client was taken; root could as well end the
 * connection's processes; and the only thing that happens is what happens when a server goes down, to one connection.
 */
#pragma once

#include <jansson.h>

#include "monitor/observe.h"
#include "monitor/past.h"
#include "monitor/watch.h"

struct monitor;

#define CONTROL_SOCKET "control.sock" /* in the runtime directory */
#define CONTROL_CLIENTS_MAX 8u        /* at a time; others wait in the kernel's queue */
#define CONTROL_OTHERS_MAX 6u     /* of these, those that are not root: nobody keeps him out who may `kill` */
#define CONTROL_TIMEOUT_MS 20000u /* for the next question, and for an answer to be taken */
#define CONTROL_ANSWER_MAX (768u * 1024u) /* octets of one answer, less than may wait on a link */
#define CONTROL_FOLLOWERS_MAX 4u /* of these clients, those that `follow`: their time is not limited */
#define CONTROL_FOLLOW_QUEUE_MAX                                                                             \
    131072u               /* octets that may wait for a follower; records beyond are lost to it */
#define CONTROL_PAGE 512u /* rows of a table in one answer; the tool asks for more */

struct control_client {
    struct monitor *monitor;
    struct watch watch;
    sd_event_source *deadline;
    uid_t uid;
    bool follows; /* records are sent as they are written; its next message is its last */
    struct past_filter filter;
    uint64_t lost; /* records that it was too slow for, and has not been told of */
};

struct control {
    int fd; /* owned; 0 or -1: not given */
    sd_event_source *source;
    struct control_client clients[CONTROL_CLIENTS_MAX];
    unsigned count;
    struct observed observed; /* what there is to tell of times that have passed; also without a socket */
};

/* Takes an inherited descriptor if it is the control socket: a listening SOCK_SEQPACKET one. */
bool control_take(struct control *control, int fd);
/* Without a socket there is nothing to do. 0 or -errno. */
int control_start(struct monitor *m) MUST_USE;
void control_stop(struct monitor *m);

/* What somebody asks, beside the question's name. */
struct control_asked {
    struct sp_span argument;
    uid_t uid; /* who asks, as the kernel says */
};
bool control_may(uid_t uid, bool changes);
bool control_has_place(const struct control *control, uid_t uid);

/*
 * control_answers.c. *answer: the caller's (json_decref). 0; or CONTROL_E_UNANSWERED, and why says why there is none.
 * Nothing here waits, and no question costs more than one page of a table.
 */
enum { CONTROL_E_UNANSWERED = 1 };
#define CONTROL_WHY_MAX 256u
int control_answer(struct monitor *m, struct sp_span question, const struct control_asked *asked,
                   json_t **answer, char why[CONTROL_WHY_MAX]) MUST_USE;

/*
 * control_follow.c: records of the log. argument: words "last=N", "connection=ID", "event=NAME", none of them twice. *text: the
 * caller's (free()), a JSON object per line. follow: they go on coming. 0, or CONTROL_E_UNANSWERED with why.
 */
int control_events(struct control_client *c, struct sp_span argument, bool follow, char **text, size_t *size,
                   char why[CONTROL_WHY_MAX]) MUST_USE;
/* For log_writer.keep. Never waits and never writes a record. */
struct record;
void control_keep(void *monitor, const struct record *record, struct sp_span line);
/* Arms its deadline. 0 or -errno. */
int control_client_wait(struct control_client *c) MUST_USE;
/* A follower's socket has taken what waited: it is told what it has lost. 0, or a result of link_send(). */
int control_follow_on(struct control_client *c) MUST_USE;
