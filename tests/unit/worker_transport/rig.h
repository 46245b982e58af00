/*
 * A connection whose client and monitor are this test: socket pairs in place of both, a generation that offers
 * everything this build has.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sallyport/wire.h>

#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/packet_in.h"
#include "worker/packet_out.h"
#include "worker/setup.h"

struct rig {
    struct connection *c;
    int client; /* the far end of c->socket */
    struct link monitor;
    struct worker_setup *setup;
    struct packet_direction theirs; /* in the clear: what the client opens our packets with */
    size_t end;
    uint8_t bytes[4u << 20]; /* what the client has read */
    uint8_t message[70000];
    struct sp_out out;
};

#define RIG_KEX "curve25519-sha256,ecdh-sha2-nistp256"
#define RIG_CIPHERS "aes128-gcm@openssh.com,aes128-ctr"
#define RIG_MACS "hmac-sha2-256-etm@openssh.com,hmac-sha2-256"
#define RIG_COMPRESSION "none,zlib@openssh.com"

/* An encoded offer of these variants and one ed25519 host key. */
struct sp_span rig_offer_of(struct sp_out *out, const struct msg_variant *variants, size_t count);
/* The same with one variant of these lists. */
struct sp_span rig_offer(struct sp_out *out, const char *kex, const char *ciphers, const char *macs,
                         const char *compression);
/* A snapshot of a configuration with these lines (free()). */
struct sp_span rig_snapshot(const char *text);

int rig_make(void **state);
int rig_drop(void **state);

/* Begins a message of the client; sp_put_* into rig->out; then deliver it to the dispatcher. */
struct sp_out *rig_message(struct rig *rig);
int rig_deliver(struct rig *rig, uint8_t number);
/* Flushes and reads what went to the client. */
void rig_read(struct rig *rig);
/* The next packet that the client got, whose keys are those of `theirs`; fails the test if there is none. */
struct sp_span rig_packet(struct rig *rig);
/* How many packets wait for the client, read and opened, of any number; forgets them. */
size_t rig_count(struct rig *rig);
