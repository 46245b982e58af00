/* The surroundings of a real monitor. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/listen.h"
#include "base/loop.h"

#define PATIENCE_MS 10000
#define SILENCE_MS 150
#define MONITOR_ID 60744

static const char *program;

static const struct {
    const char *socket;
    enum ipc_role role;
} services[RIG_SERVICES] = {
    [RIG_SIGNER] = {"signer.sock", ROLE_SIGNER},
    [RIG_ZYGOTE] = {"worker.sock", ROLE_ZYGOTE},
    [RIG_ACCEPTOR] = {"session.sock", ROLE_ACCEPTOR},
};

void rig_program(const char *path)
{
    program = path;
}

static void path_of(const struct rig *r, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", r->directory, name);
}

static int socket_open(const struct rig *r, const char *name, int type)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", r->directory, name);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(chmod(at.sun_path, 0666), 0);
    if (type == SOCK_SEQPACKET)
        assert_int_equal(listen(fd, 8), 0);
    return fd;
}

void rig_configure(struct rig *r, const char *lines)
{
    char path[128];
    path_of(r, "conf", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "HostKey pkcs11:token=t;object=o\nLogFormat json\nLogLevel DEBUG\n%s\n", lines);
    assert_int_equal(fclose(file), 0);
}

/* The listening socket and what is kept, from descriptor 3 on. */
static void descriptors_hand_over(const struct rig *r)
{
    char names[16 + RIG_KEPT_MAX * sizeof r->kept[0].name] = "front", count[24];
    int high[RIG_KEPT_MAX + 1];
    for (size_t i = 0; i <= r->kept_count; i++)
        high[i] = fcntl(i == 0 ? r->listener_fd : r->kept[i - 1].fd, F_DUPFD, 1000);
    for (size_t i = 0; i <= r->kept_count; i++) {
        size_t used = strlen(names);
        if (dup2(high[i], 3 + (int)i) < 0)
            _exit(120);
        close(high[i]);
        if (i != 0)
            snprintf(names + used, sizeof names - used, ":%s", r->kept[i - 1].name);
    }
    snprintf(count, sizeof count, "%zu", r->kept_count + 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", names, 1);
}

static void monitor_run(const struct rig *r)
{
    char pid[24], config[128], log[128], notify[128], user[32];
    path_of(r, "conf", config);
    path_of(r, "log", log);
    path_of(r, "notify", notify);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    snprintf(user, sizeof user, "%d:%d", MONITOR_ID, MONITOR_ID);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    /* Whoever reads our output is not to wait for a monitor that a failed test left behind. */
    if (dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(120);
    descriptors_hand_over(r);
    setenv("LISTEN_PID", pid, 1);
    setenv("NOTIFY_SOCKET", notify, 1);
    const char *arguments[10] = {"sallyportd", "-f", config, "--runtime-dir", r->directory};
    size_t n = 5;
    if (r->keeps)
        arguments[n++] = "--keep-connections";
    if (geteuid() == 0) {
        arguments[n++] = "--user";
        arguments[n++] = user;
    }
    execv(program, (char *const *)(uintptr_t)arguments);
    _exit(121);
}

static void monitor_start(struct rig *r)
{
    fflush(NULL);
    r->monitor = fork();
    assert_true(r->monitor >= 0);
    if (r->monitor == 0)
        monitor_run(r);
    for (int i = 0; i < RIG_SERVICES; i++)
        rig_accept(r, (enum rig_service)i);
}

static struct rig *begin(const char *lines, bool keeps)
{
    struct rig *r = calloc(1, sizeof *r);
    struct listen_sockets network = {0};
    char text[LISTEN_TEXT_MAX];
    assert_non_null(r);
    r->listener = "front";
    r->remote = "127.0.0.1";
    snprintf(r->directory, sizeof r->directory, "/tmp/sallyport-rig.XXXXXX");
    assert_non_null(mkdtemp(r->directory));
    assert_int_equal(chmod(r->directory, 0755), 0);
    for (int i = 0; i < RIG_SERVICES; i++)
        r->listeners[i] = socket_open(r, services[i].socket, SOCK_SEQPACKET);
    r->notify = socket_open(r, "notify", SOCK_DGRAM);
    rig_configure(r, lines);
    assert_int_equal(listen_add(&network, "127.0.0.1", 0), 0);
    listen_text(network.fds[0], text, sizeof text);
    assert_int_equal(sscanf(text, "127.0.0.1:%u", &r->port), 1);
    r->listener_fd = network.fds[0];
    r->keeps = keeps;
    monitor_start(r);
    return r;
}

struct rig *rig_begin(const char *lines)
{
    return begin(lines, false);
}

void rig_serve_generation(struct rig *r, uint64_t generation)
{
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure.generation,
                     generation);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], configured, .generation = generation, .offer = sp_text("offer")), 0);
    const struct msg_prepare *prepare =
        &rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare;
    assert_int_equal(prepare->generation, generation);
    assert_true(sp_span_is(prepare->offer, "offer"));
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = generation), 0);
}

struct rig *rig_open(const char *lines)
{
    struct rig *r = rig_begin(lines);
    rig_serve_generation(r, 1);
    rig_notified(r, "READY=1\n");
    return r;
}

struct rig *rig_open_keeping(const char *lines)
{
    struct rig *r = begin(lines, true);
    rig_serve_generation(r, 1);
    rig_notified(r, "READY=1\n");
    return r;
}

/* ---- the service manager ----------------------------------------------------------------------------------- */

static void kept_remove(struct rig *r, const char *name)
{
    for (size_t i = 0; i < r->kept_count;) {
        if (strcmp(r->kept[i].name, name) != 0) {
            i++;
            continue;
        }
        close(r->kept[i].fd);
        r->kept[i] = r->kept[--r->kept_count];
    }
}

void rig_keep(struct rig *r, const char *name, int fd)
{
    assert_true(r->kept_count < RIG_KEPT_MAX);
    struct rig_kept *kept = &r->kept[r->kept_count++];
    snprintf(kept->name, sizeof kept->name, "%s", name);
    kept->fd = fd;
}

static void store_serve(struct rig *r, const char *text, const int *fds, size_t count)
{
    char name[32] = "";
    const char *at = strstr(text, "FDNAME=");
    if (!at)
        return;
    assert_int_equal(sscanf(at, "FDNAME=%31[^\n]", name), 1);
    if (strstr(text, "FDSTOREREMOVE=1\n")) {
        assert_int_not_equal(rig_kept_count(r, name), 0);
        kept_remove(r, name);
        return;
    }
    assert_non_null(strstr(text, "FDSTORE=1\n"));
    assert_int_equal(rig_kept_count(r, name), 0); /* a number is used again only after its removal */
    for (size_t i = 0; i < count; i++)
        rig_keep(r, name, fds[i]);
}

static bool notify_receive(struct rig *r, char text[1024])
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = text, .iov_len = 1023};
    struct msghdr header = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    int fds[8];
    size_t count = 0;
    ssize_t size = recvmsg(r->notify, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return false;
    text[size] = '\0';
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    if (c) {
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), count * sizeof(int));
    }
    store_serve(r, text, fds, count);
    return true;
}

void rig_notified(struct rig *r, const char *wanted)
{
    uint64_t until = clock_ms() + PATIENCE_MS;
    bool said = wanted[0] == '\0';
    for (;;) {
        char text[1024];
        struct pollfd p = {.fd = r->notify, .events = POLLIN};
        if (notify_receive(r, text))
            said = said || strstr(text, wanted) != NULL;
        else if (said)
            return;
        else if (clock_ms() >= until || poll(&p, 1, PATIENCE_MS) != 1)
            fail_msg("the monitor does not tell its manager %s", wanted);
    }
}

size_t rig_kept_count(const struct rig *r, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < r->kept_count; i++)
        count += name[0] == '\0' || strcmp(r->kept[i].name, name) == 0 ? 1u : 0u;
    return count;
}

void rig_start_again(struct rig *r)
{
    for (int i = 0; i < RIG_SERVICES; i++)
        link_close(&r->links[i]);
    monitor_start(r);
}

void rig_crash(struct rig *r)
{
    kill(r->monitor, SIGKILL);
    waitpid(r->monitor, NULL, 0);
    rig_notified(r, "");
}

static void directory_remove(const struct rig *r)
{
    static const char *const names[] = {"signer.sock", "worker.sock", "session.sock",
                                        "notify",      "conf",        "log"};
    char path[128];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        path_of(r, names[i], path);
        unlink(path);
    }
    rmdir(r->directory);
}

void rig_close(struct rig *r)
{
    if (r->monitor > 0) {
        kill(r->monitor, SIGKILL);
        waitpid(r->monitor, NULL, 0);
    }
    for (int i = 0; i < RIG_SERVICES; i++) {
        link_close(&r->links[i]);
        close(r->listeners[i]);
    }
    link_inbox_wipe(&r->inbox);
    for (size_t i = 0; i < r->kept_count; i++)
        close(r->kept[i].fd);
    close(r->listener_fd);
    close(r->notify);
    assert_int_equal(rig_log_count(r, "Sanitizer") + rig_log_count(r, "runtime error"), 0);
    directory_remove(r);
    free(r);
}

void rig_signal(struct rig *r, int number)
{
    assert_int_equal(kill(r->monitor, number), 0);
}

int rig_exit_status(struct rig *r)
{
    uint64_t until = clock_ms() + PATIENCE_MS;
    int status;
    while (clock_ms() < until) {
        if (waitpid(r->monitor, &status, WNOHANG) == r->monitor) {
            r->monitor = 0;
            assert_true(WIFEXITED(status));
            return WEXITSTATUS(status);
        }
        poll(NULL, 0, 5);
    }
    fail_msg("the monitor does not exit");
    return -1;
}

void rig_accept(struct rig *r, enum rig_service service)
{
    struct pollfd p = {.fd = r->listeners[service], .events = POLLIN};
    link_close(&r->links[service]); /* the monitor connects again when it has seen this */
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    int fd = accept4(r->listeners[service], NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    link_init(&r->links[service], fd, services[service].role, ROLE_MONITOR);
}

const union msg_body *rig_expect(struct rig *r, struct link *link, unsigned phase, enum msg_number number)
{
    int got = link_wait(link, phase, &r->inbox, PATIENCE_MS);
    if (got != 0)
        fail_msg("%s was expected, but: %d %s", message_find(number)->name, got, link_complaint(link));
    if (r->inbox.row->number != number)
        fail_msg("%s was expected, but %s came", message_find(number)->name, r->inbox.row->name);
    return &r->inbox.body;
}

void rig_expect_silence(struct rig *r, struct link *link, unsigned phase)
{
    int got = link_wait(link, phase, &r->inbox, SILENCE_MS);
    if (got != LINK_E_AGAIN)
        fail_msg("silence was expected, but: %d %s", got, got == 0 ? r->inbox.row->name : "");
}

void rig_expect_end(struct rig *r, struct link *link)
{
    int got;
    while ((got = link_wait(link, PHASE_ANY, &r->inbox, PATIENCE_MS)) == 0)
        ;
    if (got != LINK_E_CLOSED)
        fail_msg("the end was expected, but: %d", got);
}

/* ---- connections ------------------------------------------------------------------------------------------- */

int rig_dial(const struct rig *r)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)r->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

bool rig_is_refused(int client, const char *line)
{
    char text[128];
    size_t used = 0;
    struct pollfd p = {.fd = client, .events = POLLIN};
    while (used < sizeof text - 1 && poll(&p, 1, PATIENCE_MS) == 1) {
        ssize_t n = read(client, text + used, sizeof text - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    text[used] = '\0';
    return strcmp(text, line) == 0;
}

void rig_receive_serve(struct rig *r, struct rig_connection *c)
{
    const struct msg_serve *serve = &rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_serve)->serve;
    c->id = serve->connection;
    assert_true(sp_span_is(serve->remote_address, "127.0.0.1"));
    assert_true(sp_span_is(serve->local_address, "127.0.0.1"));
    assert_int_equal(serve->local_port, r->port);
    c->socket = link_take_fd(&r->inbox, 0);
    link_init(&c->worker, link_take_fd(&r->inbox, 1), ROLE_WORKER, ROLE_MONITOR);
}

void rig_connect(struct rig *r, struct rig_connection *c)
{
    *c = (struct rig_connection){.session.fd = -1, .worker_session = -1, .session_worker = -1};
    c->client = rig_dial(r);
    rig_receive_serve(r, c);
}

void rig_sign(struct rig *r, struct rig_connection *c, uint8_t h)
{
    uint8_t hash[32], negotiated[256];
    struct sp_out out = {.data = negotiated, .capacity = sizeof negotiated};
    memset(hash, h, sizeof hash);
    for (int i = 0; i < 9; i++) {
        const char word[] = {'n', (char)('0' + i), 0};
        uint8_t size[4] = {0, 0, 0, 2};
        memcpy(negotiated + out.size, size, 4);
        memcpy(negotiated + out.size + 4, word, 2);
        out.size += 6;
    }
    assert_int_equal(link_send(&c->worker, ask_signature, .transcript = sp_text("transcript")), 0);
    const struct msg_sign *sign = &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign;
    assert_int_equal(sign->connection, c->id);
    assert_true(sp_span_is(sign->transcript, "transcript"));
    assert_true(sp_span_is(sign->listener, r->listener));
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_done, .connection = c->id,
                               .h = sp_span_of(hash, sizeof hash), .signature = sp_text("signature"),
                               .host_key = sp_text("host key"), .negotiated = sp_written(&out)),
                     0);
    const struct msg_signature *signature = &rig_expect(r, &c->worker, PHASE_START, MSG_signature)->signature;
    assert_true(sp_span_equal(signature->h, sp_span_of(hash, sizeof hash)));
    assert_true(sp_span_is(signature->signature, "signature"));
    assert_true(sp_span_is(signature->host_key, "host key"));
}

void rig_name(struct rig *r, struct rig_connection *c, const char *user)
{
    assert_int_equal(link_send(&c->worker, ask_login, .user = sp_text(user)), 0);
    const struct msg_start_login *start =
        &rig_expect(r, &r->links[RIG_ACCEPTOR], PHASE_ANY, MSG_start_login)->start_login;
    struct sp_span snapshot;
    assert_int_equal(start->connection, c->id);
    link_init(&c->session, link_take_fd(&r->inbox, 0), ROLE_SESSION, ROLE_MONITOR);
    c->worker_session = link_take_fd(&r->inbox, 1);
    int fd = link_take_fd(&r->inbox, 2);
    assert_int_equal(fd_sealed_map(fd, 1 << 20, &snapshot), 0);
    fd_sealed_unmap(snapshot);
    close(fd);
    const struct msg_open_login *open = &rig_expect(r, &c->session, PHASE_START, MSG_open_login)->open_login;
    assert_int_equal(open->connection, c->id);
    assert_true(sp_span_is(open->user, user));
    assert_true(sp_span_is(open->remote_address, r->remote));
    assert_true(sp_span_is(open->listener, r->listener));
    assert_int_equal(open->session_id.size, 32);
    assert_true(sp_span_is(open->host_key, "host key"));
    (void)rig_expect(r, &c->worker, PHASE_AUTH, MSG_login_link);
    c->session_worker = link_take_fd(&r->inbox, 0);
}

void rig_log_in(struct rig *r, struct rig_connection *c, const char *user)
{
    (void)r;
    assert_int_equal(link_send(&c->session, login_succeeded, .user = sp_text(user), .uid = 1000,
                               .methods = sp_text("publickey")),
                     0);
}

void rig_hang_up(struct rig_connection *c)
{
    link_close(&c->worker);
    link_close(&c->session);
    const int fds[] = {c->client, c->socket, c->worker_session, c->session_worker};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* ---- the log ----------------------------------------------------------------------------------------------- */

size_t rig_log_count(const struct rig *r, const char *text)
{
    char path[128];
    uint8_t *data = NULL;
    size_t size, count = 0;
    path_of(r, "log", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_all(fd, 64u << 20, &data, &size))
        fail_msg("no log");
    close(fd);
    for (const char *at = (const char *)data; (at = strstr(at, text)); at++)
        count++;
    free(data);
    return count;
}

void rig_log_wait(const struct rig *r, const char *text)
{
    uint64_t until = clock_ms() + PATIENCE_MS;
    while (clock_ms() < until) {
        if (rig_log_count(r, text) != 0)
            return;
        poll(NULL, 0, 5);
    }
    fail_msg("the log does not say %s", text);
}
