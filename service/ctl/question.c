/* Questions to the monitor. Input: a question of control_answers.c. Output: its JSON. Bounded in time and size: the server
 * that is asked may be the one that is ill. */
#include "ctl/question.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
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
    uint64_t until_ms; /* 0: for ever */
    char *json;        /* owned */
    size_t size;
    struct question_failure *failure;
};

static void asking_end(struct asking *a)
{
    link_close(&a->link);
    free(a->inbox);
    free(a->json);
}

static int fail(const struct asking *a, int kind, const char *format, ...) PRINTF_LIKE(3, 4);

static int fail(const struct asking *a, int kind, const char *format, ...)
{
    char text[1100];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    a->failure->kind = kind;
    snprintf(a->failure->text, sizeof a->failure->text, kind == QUESTION_E_REFUSED ? "%.0s%s" : "%.90s: %s",
             a->path, text);
    return kind;
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

static int dial_complain(const struct asking *a, int r)
{
    if (r == -ENOENT || r == -ECONNREFUSED)
        return fail(a, QUESTION_E_ABSENT, "%s; is the server running?", strerror(-r));
    return fail(a, r == -EACCES || r == -EPERM ? QUESTION_E_DENIED : QUESTION_E_BROKEN, "%s", strerror(-r));
}

static int part_take(struct asking *a, struct sp_span part)
{
    if (part.size > ANSWER_MAX - a->size)
        return fail(a, QUESTION_E_BROKEN, "the server's answer is too long");
    char *longer = realloc(a->json, a->size + part.size + 1);
    if (!longer)
        return fail(a, QUESTION_E_BROKEN, "out of memory");
    a->json = longer;
    memcpy(longer + a->size, part.data, part.size);
    a->size += part.size;
    return 0;
}

static int answer_read(const struct asking *a, json_t **answer)
{
    json_error_t where;
    *answer = json_loadb(a->json ? a->json : "", a->size, JSON_REJECT_DUPLICATES, &where);
    if (json_is_object(*answer))
        return 0;
    json_decref(*answer);
    return fail(a, QUESTION_E_BROKEN, "the server's answer is no JSON object");
}

static int link_complain(const struct asking *a, int r)
{
    if (r == LINK_E_CLOSED)
        return fail(a, QUESTION_E_DENIED,
                    "the server closed the connection: root may ask, and a group that it is told of");
    if (r == LINK_E_AGAIN)
        return fail(a, QUESTION_E_SILENT, "the server did not answer in time");
    return fail(a, QUESTION_E_BROKEN, "%s", r == LINK_E_ILLEGAL ? link_complaint(&a->link) : strerror(-r));
}

static int wait_ms(const struct asking *a)
{
    uint64_t now = clock_ms();
    if (a->until_ms == 0)
        return -1;
    return now < a->until_ms ? (int)(a->until_ms - now) : 0;
}

static int asking_begin(struct asking *a, const struct ctl_options *o, const char *question,
                        const char *argument)
{
    int fd = -1, r = dial(a->path, &fd);
    if (r)
        return dial_complain(a, r);
    a->until_ms = clock_ms() + o->timeout_s * 1000ull;
    link_init(&a->link, fd, ROLE_CTL, ROLE_MONITOR);
    a->inbox = calloc(1, sizeof *a->inbox);
    if (!a->inbox)
        return fail(a, QUESTION_E_BROKEN, "out of memory");
    r = link_send(&a->link, control_ask, .question = sp_text(question), .argument = sp_text(argument));
    return r ? link_complain(a, r) : 0;
}

/* Hands every piece to `take`, up to the end. */
static int pieces_receive(struct asking *a, question_take_fn take, void *context)
{
    for (;;) {
        int r = link_wait(&a->link, PHASE_ANY, a->inbox, wait_ms(a));
        if (r)
            return link_complain(a, r);
        const struct msg_control_end *end = &a->inbox->body.control_end;
        if (a->inbox->row->number == MSG_control_end)
            return end->ok
                       ? 0
                       : fail(a, QUESTION_E_REFUSED, "%.*s", (int)end->why.size, (const char *)end->why.data);
        r = take(context, a->inbox->body.control_part.json);
        if (r)
            return r;
    }
}

static int on_part(void *context, struct sp_span part)
{
    return part_take(context, part);
}

static const char *path_of(const struct ctl_options *o)
{
    return o->socket ? o->socket : QUESTION_SOCKET;
}

int question_try(const struct ctl_options *o, const char *question, const char *argument, json_t **answer,
                 struct question_failure *failure)
{
    CLEANUP(asking_end) struct asking a = {.path = path_of(o), .link.fd = -1, .failure = failure};
    int r = asking_begin(&a, o, question, argument);
    if (r == 0)
        r = pieces_receive(&a, on_part, &a);
    return r ? r : answer_read(&a, answer);
}

int question_complain(const struct ctl_options *o, const struct question_failure *failure)
{
    if (failure->kind == QUESTION_E_REFUSED)
        return ctl_fail("%s: the server does not answer: %s", path_of(o), failure->text);
    return ctl_fail("%s", failure->text);
}

int question_ask(const struct ctl_options *o, const char *question, const char *argument, json_t **answer)
{
    struct question_failure failure;
    return question_try(o, question, argument, answer, &failure) ? question_complain(o, &failure) : 0;
}

/* A taker that had enough says so with a result that no failure has. */
#define STREAM_ENOUGH (-1)

struct stream {
    question_take_fn take;
    void *context;
};

static int on_stream(void *context, struct sp_span part)
{
    const struct stream *s = context;
    return s->take(s->context, part) ? STREAM_ENOUGH : 0;
}

int question_stream(const struct ctl_options *o, const char *question, const char *argument, bool endless,
                    question_take_fn take, void *context)
{
    struct question_failure failure;
    CLEANUP(asking_end) struct asking a = {.path = path_of(o), .link.fd = -1, .failure = &failure};
    struct stream s = {take, context};
    int r = asking_begin(&a, o, question, argument);
    if (endless)
        a.until_ms = 0;
    if (r == 0)
        r = pieces_receive(&a, on_stream, &s);
    if (r == 0 || r == STREAM_ENOUGH)
        return 0;
    if (endless && r == QUESTION_E_DENIED)
        return ctl_fail("%s: the server has closed the connection", a.path);
    return question_complain(o, &failure);
}
