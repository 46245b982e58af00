/*
 * A connection without a transport: messages of the client are handed to the handlers of ssh_messages.def, what the
 * worker sends is kept frame by frame, and the far ends of both links are ours. The fuzz targets use it too.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* These first, for cmocka. */
#include <cmocka.h>

#include <sallyport/wire.h>

#include "worker/compression.h"
#include "worker/connection.h"
#include "worker/global_request.h"
#include "worker/on_session.h"
#include "worker/packet.h"

struct frame {
    uint8_t number;
    size_t size;
    uint8_t *bytes; /* behind the number */
};

struct fake {
    struct connection *c;
    struct link session, monitor; /* the far ends */
    struct link_inbox *inbox;     /* what the worker sent over one of them last */
    struct frame *frames;
    size_t frame_count, frame_next;
    bool discard;       /* keep no frames */
    bool data_blocked;  /* packet_may_send_data() says no */
    size_t data_budget; /* octets after which it says no; 0: none */
    size_t data_sent;
    size_t compression_begun, compression_from; /* how often, and before which frame at last */
    struct sp_out out;
    uint8_t out_bytes[PACKET_PAYLOAD_MAX + 64];
    uint8_t message[PACKET_PAYLOAD_MAX * 2];
    struct sp_out in;
};

#define FAKE_E_PHASE (-1000) /* no such message in this phase */

struct fake *fake_new(void);
void fake_free(struct fake *fake);
int fake_setup(void **state);
int fake_teardown(void **state);
/* The session process is there and the user has logged in, with so many channels. */
void fake_log_in(struct fake *fake, uint32_t channels);
/* The login process's end is connected, as after login_link. */
void fake_connect_session(struct fake *fake);

/* Begins a message of the client; sp_put_* into fake->in; then deliver. */
struct sp_out *fake_message(struct fake *fake);
int fake_deliver(struct fake *fake, uint8_t number);
int fake_deliver_span(struct fake *fake, uint8_t number, struct sp_span payload);
/* As poll and the main loop would: all descriptors of channels, once. */
int fake_turn(struct fake *fake);

/* The next frame that the worker sent, which must have this number, read from its start. */
struct sp_in fake_expect(struct fake *fake, uint8_t number);
void fake_expect_nothing(struct fake *fake);
/* The next message to the login process or the monitor, which must be this one. */
const union msg_body *fake_asked(struct fake *fake, struct link *link, enum msg_number number);
void fake_asked_nothing(struct fake *fake, struct link *link);

/* Channels. */
uint32_t fake_open(struct fake *fake, uint32_t peer_number, uint32_t window, uint32_t packet_max);
int fake_request(struct fake *fake, uint32_t channel, const char *type, bool want, struct sp_span fields);
int fake_data(struct fake *fake, uint32_t channel, struct sp_span data);
int fake_bare(struct fake *fake, uint8_t number, uint32_t channel);
/* Opens a channel, asks for a command and has it started on pipes, whose far ends are given. Nothing is left to expect. */
struct program {
    uint32_t channel;
    int input, output, error; /* far ends; terminal: all one */
};
struct program fake_program(struct fake *fake, uint32_t window, uint64_t serial);
struct program fake_terminal(struct fake *fake, uint32_t window, uint64_t serial);
void program_close(struct program *program);

/* Sends as the login process and lets the worker handle it. */
#define fake_answer(fake_, name_, ...)                                                                       \
    (link_send(&(fake_)->session, name_, __VA_ARGS__) ? -1 : on_session_message((fake_)->c))
