/* New clients. */
#pragma once

#include <systemd/sd-event.h>

struct monitor;
struct connection;

/* The loop's callback for a listening socket; context: its struct listener. */
int on_client(sd_event_source *source, int fd, uint32_t events, void *context);
/* A client whose worker never came to life, because the zygote died with it waiting: given to the next zygote. */
void clients_serve_again(struct monitor *m);
/* The kernel is out of something: deaf for a moment. In listeners.c. */
void listeners_pause(struct monitor *m, int error);
