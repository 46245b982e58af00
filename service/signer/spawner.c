/*
 * The spawner's loop. Input: spawn_token, kill_token, pin_refused, pin_judged, policy_serial_keep and record_signature from the signer,
 * SIGCHLD. Output: token processes and what became of them, what is remembered of PINs and of policies, and the chain of
 * signatures.
 *
 * Why it may believe the signer, and how far: nobody else has the other end of the link, but the signer reads bytes of
 * strangers. So a module is loaded only from a file that root alone can have placed, a variable that would make libraries
 * load other code is refused, a PIN goes to nobody but a token process, the program is fixed before the first message,
 * no more than SPAWNER_SLOTS of them run at a time, serials of policies only ever go forward, and a
 * record can be added to the chain, never changed.
 */
#include "signer/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <sallyport/registry.h>

#include "base/loop.h"
#include "base/root_file.h"
#include "base/sandbox.h"
#include "ipc/link.h"
#include "signer/chain.h"
#include "signer/pin_memory.h"
#include "signer/pin_source.h"
#include "signer/plan.h"
#include "signer/serials.h"
#include "signer/spawn.h"

#define SERIALS_AGAIN_MS 2000u /* until a memory of policies that could not be written is tried again */
#define GRACE_MS 1000u         /* for token processes to log out, once their links are closed */

enum {
    SPAWN_E_REFUSED = 1, /* why says what is wrong */
    SPAWN_E_PIN = 2,     /* likewise: it is the PIN, which is not sent */
};

struct spawner_slot {
    pid_t pid; /* 0: none */
    bool has_pin;
    struct refused_entry pin; /* that it was last started with */
};

struct spawner {
    const struct spawner_setup *setup;
    const char *credentials;
    struct loop *loop;
    struct link signer;
    struct loop_source *signer_source;
    struct link_inbox *inbox;
    struct pin_memory pins;
    struct spawner_slot slots[SPAWNER_SLOTS];
    struct serials_file serials_file;
    struct serials serials;
    char serials_unusable[1024]; /* why what is in the file is not known, or not what it should be; or "" */
    bool serials_unwritten;      /* the latter: to be tried again */
    struct loop_source *serials_timer;
    struct chain chain;
    struct loop_source *chain_timer;
    bool chain_waits; /* for the timer */
};

static int send_failed(int r)
{
    return r == LINK_E_CLOSED ? 0 : r < 0 ? r : -EPIPE;
}

static int tell_unspawned(struct spawner *s, uint32_t slot, int result, const char *why)
{
    int r = link_send(&s->signer, token_unspawned, .slot = slot, .pin = result == SPAWN_E_PIN,
                      .again = result < 0, .why = sp_text(why));
    return r ? send_failed(r) : 0;
}

static int pin_check(struct spawner *s, const struct msg_spawn_token *request, const char *module,
                     struct secret *pin, char *why, size_t why_size)
{
    char source[PATH_MAX];
    struct spawner_slot *slot = &s->slots[request->slot];
    slot->has_pin = false;
    if (request->pin_source.size == 0)
        return 0;
    snprintf(source, sizeof source, "%.*s", (int)request->pin_source.size,
             (const char *)request->pin_source.data);
    int r = pin_source_read(source, s->credentials, pin, why, why_size);
    if (r == 0) {
        r = pin_memory_check(&s->pins, sp_text(module), request->token, secret_span(pin), source, &slot->pin,
                             why, why_size);
        r = r > 0 ? SPAWN_E_PIN : r;
    }
    slot->has_pin = r == 0;
    return r;
}

static void slot_kill(struct spawner_slot *slot)
{
    if (slot->pid > 0)
        kill(slot->pid, SIGKILL);
}

static int spawn_checked(struct spawner *s, const struct msg_spawn_token *request, struct secret *pin,
                         char *why, size_t why_size)
{
    char module[PATH_MAX], path[PATH_MAX];
    struct spawner_slot *slot = &s->slots[request->slot];
    int link_fd = -1;
    snprintf(path, sizeof path, "%.*s", (int)request->module.size, (const char *)request->module.data);
    int r = root_file_check("module", path, module, why, why_size);
    if (r == 0)
        r = pin_check(s, request, module, pin, why, why_size);
    if (r)
        return r;
    struct spawn_order order = {.program = s->setup->token_program,
                                .provider = request->provider,
                                .module = module,
                                .uris = request->uris,
                                .environment = request->environment,
                                .pin = secret_span(pin)};
    r = spawn_token(&order, &slot->pid, &link_fd);
    if (r)
        return r;
    r = link_send_with(&s->signer, &link_fd, 1, token_spawned, .slot = request->slot,
                       .pid = (uint32_t)slot->pid);
    close(link_fd);
    return r ? send_failed(r) : 0;
}

static int on_spawn_token(struct spawner *s, const struct msg_spawn_token *request)
{
    char why[1024] = "";
    struct secret pin = {0};
    if (request->slot >= SPAWNER_SLOTS)
        return -EPROTO;
    slot_kill(&s->slots[request->slot]);
    int r = spawn_checked(s, request, &pin, why, sizeof why);
    secret_wipe(&pin);
    if (r == 0)
        return 0;
    if (r < 0)
        snprintf(why, sizeof why, "starting the token process: %s", strerror(-r));
    return tell_unspawned(s, request->slot, r, why);
}

static int on_kill_token(struct spawner *s, const struct msg_kill_token *request)
{
    if (request->slot >= SPAWNER_SLOTS)
        return -EPROTO;
    slot_kill(&s->slots[request->slot]);
    return 0;
}

static int on_pin_refused(struct spawner *s, const struct msg_pin_refused *request)
{
    if (request->slot >= SPAWNER_SLOTS)
        return -EPROTO;
    struct spawner_slot *slot = &s->slots[request->slot];
    int r = slot->has_pin ? refused_add(&s->pins.refused, &slot->pin) : 0;
    if (r)
        fprintf(
            stderr,
            "sallyport-signer: cannot write %s: %s; a refused PIN is remembered until the signer restarts\n",
            s->pins.refused.path, strerror(-r));
    return 0;
}

static int on_pin_judged(struct spawner *s, const struct msg_pin_judged *request)
{
    if (request->slot >= SPAWNER_SLOTS)
        return -EPROTO;
    const struct spawner_slot *slot = &s->slots[request->slot];
    if (slot->has_pin)
        pin_memory_judge(&s->pins, &slot->pin, request->good, request->signing);
    return 0;
}

/* ---- serials of policies ----------------------------------------------------------------------------------------- */

static int serials_tell(struct spawner *s, const char *why)
{
    static uint8_t bytes[SERIALS_PACKED_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    if (serials_pack(&s->serials, &out) != 0)
        return -EMSGSIZE;
    int r = link_send(&s->signer, policy_serials, .usable = s->serials_unusable[0] == 0, .why = sp_text(why),
                      .serials = sp_written(&out));
    return r ? send_failed(r) : 0;
}

/* What is not on the disk does not outlive us, so until it is the signer accepts nothing new. */
static int serials_store(struct spawner *s)
{
    int r = serials_write(&s->serials_file, &s->serials);
    s->serials_unwritten = r != 0;
    s->serials_unusable[0] = 0;
    if (r == 0)
        return 0;
    snprintf(s->serials_unusable, sizeof s->serials_unusable,
             "which policies were accepted cannot be written to %.500s: %s; it is tried again every %u "
             "seconds, and no configuration is accepted until it can be",
             s->serials_file.path, strerror(-r), SERIALS_AGAIN_MS / 1000);
    return loop_timer_set(s->serials_timer, SERIALS_AGAIN_MS);
}

static int on_serials_time(void *context)
{
    struct spawner *s = context;
    if (!s->serials_unwritten)
        return 0;
    int r = serials_store(s);
    return r || s->serials_unwritten ? r : serials_tell(s, "");
}

static int on_policy_serial_keep(struct spawner *s, const struct msg_policy_serial_keep *request)
{
    static struct serials wanted;
    char why[1024] = "";
    bool is_unknown = s->serials_unusable[0] && !s->serials_unwritten;
    if (is_unknown || serials_unpack(request->serials, &wanted) != 0)
        return -EPROTO;
    for (size_t i = 0; i < wanted.count; i++)
        if (serials_set(&s->serials, &wanted.items[i], why, sizeof why) != 0)
            return serials_tell(s, why);
    int r = serials_store(s);
    return r ? r : serials_tell(s, s->serials_unusable);
}

/* ---- the chain of signatures ------------------------------------------------------------------------------------- */

static void text_take(struct sp_span from, char *to, size_t size)
{
    snprintf(to, size, "%.*s", (int)from.size, (const char *)from.data);
}

static int on_chain_time(void *context)
{
    struct spawner *s = context;
    s->chain_waits = false;
    int r = chain_sync(&s->chain);
    if (r)
        fprintf(stderr, "sallyport-signer: the chain of signatures in %s cannot be brought to the disk: %s\n",
                s->chain.directory, strerror(-r));
    return 0;
}

/* Once in a second, while there is anything to bring to the disk. */
static int chain_arm(struct spawner *s)
{
    if (s->chain_waits)
        return 0;
    s->chain_waits = true;
    return loop_timer_set(s->chain_timer, CHAIN_SYNC_MS);
}

static int on_record_signature(struct spawner *s, const struct msg_record_signature *message)
{
    char line[SIGNATURE_RECORD_MAX] = "", why[1024];
    struct signature_record record = {
        .time_us = message->time_us, .connection = message->connection, .latency_us = message->latency_us};
    text_take(message->key, record.key, sizeof record.key);
    text_take(message->algorithm, record.algorithm, sizeof record.algorithm);
    text_take(message->purpose, record.purpose, sizeof record.purpose);
    text_take(message->peer, record.peer, sizeof record.peer);
    s->chain.unrecorded += message->lost;
    enum chain_result result = chain_append(&s->chain, &record, message->limit, line, why, sizeof why);
    bool is_lost = result == CHAIN_LOST;
    int r = is_lost ? 0 : chain_arm(s);
    if (r)
        return r;
    r = link_send(&s->signer, signature_recorded, .ticket = message->ticket, .result = (uint8_t)result,
                  .why = sp_text(why), .line = sp_text(is_lost ? "" : line),
                  .hash = sp_span_of(s->chain.head.hash, is_lost ? 0 : SIGNATURE_HASH_SIZE));
    return r ? send_failed(r) : 0;
}

static int dispatch(struct spawner *s)
{
    switch (s->inbox->row->number) {
    case MSG_spawn_token:
        return on_spawn_token(s, &s->inbox->body.spawn_token);
    case MSG_kill_token:
        return on_kill_token(s, &s->inbox->body.kill_token);
    case MSG_pin_refused:
        return on_pin_refused(s, &s->inbox->body.pin_refused);
    case MSG_pin_judged:
        return on_pin_judged(s, &s->inbox->body.pin_judged);
    case MSG_policy_serial_keep:
        return on_policy_serial_keep(s, &s->inbox->body.policy_serial_keep);
    case MSG_record_signature:
        return on_record_signature(s, &s->inbox->body.record_signature);
    default:
        return -EPROTO;
    }
}

static int on_signer_io(void *context, uint32_t events)
{
    struct spawner *s = context;
    int r = (events & EPOLLOUT) ? link_flush(&s->signer) : 0;
    while (r == 0) {
        r = link_receive(&s->signer, PHASE_ANY, s->inbox);
        if (r == 0)
            r = dispatch(s);
    }
    if (r == LINK_E_CLOSED || r == LINK_E_ILLEGAL) {
        loop_stop(s->loop, r == LINK_E_CLOSED ? 0 : 1);
        return 0;
    }
    if (r != LINK_E_AGAIN)
        return r < 0 ? r : -EPIPE;
    return loop_modify(s->signer_source, EPOLLIN | (link_wants_write(&s->signer) ? (uint32_t)EPOLLOUT : 0));
}

static uint32_t slot_of(const struct spawner *s, pid_t pid)
{
    uint32_t slot = 0;
    while (slot < SPAWNER_SLOTS && s->slots[slot].pid != pid)
        slot++;
    return slot;
}

static int on_child(void *context, int signal_number)
{
    struct spawner *s = context;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        uint32_t slot = slot_of(s, pid);
        if (slot == SPAWNER_SLOTS)
            continue; /* killed to make room for its successor, which has the slot now */
        int r = link_send(&s->signer, token_exited, .slot = slot, .pid = (uint32_t)pid,
                          .status = (uint32_t)status);
        s->slots[slot].pid = 0;
        if (r)
            return send_failed(r);
    }
    return 0;
}

/* The signer is gone, and the links with it: token processes log out by themselves, or are made to go. */
static void end_children(struct spawner *s)
{
    uint64_t until = clock_ms() + GRACE_MS;
    for (uint32_t i = 0; i < SPAWNER_SLOTS; i++)
        while (s->slots[i].pid > 0 && waitpid(s->slots[i].pid, NULL, WNOHANG) == 0) {
            if (clock_ms() >= until)
                slot_kill(&s->slots[i]);
            usleep(5000);
        }
}

static int confine(const struct spawner_setup *setup)
{
    int r = setup->become ? sandbox_become(setup->uid, setup->gid, NULL, 0) : 0;
    if (r == 0)
        r = sandbox_drop_capabilities();
    return r ? r : sandbox_harden_process();
}

static int prepare(struct spawner *s, int link_fd)
{
    static const int signals[] = {SIGCHLD, 0};
    char why[1024] = "";
    signal(SIGTERM, SIG_IGN); /* a terminal's or a manager's signal is for the signer, with which we end */
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    link_init(&s->signer, link_fd, ROLE_SPAWNER, ROLE_SIGNER);
    int r = loop_new(&s->loop);
    if (r == 0)
        r = loop_add_signals(s->loop, signals, on_child, s);
    if (r == 0)
        r = loop_add(s->loop, s->signer.fd, EPOLLIN, on_signer_io, s, &s->signer_source);
    if (r == 0)
        r = loop_add_timer(s->loop, CHAIN_SYNC_MS, on_chain_time, s, &s->chain_timer);
    if (r == 0)
        r = loop_add_timer(s->loop, SERIALS_AGAIN_MS, on_serials_time, s, &s->serials_timer);
    if (r == 0)
        r = pin_memory_open(&s->pins, s->setup->state_directory, why, sizeof why);
    if (r == 0) {
        /* Whether that matters is for the signer to say: most have no trust anchors. */
        (void)!serials_open(&s->serials_file, s->setup->state_directory, &s->serials, s->serials_unusable,
                            sizeof s->serials_unusable);
        r = serials_tell(s, s->serials_unusable);
    }
    if (r)
        fprintf(stderr, "sallyport-signer: the spawner cannot start: %s\n", r < 0 ? strerror(-r) : why);
    return r;
}

int spawner_run(const struct spawner_setup *setup, int link_fd)
{
    CLEANUP_FREE struct spawner *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    s->setup = setup;
    chain_init(&s->chain, setup->state_directory);
    s->credentials = getenv("CREDENTIALS_DIRECTORY");
    s->inbox = calloc(1, sizeof *s->inbox);
    int r = s->inbox ? confine(setup) : -ENOMEM;
    if (r == 0)
        r = prepare(s, link_fd);
    if (r == 0)
        r = loop_run(s->loop);
    link_close(&s->signer);
    chain_close(&s->chain); /* before we wait for anybody: the next signer's spawner goes on with it */
    end_children(s);
    loop_free(s->loop);
    free(s->inbox);
    return r == 0 ? 0 : 1;
}
