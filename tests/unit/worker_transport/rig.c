/* See rig.h. */
#include "rig.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "worker/kex.h"
#include "worker/dispatch.h"
#include "worker/frame.h"

struct sp_span rig_offer_of(struct sp_out *out, const struct msg_variant *variants, size_t count)
{
    static uint8_t list_bytes[32768], variant_bytes[16384], key_bytes[256];
    struct sp_out list = {.data = list_bytes, .capacity = sizeof list_bytes};
    struct sp_out keys = {.data = key_bytes, .capacity = sizeof key_bytes};
    offer_put_key(&(struct offer_key){.algorithms = sp_text("ssh-ed25519"),
                                      .blob = sp_text("blob"),
                                      .valid_before = UINT64_MAX},
                  &keys);
    for (size_t i = 0; i < count; i++) {
        struct sp_out encoded = {.data = variant_bytes, .capacity = sizeof variant_bytes};
        assert_int_equal(message_encode(message_find(MSG_variant), &variants[i], &encoded), 0);
        sp_put_string(&list, sp_written(&encoded));
    }
    const struct msg_offer offer = {.variants = sp_written(&list), .keys = sp_written(&keys)};
    assert_int_equal(message_encode(message_find(MSG_offer), &offer, out), 0);
    return sp_written(out);
}

struct sp_span rig_offer(struct sp_out *out, const char *kex, const char *ciphers, const char *macs,
                         const char *compression)
{
    const struct msg_variant variant = {
        .policy = sp_text("RIG"),
        .kex = sp_text(kex),
        .host_key_algorithms = sp_text("ssh-ed25519"),
        .ciphers = sp_text(ciphers),
        .macs = sp_text(macs),
        .compression = sp_text(compression),
        .user_key_algorithms = sp_text(
            "sk-ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512"),
    };
    return rig_offer_of(out, &variant, 1);
}

struct sp_span rig_snapshot(const char *text)
{
    struct config_source *source;
    struct config_error error;
    uint8_t *data;
    size_t size;
    assert_int_equal(config_source_parse("rig.conf", sp_text(text), &source, &error), 0);
    assert_int_equal(config_source_pack(source, &data, &size), 0);
    config_source_free(source);
    return sp_span_of(data, size);
}

static struct worker_setup *setup_make(void)
{
    uint8_t bytes[4096];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct sp_span snapshot = rig_snapshot("LogLevel ERROR\n");
    struct worker_setup *setup;
    struct config_error error = {{0}};
    struct sp_span offer = rig_offer(&out, RIG_KEX, RIG_CIPHERS, RIG_MACS, RIG_COMPRESSION);
    assert_int_equal(worker_setup_new(1, snapshot, offer, &setup, &error), 0);
    free((void *)(uintptr_t)snapshot.data);
    return setup;
}

int rig_make(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    int client[2], monitor[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, client), 0);
    assert_int_equal(link_pair(monitor), 0);
    rig->setup = setup_make();
    rig->client = client[1];
    link_init(&rig->monitor, monitor[1], ROLE_MONITOR, ROLE_WORKER);
    rig->c = mmap(NULL, sizeof *rig->c, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(rig->c, MAP_FAILED);
    struct connection *c = rig->c;
    c->phase = PHASE_START;
    c->socket = client[0];
    c->setup = rig->setup;
    c->variant = worker_setup_variant(rig->setup, (struct sp_span){0});
    link_init(&c->monitor, monitor[0], ROLE_WORKER, ROLE_MONITOR);
    c->session.fd = -1;
    c->log = (struct log){.program = "test", .level = LOG_LEVEL_ERROR, .link = &c->monitor};
    *state = rig;
    return 0;
}

int rig_drop(void **state)
{
    struct rig *rig = *state;
    kex_forget_asked(&rig->c->transport.kex);
    hostkeys_forget_keys(&rig->c->hostkeys);
    link_close(&rig->c->monitor);
    link_close(&rig->monitor);
    close(rig->c->socket);
    close(rig->client);
    munmap(rig->c, sizeof *rig->c);
    worker_setup_free(rig->setup);
    free(rig);
    return 0;
}

struct sp_out *rig_message(struct rig *rig)
{
    rig->out = (struct sp_out){.data = rig->message + 1, .capacity = sizeof rig->message - 1};
    return &rig->out;
}

int rig_deliver(struct rig *rig, uint8_t number)
{
    assert_false(rig->out.full);
    rig->message[0] = number;
    rig->c->transport.in.sequence++;
    int r = dispatch_message(rig->c, sp_span_of(rig->message, 1 + rig->out.size));
    rig->out = (struct sp_out){0};
    return r;
}

void rig_read(struct rig *rig)
{
    for (;;) {
        (void)!packet_flush(rig->c);
        ssize_t got = read(rig->client, rig->bytes + rig->end, sizeof rig->bytes - rig->end);
        if (got <= 0)
            return;
        rig->end += (size_t)got;
    }
}

struct sp_span rig_packet(struct rig *rig)
{
    static uint8_t payload[FRAME_MAX];
    struct frame_read frame;
    uint32_t length = 0;
    rig_read(rig);
    assert_int_equal(frame_open(&rig->theirs, rig->bytes, rig->end, &length, &frame), 0);
    size_t size = frame.payload.size;
    memcpy(payload, frame.payload.data, size);
    rig->end -= frame.size;
    memmove(rig->bytes, rig->bytes + frame.size, rig->end);
    return sp_span_of(payload, size);
}

size_t rig_count(struct rig *rig)
{
    size_t count = 0;
    for (rig_read(rig); rig->end != 0; count++)
        rig_packet(rig);
    return count;
}
