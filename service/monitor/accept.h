/* New clients. */
#pragma once

#include <systemd/sd-event.h>

#include "monitor/admission.h"

struct monitor;
struct connection;

/* The loop's callback for a listening socket; context: its struct listener. */
int on_client(sd_event_source *source, int fd, uint32_t events, void *context);
/* Whether one more from there may come in now; who has to go for it has been told. */
enum admission_verdict source_admit(struct monitor *m, const struct address_block *source,
                                    uint32_t connections_max);
/* A client whose worker never came to life, because the zygote died with it waiting: given to the next zygote. */
void clients_serve_again(struct monitor *m);
/* The kernel is out of something: deaf for a moment. In listeners.c. */
void listeners_pause(struct monitor *m, int error);
