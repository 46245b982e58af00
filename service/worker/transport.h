/*
 * The transport of one connection (RFC 4253): identification, the binary packet protocol in both directions, the key
 * exchange under way and the limits of the keys in use. Everything has a fixed place in struct connection, which is
 * never touched beyond what a connection uses: a client that has not logged in costs pages, not megabytes.
 *
 * What the other subjects of the worker call is here and in packet.h; the rest is between the transport's own files.
 */
#pragma once

#include <sallyport/cipher.h>
#include <sallyport/compression.h>
#include <sallyport/digest.h>
#include <sallyport/kex.h>
#include <sallyport/mac.h>
#include <sallyport/wire.h>

#include "base/util.h"
#include "ipc/messages.h"
#include "worker/packet.h"

struct connection;

/* Input: a batch of packets per read(2). Before login no more is taken than the largest packet needs. */
#define INPUT_SIZE (256u * 1024u)
#define INPUT_SIZE_EARLY (48u * 1024u)
/*
 * Output: bulk data is begun below the mark, so that a batch goes out with one write(2); what is left above it belongs
 * to messages that answer the peer. Above the second mark no more of the peer's messages are handled.
 */
#define OUTPUT_SIZE (1024u * 1024u)
#define OUTPUT_DATA_MARK (256u * 1024u)
#define OUTPUT_INPUT_MARK (512u * 1024u)
/* Messages of 50 and above that wait for the end of a key exchange of ours. */
#define KEPT_SIZE (256u * 1024u)

#define IDENT_MAX 255u /* RFC 4253 section 4.2, CR LF included */
#define KEXINIT_SENT_MAX 8192u

/*
 * The keys of one direction, and the compression that is agreed on and renewed with them. cipher NULL: in the clear; mac
 * NULL: none yet, or the cipher is an AEAD.
 */
struct packet_keys {
    const struct sp_cipher_ops *cipher;
    void *cipher_state;
    const struct sp_mac_ops *mac;
    void *mac_state;
    const struct sp_compression_ops *compression; /* NULL: none */
    void *compression_state;                      /* NULL: none, or it has not begun */
};

struct packet_direction {
    struct packet_keys keys;
    uint32_t sequence;
    uint64_t packets; /* under these keys */
    uint64_t octets;  /* under these keys */
    uint64_t total;   /* octets of the whole connection */
};

struct transport_input {
    size_t start, end; /* what was read and not yet handled */
    uint32_t length;   /* of the packet at `start`, once known (frame.h) */
    bool eof;
    uint8_t bytes[INPUT_SIZE];
};

struct transport_output {
    size_t start, end;     /* what waits for the socket */
    size_t frame;          /* where the frame that is being written begins */
    struct sp_out payload; /* of that frame, or of the message that is to be kept */
    bool keeping;          /* the open message goes to `kept` */
    size_t kept_size;
    uint8_t bytes[OUTPUT_SIZE];
    uint8_t kept[KEPT_SIZE]; /* uint32 size and payload, one after the other */
};

/* The steps of a key exchange, always in this order. */
enum kex_step {
    KEX_NONE,      /* no exchange under way */
    KEX_OFFERED,   /* our KEXINIT is sent, the peer's has not come */
    KEX_AGREED,    /* both are there; the peer's public value, or its request for a group, has to come */
    KEX_GROUPED,   /* our group is sent; the peer's public value in it has to come */
    KEX_SIGNING,   /* the signer has the transcript: nothing of the client is handled */
    KEX_SWITCHING, /* our reply and NEWKEYS are sent; the peer's NEWKEYS has to come */
};

/* One direction's algorithms as negotiated. */
struct kex_direction {
    const struct sp_cipher_ops *cipher;
    const struct sp_mac_ops *mac;                 /* NULL with an AEAD */
    const struct sp_compression_ops *compression; /* NULL: none */
    bool compresses; /* from the first packet under these keys on: the login was before them */
};

struct kex {
    enum kex_step step;
    bool ignore_next; /* the peer's guessed packet is to be dropped */
    uint64_t begun_ms;
    const struct sp_kex_ops *ops;
    const struct sp_digest_ops *digest;
    struct kex_direction in, out;
    struct packet_keys next_in; /* for the peer's NEWKEYS */
    char host_key_algorithm[128];
    size_t i_c_size, i_s_size, group_size, server_public_size, secret_size;
    uint8_t i_s[KEXINIT_SENT_MAX];
    uint8_t group[SP_KEX_GROUP_MAX]; /* of a method that negotiates one: the octets that go into H */
    uint8_t server_public[SP_KEX_PUBLIC_MAX];
    uint8_t secret[SP_KEX_SECRET_MAX]; /* K; wiped as soon as the keys are derived */
    uint8_t i_c[35000];
    struct sp_out asked; /* owned: the transcript of a rekey, while the signer has it; it holds K */
};

struct transport {
    bool ident_done;
    bool strict;           /* kex-strict, agreed in the first exchange */
    bool ext_info;         /* the client understands EXT_INFO */
    bool ext_info_seen;    /* the client's own has come */
    bool ext_info_in_auth; /* and asks for a second one of ours */
    bool data_waits;       /* packet_may_send_data() was false when last looked at */
    bool input_waits;      /* something was left unhandled when last looked at */
    size_t v_c_size;
    uint8_t v_c[IDENT_MAX]; /* without CR LF */

    struct packet_direction in, out;
    size_t session_id_size;
    uint8_t session_id[SP_DIGEST_MAX];
    struct kex kex;

    uint32_t rekeys;               /* exchanges after the first */
    uint64_t peer_rekeys;          /* those that the client asked for */
    uint64_t started_ms, keyed_ms; /* when the connection began; when the last exchange ended */

    size_t padding_left;
    uint8_t padding[256]; /* random octets for the padding of packets to come */

    struct transport_input input;
    struct transport_output output;

    /* Touched by connections with compression alone: one packet of each direction (compression.h). */
    uint8_t packed[PACKET_PAYLOAD_MAX + SP_COMPRESSION_GROWTH];
    uint8_t unpacked[PACKET_PAYLOAD_MAX];
};

/* A second EXT_INFO for a client that asked for it with ext-info-in-auth@openssh.com, before the answer to its first
 * USERAUTH_REQUEST; does nothing for others. The limits of rekeys are those of c->auth.limits. */
int transport_ext_info_in_auth(struct connection *c) MUST_USE;
