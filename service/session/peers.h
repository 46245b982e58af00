/* The two peers of a login process before login: waiting for the worker's next message while watching that both are
 * still there. A login without a worker has nobody to serve, one without a monitor nobody to answer to. */
#pragma once

#include <stdint.h>

#include "base/util.h"

struct login;
struct link;
struct link_inbox;

/* Blocks until login->inbox has the worker's next message. 0, LOGIN_E_GONE, LOGIN_E_OVER (it sent what it must not)
 * or -errno. */
int peers_receive(struct login *login) MUST_USE;
/* Sleeps until then (clock_ms()), taking no message. 0, LOGIN_E_GONE or -errno. */
int peers_sleep(struct login *login, uint64_t until_ms) MUST_USE;
/* Sleeps until the next multiple of quantum_ms after since_ms, so that the time of what follows tells nothing about
 * what came before. As peers_sleep(). */
int peers_sleep_quantum(struct login *login, uint64_t since_ms, unsigned quantum_ms) MUST_USE;
/* Receives one message from a third party (the helper) while watching both. 0, LINK_E_* of that link (LINK_E_AGAIN:
 * the time is over), LOGIN_E_GONE or -errno. */
int peers_receive_from(struct login *login, struct link *other, struct link_inbox *inbox,
                       uint64_t until_ms) MUST_USE;
