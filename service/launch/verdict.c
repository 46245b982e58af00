/*
 * What became of a reload. Input: the monitor's answers to "loads", on its control socket (control_answers.c). Output: an exit
 * status, so that who reloads by a service manager is told. The monitor's answer decides about nothing else.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ipc/link.h"

#include "launch/launch.h"

#define ANSWER_TIMEOUT_MS 5000
#define VERDICT_TIMEOUT_MS 120000u /* the monitor gives its signer less */
#define AGAIN_MS 50

struct loads {
    uint64_t count;
    bool loading, refused;
};

static int dial(const struct launch *l, struct link *link)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/" RUNTIME_CONTROL, l->runtime_fd);
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        return -errno;
    link_init(link, TAKE_FD(fd), ROLE_CTL, ROLE_MONITOR);
    return 0;
}

/* Our own program's words, in its own order. */
static int loads_read(struct sp_span json, struct loads *loads)
{
    char text[128], loading[6], refused[6];
    snprintf(text, sizeof text, "%.*s", (int)json.size, (const char *)json.data);
    if (sscanf(text, "{\"loads\":%" SCNu64 ",\"loading\":%5[a-z],\"refused\":%5[a-z]}", &loads->count,
               loading, refused) != 3)
        return -EPROTO;
    loads->loading = strcmp(loading, "true") == 0;
    loads->refused = strcmp(refused, "true") == 0;
    return 0;
}

/* One piece and the end of it. */
static int answer_take(struct link *link, struct link_inbox *inbox, struct loads *loads)
{
    int r = link_wait(link, PHASE_ANY, inbox, ANSWER_TIMEOUT_MS);
    if (r == 0)
        r = inbox->row->number == MSG_control_part ? loads_read(inbox->body.control_part.json, loads)
                                                   : -EPROTO;
    if (r == 0)
        r = link_wait(link, PHASE_ANY, inbox, ANSWER_TIMEOUT_MS);
    if (r == 0 && inbox->row->number != MSG_control_end)
        r = -EPROTO;
    return r > 0 ? -EPIPE : r;
}

static int loads_ask(const struct launch *l, struct loads *loads)
{
    CLEANUP(link_close) struct link link = {.fd = -1};
    CLEANUP_FREE struct link_inbox *inbox = calloc(1, sizeof *inbox);
    int r = inbox ? dial(l, &link) : -ENOMEM;
    if (r == 0 && link_send(&link, control_ask, .question = sp_text("loads"), .argument = sp_text("")))
        r = -EPIPE;
    return r ? r : answer_take(&link, inbox, loads);
}

int verdict_begin(const struct launch *l, uint64_t *loads)
{
    struct loads before;
    int r = loads_ask(l, &before);
    if (r == 0)
        *loads = before.count;
    return r;
}

int verdict_await(const struct launch *l, uint64_t loads)
{
    uint64_t until = clock_ms() + VERDICT_TIMEOUT_MS;
    struct loads now;
    do {
        int r = loads_ask(l, &now);
        if (r)
            return r;
        if (now.count > loads && !now.loading)
            return now.refused ? VERDICT_E_REFUSED : 0;
        (void)poll(NULL, 0, AGAIN_MS);
    } while (clock_ms() < until);
    return -ETIMEDOUT;
}
