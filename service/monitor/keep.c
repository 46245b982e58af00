/* What is left to the next monitor. Input: the tables. Output: files and links in the store. */
#include "monitor/keep.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "ipc/codec.h"

#include "monitor/monitor.h"
#include "monitor/stored.h"

/* ---- connections ------------------------------------------------------------------------------------------- */

static uint64_t node_of(const struct watch *w)
{
    struct stat st;
    return watch_is_open(w) && fstat(w->link.fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static int connection_encode(const struct connection *c, struct sp_out *out)
{
    const struct msg_stored_connection record = {
        .connection = c->id,
        .generation = c->generation->number,
        .worker_node = c->worker_node,
        .session_node = c->session_node,
        .phase = (uint8_t)c->phase,
        .since_ms = c->since_ms,
        .since_s = (uint64_t)c->known.since_s,
        .login_s = (uint64_t)c->known.login_s,
        .uid = c->known.uid,
        .login_pid = c->known.login_pid,
        .methods = sp_text(c->known.methods),
        .detail = sp_text(c->known.detail),
        .session = sp_text(c->known.session),
        .session_id = sp_span_of(c->session_id, c->session_id_size),
        .user = sp_text(c->user),
        .remote_address = sp_text(c->remote.text),
        .remote_port = c->remote.port,
        .local_address = sp_text(c->local.text),
        .local_port = c->local.port,
        .listener = sp_text(c->listener),
        .balancer_step = (uint8_t)c->balancer.step,
        .balancer_address = sp_text(c->balancer.address.text),
        .balancer_port = c->balancer.address.port,
        .balancer_is_own = c->balancer.is_own,
        .source_family = c->source.family,
        .source = sp_span_of(c->source.bytes, sizeof c->source.bytes),
        .policy = c->policy,
        .negotiated = c->negotiated,
        .client_kexinit = c->client_kexinit,
    };
    return message_encode(message_find(MSG_stored_connection), &record, out) ? -EMSGSIZE : 0;
}

static int connection_store(struct connection *c, struct sp_span body)
{
    CLEANUP_CLOSE int record = stored_make(STORED_CONNECTION, body);
    if (record < 0)
        return record;
    int fds[STORE_FDS_MAX] = {record, c->worker.link.fd, c->session.link.fd, c->process_fd};
    c->slot = store_add(c->monitor, fds, c->process_fd < 0 ? 3 : 4);
    if (c->slot != 0)
        c->record_fd = TAKE_FD(record);
    return 0;
}

/* One that cannot be kept is served all the same. */
void keep_connection(struct connection *c)
{
    uint8_t body[STORED_CONNECTION_MAX];
    struct sp_out out = {.data = body, .capacity = sizeof body};
    if (!c->monitor->store.on || c->gone || c->phase != PHASE_LOGIN || !watch_is_open(&c->worker) ||
        !watch_is_open(&c->session))
        return;
    c->worker_node = node_of(&c->worker);
    c->session_node = node_of(&c->session);
    int r = connection_encode(c, &out);
    if (r == 0)
        r = connection_store(c, sp_written(&out));
    if (r)
        monitor_say(c->monitor, c, LOG_LEVEL_WARNING, "not_kept",
                    "The connection would not outlast a restart of this program: %s", strerror(-r));
}

void keep_phase(struct connection *c)
{
    uint8_t body[STORED_CONNECTION_MAX];
    struct sp_out out = {.data = body, .capacity = sizeof body};
    if (c->slot == 0 || connection_encode(c, &out))
        return;
    if (stored_rewrite(c->record_fd, STORED_CONNECTION, sp_written(&out)))
        store_drop(c->monitor, &c->slot); /* a wrong record is worse than none */
}

/* ---- generations ------------------------------------------------------------------------------------------- */

void keep_generation(struct monitor *m, struct generation *g)
{
    uint8_t body[64];
    struct sp_out out = {.data = body, .capacity = sizeof body};
    const struct msg_stored_generation record = {.generation = g->number, .loaded_s = (uint64_t)g->loaded_s};
    if (!m->store.on || message_encode(message_find(MSG_stored_generation), &record, &out))
        return;
    CLEANUP_CLOSE int fd = stored_make(STORED_GENERATION, sp_written(&out));
    if (fd < 0)
        return;
    const int fds[] = {fd, g->snapshot_fd};
    g->slot = store_add(m, fds, ARRAY_SIZE(fds));
}

/* ---- counts ------------------------------------------------------------------------------------------------ */

static void known_keys_of(const struct monitor *m, struct sp_out *out)
{
    known_keys_write(&m->known_keys, out);
}

static void report_of(const struct monitor *m, struct sp_out *out)
{
    report_write(&m->report, out);
}

static void penalties_of(const struct monitor *m, struct sp_out *out)
{
    admission_write(&m->admission, clock_ms(), out);
}

static const struct {
    enum stored_kind kind;
    void (*write)(const struct monitor *m, struct sp_out *out);
} counts[] = {
    {STORED_KNOWN_KEYS, known_keys_of},
    {STORED_REPORT, report_of},
    {STORED_PENALTIES, penalties_of},
};

void keep_counts(struct monitor *m)
{
    if (!m->store.on)
        return;
    CLEANUP_FREE uint8_t *body = malloc(STORED_SIZE_MAX);
    for (size_t i = 0; body && i < ARRAY_SIZE(counts); i++) {
        struct sp_out out = {.data = body, .capacity = STORED_SIZE_MAX};
        counts[i].write(m, &out);
        CLEANUP_CLOSE int fd = sp_put_end(&out) ? -1 : stored_make(counts[i].kind, sp_written(&out));
        if (fd >= 0)
            (void)store_add(m, &fd, 1);
    }
}
