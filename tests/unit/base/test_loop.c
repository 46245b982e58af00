/* The loop: what is ready is called, what was removed is not, and a failure ends it with its number. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include "child.h"

#include "base/loop.h"

struct scene {
    struct loop *loop;
    int fds[2], other[2];
    struct loop_source *source, *other_source, *timer;
    int calls, other_calls, timer_calls;
    int signal;
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){0};
    assert_int_equal(loop_new(&s->loop), 0);
    assert_int_equal(pipe(s->fds), 0);
    assert_int_equal(pipe(s->other), 0);
    assert_int_equal(write(s->fds[1], "x", 1), 1);
    assert_int_equal(write(s->other[1], "x", 1), 1);
}

static void scene_close(struct scene *s)
{
    loop_free(s->loop);
    for (int i = 0; i < 2; i++) {
        close(s->fds[i]);
        close(s->other[i]);
    }
}

static int on_stop(void *context)
{
    struct scene *s = context;
    s->timer_calls++;
    loop_stop(s->loop, 7);
    return 0;
}

static int on_io_stop(void *context, uint32_t events)
{
    struct scene *s = context;
    s->calls++;
    assert_true(events & EPOLLIN);
    loop_stop(s->loop, 42);
    return 0;
}

static void readiness_calls_and_stop_returns_its_code(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    assert_int_equal(loop_add(s.loop, s.fds[0], EPOLLIN, on_io_stop, &s, NULL), 0);
    assert_int_equal(loop_run(s.loop), 42);
    assert_int_equal(s.calls, 1);
    scene_close(&s);
}

static int on_io_fail(void *context, uint32_t events)
{
    (void)context;
    (void)events;
    return -EPROTO;
}

static void a_failing_callback_ends_the_loop(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    assert_int_equal(loop_add(s.loop, s.fds[0], EPOLLIN, on_io_fail, &s, NULL), 0);
    assert_int_equal(loop_run(s.loop), -EPROTO);
    scene_close(&s);
}

/* Each of the two removes the other and itself: whichever comes first is the only one. */
static int on_io_remove_both(void *context, uint32_t events)
{
    struct scene *s = context;
    (void)events;
    s->calls++;
    loop_remove(s->source);
    loop_remove(s->other_source);
    loop_remove(s->source); /* twice is once */
    return 0;
}

static void what_was_removed_is_never_called_again(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    assert_int_equal(loop_add(s.loop, s.fds[0], EPOLLIN, on_io_remove_both, &s, &s.source), 0);
    assert_int_equal(loop_add(s.loop, s.other[0], EPOLLIN, on_io_remove_both, &s, &s.other_source), 0);
    assert_int_equal(loop_add_timer(s.loop, 30, on_stop, &s, &s.timer), 0);
    assert_int_equal(loop_run(s.loop), 7);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.timer_calls, 1);
    loop_remove(NULL);
    scene_close(&s);
}

static int on_time_again(void *context)
{
    struct scene *s = context;
    if (++s->timer_calls == 3)
        loop_stop(s->loop, 0);
    else
        assert_int_equal(loop_timer_set(s->timer, 0), 0); /* now, not never */
    return 0;
}

static void a_timer_fires_once_each_time_it_is_set(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    uint64_t before = clock_ms();
    assert_int_equal(loop_add_timer(s.loop, 20, on_time_again, &s, &s.timer), 0);
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.timer_calls, 3);
    assert_true(clock_ms() - before >= 20);
    scene_close(&s);
}

static int on_quiet(void *context, uint32_t events)
{
    (void)events;
    ((struct scene *)context)->calls++;
    return 0;
}

static void a_source_without_interest_is_quiet(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    assert_int_equal(loop_add(s.loop, s.fds[0], EPOLLIN, on_quiet, &s, &s.source), 0);
    assert_int_equal(loop_modify(s.source, 0), 0);
    assert_int_equal(loop_add_timer(s.loop, 20, on_stop, &s, NULL), 0);
    assert_int_equal(loop_run(s.loop), 7);
    assert_int_equal(s.calls, 0);
    scene_close(&s);
}

static int on_signal(void *context, int number)
{
    struct scene *s = context;
    s->signal = number;
    loop_stop(s->loop, 1);
    return 0;
}

static void run_signal(const void *argument)
{
    static const int wanted[] = {SIGUSR1, SIGTERM, 0};
    struct scene s = {0};
    (void)argument;
    CHILD_REQUIRE(loop_new(&s.loop) == 0);
    CHILD_REQUIRE(loop_add_signals(s.loop, wanted, on_signal, &s) == 0);
    CHILD_REQUIRE(kill(getpid(), SIGTERM) == 0);
    CHILD_REQUIRE(loop_run(s.loop) == 1 && s.signal == SIGTERM);
    loop_free(s.loop);
}

static void signals_arrive_as_events(void **state)
{
    (void)state;
    child_holds(run_signal, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_calls_and_stop_returns_its_code),
        cmocka_unit_test(a_failing_callback_ends_the_loop),
        cmocka_unit_test(what_was_removed_is_never_called_again),
        cmocka_unit_test(a_timer_fires_once_each_time_it_is_set),
        cmocka_unit_test(a_source_without_interest_is_quiet),
        cmocka_unit_test(signals_arrive_as_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
