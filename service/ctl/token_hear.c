/* Hearing the child. Input: two pipes and a process. Output: what it found, cleaned. */
#include "ctl/token_hear.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "ctl/ctl.h"

#define LINE_MAX_OCTETS 4096u

struct hearing {
    pid_t pid;
    struct pollfd polled[3]; /* the answer, the words, the process */
    char *answer;
    size_t answer_size, answer_room;
    char line[LINE_MAX_OCTETS]; /* of words that have no newline yet */
    size_t line_size;
    const char *failed; /* why the child had to go; NULL: it did not */
};

enum {
    ANSWER,
    WORDS,
    PROCESS,
};

/* ---- cleaning ---------------------------------------------------------------------------------------------- */

/* The length of a well-formed UTF-8 sequence (RFC 3629), *code set; 0: it is none. */
static size_t sequence_read(const uint8_t *text, size_t size, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 0;
    if (length == 0 || length > size || text[0] > 0xf4)
        return 0;
    *code = length == 1 ? text[0] : text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3fu);
    }
    bool is_surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code < least[length] || *code > 0x10ffff || is_surrogate ? 0 : length;
}

/* Controls (C0, DEL, C1), separators of lines, and marks that turn the direction of what stands around them. */
static bool is_text(uint32_t code, bool lines)
{
    if (code == '\t' || (lines && code == '\n'))
        return true;
    return code >= 0x20 && (code < 0x7f || code > 0x9f) && (code < 0x200e || code > 0x200f) &&
           (code < 0x2028 || code > 0x202e) && (code < 0x2066 || code > 0x2069) && code != 0x061c &&
           code != 0xfeff;
}

void token_clean(char *text, size_t size, bool lines)
{
    for (size_t at = 0, length; at < size; at += length) {
        uint32_t code = 0;
        length = sequence_read((const uint8_t *)text + at, size - at, &code);
        if (length != 0 && is_text(code, lines))
            continue;
        length = length ? length : 1;
        memset(text + at, '?', length);
    }
}

static json_t *value_clean(const char *key, const json_t *value);

static json_t *string_clean(const char *key, const json_t *value)
{
    /* These two are for files and have lines of their own. */
    bool lines = strcmp(key, "statement") == 0 || strcmp(key, "signature") == 0;
    char *text = strdup(json_string_value(value));
    size_t size = text ? strlen(text) : 0;
    if (text)
        token_clean(text, size, lines);
    json_t *clean = text ? json_stringn(text, size) : NULL;
    free(text);
    return clean;
}

static json_t *object_clean(const json_t *value)
{
    json_t *clean = json_object();
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        char *name = strdup(key);
        if (!name)
            continue;
        token_clean(name, strlen(name), false);
        (void)json_object_set_new(clean, name, value_clean(name, item));
        free(name);
    }
    return clean;
}

/* A new value, without a control in any string or name. jansson has a limit of its own for how deep they nest. */
static json_t *value_clean(const char *key, const json_t *value)
{
    if (json_is_string(value))
        return string_clean(key, value);
    if (json_is_object(value))
        return object_clean(value);
    if (!json_is_array(value))
        return json_copy((json_t *)(uintptr_t)value);
    json_t *clean = json_array();
    for (size_t i = 0; i < json_array_size(value); i++)
        (void)json_array_append_new(clean, value_clean(key, json_array_get(value, i)));
    return clean;
}

/* ---- the pipes --------------------------------------------------------------------------------------------- */

static void words_write(struct hearing *h, size_t size)
{
    token_clean(h->line, size, true);
    (void)!fwrite(h->line, 1, size, stderr);
    memmove(h->line, h->line + size, h->line_size -= size);
}

/* Whole lines as they come, so that no character is cut in two. */
static void words_take(struct hearing *h)
{
    const char *end;
    while ((end = memchr(h->line, '\n', h->line_size)))
        words_write(h, (size_t)(end - h->line) + 1);
    if (h->line_size == sizeof h->line)
        words_write(h, h->line_size);
}

static bool answer_grow(struct hearing *h)
{
    size_t room = h->answer_room ? 2 * h->answer_room : 65536;
    char *larger = h->answer_room <= HEAR_ANSWER_MAX ? realloc(h->answer, room) : NULL;
    if (!larger) {
        h->failed = h->answer_room > HEAR_ANSWER_MAX ? "it found more than fits" : "out of memory";
        return false;
    }
    h->answer = larger;
    h->answer_room = room;
    return true;
}

/* One read of one pipe. False: there is nothing more now, or for ever, and then its descriptor is -1. */
static bool pipe_read(struct hearing *h, int which)
{
    struct pollfd *polled = &h->polled[which];
    if (polled->fd < 0 || (which == ANSWER && h->answer_size == h->answer_room && !answer_grow(h)))
        return false;
    char *to = which == ANSWER ? h->answer + h->answer_size : h->line + h->line_size;
    size_t room = which == ANSWER ? h->answer_room - h->answer_size : sizeof h->line - h->line_size;
    ssize_t n = read(polled->fd, to, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        polled->fd = -1;
        return false;
    }
    *(which == ANSWER ? &h->answer_size : &h->line_size) += (size_t)n;
    if (which == WORDS)
        words_take(h);
    return true;
}

static void hear(struct hearing *h, uint64_t until_ms)
{
    while (!h->failed && !h->polled[PROCESS].revents) {
        uint64_t now = clock_ms();
        if (now >= until_ms) {
            h->failed = "it did not come to an end";
            return;
        }
        int n = poll(h->polled, ARRAY_SIZE(h->polled), (int)(until_ms - now));
        if (n < 0 && errno != EINTR)
            h->failed = strerror(errno);
        for (int which = ANSWER; n > 0 && which <= WORDS; which++)
            if (h->polled[which].revents)
                (void)pipe_read(h, which);
    }
}

/* What the child has written before it ended is in the pipes; whoever else holds them adds nothing that is waited for. */
static void rest_take(struct hearing *h)
{
    uint64_t until_ms = clock_ms() + HEAR_REST_MS;
    bool more = true;
    while (!h->failed && more && clock_ms() < until_ms) {
        more = pipe_read(h, ANSWER);
        more = pipe_read(h, WORDS) || more;
    }
    if (h->line_size)
        words_write(h, h->line_size);
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static int answer_take(const struct hearing *h, json_t *found)
{
    json_error_t where;
    json_t *answer = json_loadb(h->answer ? h->answer : "", h->answer_size, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return ctl_fail("what was found with the token is no JSON object");
    }
    json_t *clean = object_clean(answer);
    int r = clean ? json_object_update(found, clean) : -1;
    json_decref(answer);
    json_decref(clean);
    return r ? ctl_fail("out of memory") : 0;
}

static int child_wait(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return ctl_fail("waiting: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return ctl_fail("the process with the PKCS#11 module died of signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    return WEXITSTATUS(status);
}

/* A child that is killed says so itself. */
static int child_stop(struct hearing *h)
{
    int status;
    kill(h->pid, SIGKILL);
    while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return ctl_fail("the process with the PKCS#11 module was stopped: %s", h->failed);
}

int token_hear(pid_t pid, int answer_fd, int words_fd, unsigned time_ms, json_t *found)
{
    CLEANUP_CLOSE int process = pidfd_open(pid, 0);
    CLEANUP_FREE struct hearing *h = calloc(1, sizeof *h);
    if (process < 0 || !h) {
        kill(pid, SIGKILL);
        (void)child_wait(pid);
        return ctl_fail("the process with the PKCS#11 module: %s", strerror(h ? errno : ENOMEM));
    }
    *h = (struct hearing){.pid = pid,
                          .polled = {{.fd = answer_fd, .events = POLLIN},
                                     {.fd = words_fd, .events = POLLIN},
                                     {.fd = process, .events = POLLIN}}};
    fd_set_nonblocking(answer_fd);
    fd_set_nonblocking(words_fd);
    hear(h, clock_ms() + time_ms);
    rest_take(h);
    int status = h->failed ? child_stop(h) : child_wait(pid);
    if (status <= CTL_FINDING && answer_take(h, found))
        status = CTL_FAILED;
    free(h->answer);
    return status;
}
