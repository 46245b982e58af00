/* Questions to the monitor. Input: a question of control_answers.c. Output: its JSON. Bounded in time and size: the server
 * that is asked may be the one that is ill. */
#include "ctl/question.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/loop.h"
#include "ipc/link.h"

#define ANSWER_MAX (1024u * 1024u) /* octets */

struct asking {
    const char *path;
    struct link link;
    struct link_inbox *inbox;
    uint64_t until_ms;
    char *json; /* owned */
    size_t size;
};

static void asking_end(struct asking *a)
{
    link_close(&a->link);
    free(a->inbox);
    free(a->json);
}

static int dial(const char *path, int *fd)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path));
    CLEANUP_CLOSE int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (made < 0 || connect(made, (const struct sockaddr *)&to, sizeof to) < 0)
        return -errno;
    *fd = TAKE_FD(made);
    return 0;
}

static int part_take(struct asking *a, struct sp_span part)
{
    if (part.size > ANSWER_MAX - a->size)
        return ctl_fail("%s: the server's answer is too long", a->path);
    char *longer = realloc(a->json, a->size + part.size + 1);
    if (!longer)
        return ctl_fail("out of memory");
    a->json = longer;
    memcpy(longer + a->size, part.data, part.size);
    a->size += part.size;
    return 0;
}

static int end_take(const struct asking *a, const struct msg_control_end *end, json_t **answer)
{
    json_error_t where;
    if (!end->ok)
        return ctl_fail("%s: the server does not answer: %.*s", a->path, (int)end->why.size,
                        (const char *)end->why.data);
    *answer = json_loadb(a->json ? a->json : "", a->size, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(*answer)) {
        json_decref(*answer);
        return ctl_fail("%s: the server's answer is no JSON object", a->path);
    }
    return 0;
}

static int link_complain(const struct asking *a, int r)
{
    if (r == LINK_E_CLOSED)
        return ctl_fail("%s: the server closed the connection: root may ask, and a group that it is told of",
                        a->path);
    if (r == LINK_E_AGAIN)
        return ctl_fail("%s: the server did not answer in time", a->path);
    return ctl_fail("%s: %s", a->path, r == LINK_E_ILLEGAL ? link_complaint(&a->link) : strerror(-r));
}

static int answer_receive(struct asking *a, json_t **answer)
{
    for (;;) {
        uint64_t now = clock_ms();
        int left = now < a->until_ms ? (int)(a->until_ms - now) : 0;
        int r = link_wait(&a->link, PHASE_ANY, a->inbox, left);
        if (r)
            return link_complain(a, r);
        if (a->inbox->row->number == MSG_control_end)
            return end_take(a, &a->inbox->body.control_end, answer);
        r = part_take(a, a->inbox->body.control_part.json);
        if (r)
            return r;
    }
}

int question_ask(const struct ctl_options *o, const char *question, const char *argument, json_t **answer)
{
    CLEANUP(asking_end) struct asking a = {.path = o->socket ? o->socket : QUESTION_SOCKET, .link.fd = -1};
    int fd = -1, r = dial(a.path, &fd);
    if (r)
        return ctl_fail("%s: %s%s", a.path, strerror(-r),
                        r == -ENOENT || r == -ECONNREFUSED ? "; is the server running?" : "");
    a.until_ms = clock_ms() + o->timeout_s * 1000ull;
    link_init(&a.link, fd, ROLE_CTL, ROLE_MONITOR);
    a.inbox = calloc(1, sizeof *a.inbox);
    if (!a.inbox)
        return ctl_fail("out of memory");
    r = link_send(&a.link, control_ask, .question = sp_text(question), .argument = sp_text(argument));
    return r ? link_complain(&a, r) : answer_receive(&a, answer);
}
