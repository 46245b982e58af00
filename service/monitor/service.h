/*
 * A link to one of the three service programs (signer, zygote, acceptor): connected through the socket that the service
 * manager listens on for it, and connected again, with back-off, whenever it goes away.
 */
#pragma once

#include "monitor/watch.h"

struct monitor;
struct service;

/* One row per message that this peer may send us. */
struct service_handler {
    uint16_t number;
    /* The message has passed link_receive(): sender, phase and every field's limit are right. What else makes it
     * believable is the handler's to say. */
    void (*on_message)(struct monitor *m, const union msg_body *body);
};

struct service_kind {
    const char *name;   /* for the log */
    const char *socket; /* in the runtime directory */
    enum ipc_role role;
    int64_t priority;
    const struct service_handler *handlers;
    size_t handler_count;
    void (*on_connected)(struct monitor *m);
    void (*on_lost)(struct monitor *m);
    void (*on_room)(struct monitor *m); /* what waited for the socket went on its way; NULL: of no interest */
};

struct service {
    struct monitor *monitor;
    const struct service_kind *kind;
    struct watch watch;
    sd_event_source *retry;
    unsigned failures; /* since it last said something */
    uint64_t connects; /* all, the first and those after a loss */
    int64_t lost_s;    /* when it was last lost; seconds since the epoch; 0: never */
    char lost_why[80];
};

/* Connects at once, or begins to try. 0 or -errno. */
int service_start(struct service *s, struct monitor *m, const struct service_kind *kind) MUST_USE;
void service_stop(struct service *s);
/* Drops the link after a failure of it, and connects again. */
void service_lose(struct service *s, const char *why);
/* Sends; a link that fails is dropped and connected again. True if the message is on its way. */
bool service_send_fds(struct service *s, enum msg_number number, const void *message, const int *fds,
                      size_t fd_count);
#define service_send(service_, name_, ...)                                                                   \
    service_send_fds((service_), MSG_##name_, &(const struct msg_##name_){__VA_ARGS__}, NULL, 0)
#define service_send_with(service_, fds_, count_, name_, ...)                                                \
    service_send_fds((service_), MSG_##name_, &(const struct msg_##name_){__VA_ARGS__}, (fds_), (count_))

extern const struct service_kind signer_kind, zygote_kind, acceptor_kind;
