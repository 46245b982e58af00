/* What a reload is told by the monitor, from answers that a child gives in its place, one for each question. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/link.h"

#include "launch/launch.h"

struct world {
    char directory[64];
    struct launch launch;
    pid_t monitor;
};

static int listener(const struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/" RUNTIME_CONTROL, w->directory);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 8) == 0);
    return fd;
}

/* NULL: the connection is closed instead. */
static int answer(int listening, const char *json, struct link_inbox *inbox)
{
    struct link link;
    int fd = accept(listening, NULL, NULL);
    link_init(&link, fd, ROLE_MONITOR, ROLE_CTL);
    int r = link_wait(&link, PHASE_ANY, inbox, 5000);
    if (r == 0 && !sp_span_is(inbox->body.control_ask.question, "loads"))
        r = -EPROTO;
    /* Who does not like the first piece is gone when the end comes. */
    if (r == 0 && json && link_send(&link, control_part, .json = sp_text(json)) == 0)
        (void)!link_send(&link, control_end, .ok = true, .why = sp_text(""));
    link_close(&link);
    return r;
}

static void play(struct world *w, const char *const *answers, size_t count)
{
    int fd = listener(w);
    w->monitor = fork();
    assert_true(w->monitor >= 0);
    if (w->monitor == 0) {
        struct link_inbox *inbox = calloc(1, sizeof *inbox);
        int r = inbox ? 0 : 1;
        for (size_t i = 0; r == 0 && i < count; i++)
            r = answer(fd, answers[i], inbox);
        _exit(r == 0 ? 0 : 1);
    }
    close(fd);
}

static void played_to_the_end(struct world *w)
{
    int status = -1;
    assert_int_equal(waitpid(w->monitor, &status, 0), w->monitor);
    assert_int_equal(status, 0);
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    *state = w;
    strcpy(w->directory, "/tmp/sallyport-verdict.XXXXXX");
    if (!mkdtemp(w->directory))
        return -1;
    w->launch.runtime_fd = open(w->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return w->launch.runtime_fd < 0 ? -1 : 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    (void)unlinkat(w->launch.runtime_fd, RUNTIME_CONTROL, 0);
    close(w->launch.runtime_fd);
    rmdir(w->directory);
    free(w);
    return 0;
}

static void a_verdict_is_waited_for(void **state)
{
    static const char *const answers[] = {
        "{\"loads\":3,\"loading\":false,\"refused\":true}", /* before it was asked for */
        "{\"loads\":3,\"loading\":false,\"refused\":true}", /* it has not got to the signal yet */
        "{\"loads\":4,\"loading\":true,\"refused\":false}",
        "{\"loads\":4,\"loading\":false,\"refused\":false}",
    };
    struct world *w = *state;
    uint64_t loads = 0;
    play(w, answers, ARRAY_SIZE(answers));
    assert_int_equal(verdict_begin(&w->launch, &loads), 0);
    assert_int_equal(loads, 3);
    assert_int_equal(verdict_await(&w->launch, loads), 0);
    played_to_the_end(w);
}

static void a_refusal_is_one(void **state)
{
    static const char *const answers[] = {"{\"loads\":8,\"loading\":true,\"refused\":false}",
                                          "{\"loads\":8,\"loading\":false,\"refused\":true}"};
    struct world *w = *state;
    play(w, answers, ARRAY_SIZE(answers));
    assert_int_equal(verdict_await(&w->launch, 7), VERDICT_E_REFUSED);
    played_to_the_end(w);
}

static void whoever_says_something_else_is_not_believed(void **state)
{
    static const char *const answers[] = {"{}", "{\"loads\":-,\"loading\":false,\"refused\":false}", NULL};
    struct world *w = *state;
    uint64_t loads = 7;
    play(w, answers, ARRAY_SIZE(answers));
    assert_int_equal(verdict_await(&w->launch, 7), -EPROTO);
    assert_int_equal(verdict_begin(&w->launch, &loads), -EPROTO);
    assert_int_equal(loads, 7);
    assert_int_equal(verdict_await(&w->launch, 7), -EPIPE);
    played_to_the_end(w);
}

static void without_a_monitor_there_is_no_verdict(void **state)
{
    struct world *w = *state;
    uint64_t loads;
    assert_int_equal(verdict_begin(&w->launch, &loads), -ENOENT);
    close(listener(w));
    assert_int_equal(verdict_await(&w->launch, 0), -ECONNREFUSED);
}

int main(void)
{
#define CLAIM(name_) cmocka_unit_test_setup_teardown(name_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        CLAIM(a_verdict_is_waited_for),
        CLAIM(a_refusal_is_one),
        CLAIM(whoever_says_something_else_is_not_believed),
        CLAIM(without_a_monitor_there_is_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
