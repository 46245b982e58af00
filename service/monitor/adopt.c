/*
 * Taking over. Input: descriptors that came back from the service manager, by slots. Output: generations, connections and
 * counts, as another monitor had them.
 *
 * Each slot has one file that says what it is (stored.h), and what goes with that: a generation's snapshot, or the links of a
 * connection and its worker's process. A generation comes before its connections, which come in the order of their ids.
 */
#include "monitor/adopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/loop.h"

#include "config/config.h"

#include "monitor/monitor.h"
#include "monitor/on_connection.h"
#include "monitor/stored.h"

/* One slot, taken apart. */
struct parcel {
    uint16_t slot;
    int record; /* owned, as the others; -1: none */
    int others[STORE_FDS_MAX];
    size_t other_count;
    const char *flaw; /* why it is of no use; NULL: nothing is known against it */
    struct stored stored;
    uint64_t order; /* of a connection: its id */
};

struct adoption {
    struct monitor *m;
    struct parcel *parcels;
    size_t count;
    unsigned connections, refused;
};

static void parcel_free(struct parcel *p)
{
    cleanup_close(&p->record);
    for (size_t i = 0; i < p->other_count; i++)
        cleanup_close(&p->others[i]);
    stored_free(&p->stored);
}

/* ---- unpacking --------------------------------------------------------------------------------------------- */

static void parcel_put(struct parcel *p, int fd)
{
    struct stored stored;
    int r = p->record < 0 ? stored_read(fd, &stored) : STORED_E_FOREIGN;
    if (r == 0) {
        p->record = fd;
        p->stored = stored;
    } else if (p->other_count < STORE_FDS_MAX) {
        p->others[p->other_count++] = fd;
    } else {
        close(fd);
        p->flaw = "there is too much in it";
    }
    if (r == STORED_E_OTHER)
        p->flaw = "it is of another version";
    else if (r == STORED_E_MALFORMED)
        p->flaw = "its record is damaged";
    else if (r < 0)
        p->flaw = "it cannot be read";
}

static void parcel_check(struct parcel *p)
{
    struct msg_stored_connection c;
    if (!p->flaw && p->record < 0)
        p->flaw = "it has no record";
    if (p->flaw || p->stored.kind != STORED_CONNECTION)
        return;
    if (stored_connection_read(&p->stored, &c))
        p->flaw = "its record is malformed";
    else
        p->order = c.connection;
}

static int parcels_compare(const void *a, const void *b)
{
    const struct parcel *left = a, *right = b;
    return left->order != right->order ? (left->order < right->order ? -1 : 1)
                                       : (left->slot < right->slot ? -1 : 1);
}

/* What was taken is sorted by slots. */
static int parcels_make(struct adoption *a)
{
    struct store *store = &a->m->store;
    a->parcels = calloc(store->taken_count + 1, sizeof *a->parcels);
    if (!a->parcels)
        return -ENOMEM;
    for (size_t i = 0; i < store->taken_count; i++) {
        if (i == 0 || store->taken[i].slot != store->taken[i - 1].slot)
            a->parcels[a->count++] = (struct parcel){.slot = store->taken[i].slot, .record = -1};
        parcel_put(&a->parcels[a->count - 1], TAKE_FD(store->taken[i].fd));
    }
    store->taken_count = 0;
    for (size_t i = 0; i < a->count; i++)
        parcel_check(&a->parcels[i]);
    qsort(a->parcels, a->count, sizeof *a->parcels, parcels_compare);
    return 0;
}

/* ---- generations ------------------------------------------------------------------------------------------- */

/* Its policies were judged when it came into force, and are the signer's to judge again. */
static int config_of(int snapshot_fd, struct config **config)
{
    static const struct config_who nobody = {0};
    struct config_source *source = NULL;
    struct config_error error;
    struct sp_span bytes;
    int r = fd_sealed_map(snapshot_fd, CONFIG_SNAPSHOT_MAX, &bytes);
    if (r)
        return r;
    r = config_source_unpack(bytes, &source, &error);
    if (r == 0)
        r = config_evaluate(source, &nobody, config, &error);
    config_source_free(source);
    fd_sealed_unmap(bytes);
    return r;
}

static const char *generation_adopt(struct adoption *a, struct parcel *p)
{
    struct msg_stored_generation record;
    struct generation *g;
    struct config *config = NULL;
    if (stored_generation_read(&p->stored, &record) || p->other_count != 1)
        return "a configuration's record is malformed";
    if (generation_find(a->m, record.generation))
        return "there are two configurations of one number";
    if (config_of(p->others[0], &config) || generation_take_over(a->m, &record, &config, p->others[0], &g)) {
        config_free(config);
        return "a configuration cannot be used any more";
    }
    p->others[0] = -1;
    g->slot = p->slot;
    return NULL;
}

/* As the one before has written it; what there is now to be read has not been read yet. */
static void log_continue(struct monitor *m)
{
    const struct generation *newest = NULL;
    for (const struct generation *g = m->generations.list; g; g = g->next)
        if (!newest || g->number > newest->number)
            newest = g;
    if (newest)
        log_writer_open(&m->log, newest->config->log_format, newest->config->log_level,
                        newest->config->syslog_facility);
}

/* ---- connections ------------------------------------------------------------------------------------------- */

struct links {
    int worker, session, process;
};

static bool is_link(int fd, uint64_t node)
{
    struct stat st;
    int type = 0;
    socklen_t size = sizeof type;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && (uint64_t)st.st_ino == node &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/* What is no link is the worker's process: whatever it is, we can do nothing with it but hand it to the zygote. */
static bool links_find(struct parcel *p, const struct msg_stored_connection *record, struct links *links)
{
    *links = (struct links){-1, -1, -1};
    for (size_t i = 0; i < p->other_count; i++) {
        int fd = p->others[i];
        int *place = is_link(fd, record->worker_node)    ? &links->worker
                     : is_link(fd, record->session_node) ? &links->session
                                                         : &links->process;
        if (*place >= 0)
            return false;
        *place = fd;
    }
    return links->worker >= 0 && links->session >= 0;
}

static bool span_copy(struct sp_span from, struct sp_span *to)
{
    uint8_t *copy = malloc(from.size + 1);
    if (!copy)
        return false;
    if (from.size != 0)
        memcpy(copy, from.data, from.size);
    *to = sp_span_of(copy, from.size);
    return true;
}

static void address_copy(struct address *to, struct sp_span text, uint16_t port)
{
    snprintf(to->text, sizeof to->text, "%.*s", (int)text.size,
             text.size != 0 ? (const char *)text.data : "");
    to->port = port;
}

static void text_take(struct sp_span text, char *to, size_t capacity)
{
    snprintf(to, capacity, "%.*s", (int)text.size, text.size != 0 ? (const char *)text.data : "");
}

/* For who asks. What its worker has told of octets was counted before this monitor began. */
static void known_fill(struct connection_known *known, const struct msg_stored_connection *record)
{
    known->since_s = (int64_t)record->since_s;
    known->login_s = (int64_t)record->login_s;
    known->uid = record->uid;
    known->login_pid = record->login_pid;
    known->is_adopted = true;
    text_take(record->methods, known->methods, sizeof known->methods);
    text_take(record->detail, known->detail, sizeof known->detail);
    text_take(record->session, known->session, sizeof known->session);
}

static bool connection_fill(struct connection *c, const struct msg_stored_connection *record)
{
    c->id = record->connection;
    c->since_ms = record->since_ms;
    known_fill(&c->known, record);
    c->worker_node = record->worker_node;
    c->session_node = record->session_node;
    c->phase = PHASE_LOGIN;
    c->login_started = true;
    c->session_id_size = (uint8_t)record->session_id.size;
    memcpy(c->session_id, record->session_id.data, record->session_id.size);
    c->source.family = record->source_family;
    memcpy(c->source.bytes, record->source.data, sizeof c->source.bytes);
    address_copy(&c->remote, record->remote_address, record->remote_port);
    address_copy(&c->local, record->local_address, record->local_port);
    c->balancer.step = (enum balancer_step)record->balancer_step;
    c->balancer.is_own = record->balancer_is_own;
    address_copy(&c->balancer.address, record->balancer_address, record->balancer_port);
    snprintf(c->listener, sizeof c->listener, "%.*s", (int)record->listener.size,
             record->listener.size != 0 ? (const char *)record->listener.data : "");
    c->user = strndup((const char *)record->user.data, record->user.size);
    return c->user && span_copy(record->policy, &c->policy) &&
           span_copy(record->negotiated, &c->negotiated) &&
           span_copy(record->client_kexinit, &c->client_kexinit);
}

static struct connection *connection_make(const struct msg_stored_connection *record, struct generation *g)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->worker.link.fd = c->session.link.fd = c->client_fd = c->process_fd = c->record_fd = -1;
    c->generation = g;
    if (connection_fill(c, record))
        return c;
    connection_free(c);
    return NULL;
}

static void adopted_log(struct connection *c)
{
    monitor_say(c->monitor, c, LOG_LEVEL_INFO, "adopted", "Connection of user %s from %s port %u goes on",
                c->user, c->remote.text, c->remote.port);
}

/* The first thing that its worker hears from us, unless it has gone: then its last words are still to be read. One that the
 * monitor before had told to end is told again: nobody knows whether that was on its way. */
static void connection_resume(struct connection *c, unsigned phase)
{
    adopted_log(c);
    c->resuming = clock_us(); /* which no monitor before us has had */
    int r = watch_send(&c->worker, resume, .ticket = c->resuming);
    if (r && r != LINK_E_CLOSED)
        connection_worker_gone(c);
    else if (phase == PHASE_CLOSING)
        connection_end(c, DISCONNECT_BY_APPLICATION, sp_text("The connection has ended"), "ended_before");
}

static const char *connection_adopt(struct adoption *a, struct parcel *p)
{
    struct msg_stored_connection record;
    struct links links;
    if (stored_connection_read(&p->stored, &record))
        return "its record is malformed";
    struct generation *g = generation_find(a->m, record.generation);
    if (!g)
        return "its configuration is not there";
    if (connection_find(a->m, record.connection))
        return "there are two of one number";
    if (!links_find(p, &record, &links))
        return "its links are not there";
    struct connection *c = connection_make(&record, g);
    if (!c)
        return "out of memory";
    p->other_count = 0;
    c->process_fd = links.process;
    if (connection_take_over(a->m, c, links.worker, links.session)) {
        connection_free(c);
        return "its links cannot be watched";
    }
    c->slot = p->slot;
    c->record_fd = TAKE_FD(p->record);
    a->connections++;
    connection_resume(c, record.phase);
    return NULL;
}

/* ---- counts ------------------------------------------------------------------------------------------------ */

static const char *count_adopt(struct adoption *a, struct parcel *p)
{
    struct monitor *m = a->m;
    int r = 0;
    if (p->stored.kind == STORED_KNOWN_KEYS)
        r = m->known_keys.clients == 0 ? known_keys_read(&m->known_keys, p->stored.body) : -EEXIST;
    else if (p->stored.kind == STORED_REPORT)
        r = m->report.clients == 0 ? report_read(&m->report, p->stored.body) : -EEXIST;
    else if (p->stored.kind == STORED_PENALTIES)
        r = admission_read(&m->admission, p->stored.body, clock_ms());
    return r ? "counts are malformed" : NULL;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static void refuse(struct adoption *a, const struct parcel *p, const char *why)
{
    const struct log_field fields[] = {{"why", sp_text(why)}};
    a->refused++;
    monitor_log(a->m, NULL, LOG_LEVEL_WARNING, "not_adopted", fields, ARRAY_SIZE(fields),
                "What the monitor before has left in place %u is given up: %s", p->slot, why);
}

typedef const char *(*adopt_fn)(struct adoption *a, struct parcel *p);

/* By kind; whatever has been taken over by nobody is not kept any longer. */
static void pass(struct adoption *a, bool (*wanted)(const struct parcel *p), adopt_fn adopt, bool stays)
{
    for (size_t i = 0; i < a->count; i++) {
        struct parcel *p = &a->parcels[i];
        if (p->slot == 0 || !wanted(p))
            continue;
        const char *flaw = p->flaw ? p->flaw : adopt(a, p);
        if (flaw)
            refuse(a, p, flaw);
        if (flaw || !stays)
            store_drop(a->m, &p->slot);
        p->slot = 0;
    }
}

static bool is_generation(const struct parcel *p)
{
    return !p->flaw && p->stored.kind == STORED_GENERATION;
}

static bool is_connection(const struct parcel *p)
{
    return !p->flaw && p->stored.kind == STORED_CONNECTION;
}

static bool is_rest(const struct parcel *p)
{
    (void)p;
    return true;
}

static const char *nothing_adopt(struct adoption *a, struct parcel *p)
{
    (void)a;
    (void)p;
    return "connections are not kept any more (--keep-connections)";
}

/* Ids of ours are above all of them, by a lot and by chance: those that the one before has given to connections that had not
 * logged in are in its log, and some of their workers may still live. */
static uint64_t id_after(uint64_t last, uint64_t random)
{
    return last == 0 ? random : last + (UINT64_C(1) << 32) + (random >> 16);
}

void adopt_all(struct monitor *m)
{
    struct adoption a = {.m = m};
    uint64_t random_id = m->connections.last_id;
    if (m->store.taken_count == 0 || parcels_make(&a))
        return;
    m->connections.last_id = 0;
    if (m->store.on) {
        pass(&a, is_generation, generation_adopt, true);
        log_continue(m);
        pass(&a, is_connection, connection_adopt, true);
        pass(&a, is_rest, count_adopt, false);
    } else {
        pass(&a, is_rest, nothing_adopt, false);
    }
    for (size_t i = 0; i < a.count; i++)
        parcel_free(&a.parcels[i]);
    free(a.parcels);
    m->connections.last_id = id_after(m->connections.last_id, random_id);
    monitor_say(m, NULL, LOG_LEVEL_INFO, "adoption",
                "%u connections of the monitor before go on, %u places given up", a.connections, a.refused);
}
