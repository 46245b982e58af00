/* What comes back from a child that runs others' code. Each test forks one that behaves as such code may. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "ctl/ctl.h"
#include "ctl/token_hear.h"

#define TIME_MS 20000u

/* The tool's own, which says it on standard error. */
int ctl_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    return CTL_FAILED;
}

struct heard {
    int status;
    json_t *found;
    char words[8192];
    double seconds;
};

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* In the child: fd 0 is the answer's pipe, fd 1 that of words. */
static pid_t child_start(void (*run)(void), int answer[2], int words[2])
{
    assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
    assert_int_equal(pipe2(words, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(answer[1], 0);
        (void)dup2(words[1], 1);
        run();
        _exit(0);
    }
    close(answer[1]);
    close(words[1]);
    return pid;
}

/* What is said goes to standard error, so that is a file meanwhile. */
static struct heard hear(void (*run)(void), unsigned time_ms)
{
    struct heard heard = {.found = json_object()};
    int answer[2], words[2], kept = dup(2);
    FILE *said = tmpfile();
    assert_non_null(said);
    pid_t pid = child_start(run, answer, words);
    double start = now();
    fflush(stderr);
    assert_int_equal(dup2(fileno(said), 2), 2);
    heard.status = token_hear(pid, answer[0], words[0], time_ms, heard.found);
    fflush(stderr);
    (void)dup2(kept, 2);
    heard.seconds = now() - start;
    rewind(said);
    (void)!fread(heard.words, 1, sizeof heard.words - 1, said);
    fclose(said);
    close(kept);
    close(answer[0]);
    close(words[0]);
    return heard;
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(99);
}

static void found_two(void)
{
    say(1, "first\nsecond");
    say(0, "{\"a\": \"b\", \"c\": [1, true]}");
    _exit(CTL_FINDING);
}

static void hears_the_answer_the_words_and_the_status(void **state)
{
    struct heard heard = hear(found_two, TIME_MS);
    assert_int_equal(heard.status, CTL_FINDING);
    assert_string_equal(json_string_value(json_object_get(heard.found, "a")), "b");
    assert_true(json_is_true(json_array_get(json_object_get(heard.found, "c"), 1)));
    assert_string_equal(heard.words, "first\nsecond");
    json_decref(heard.found);
}

static void large_answer(void)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    say(0, "{\"a\": \"");
    for (unsigned i = 0; i < 1000; i++)
        (void)!write(0, text, sizeof text);
    say(0, "\"}");
    _exit(0);
}

static void hears_more_than_a_pipe_holds(void **state)
{
    struct heard heard = hear(large_answer, TIME_MS);
    assert_int_equal(heard.status, 0);
    assert_int_equal(json_string_length(json_object_get(heard.found, "a")), 1000000);
    json_decref(heard.found);
}

/* A daemon that a module has started has the pipes too. */
static void leaves_a_daemon(void)
{
    if (fork() == 0) {
        (void)close_range(2, ~0u, 0); /* it keeps the two pipes, and not what the tests write to */
        alarm(10);
        pause();
        _exit(0);
    }
    say(1, "done\n");
    say(0, "{\"a\": 1}");
    _exit(0);
}

static void does_not_wait_for_daemons(void **state)
{
    struct heard heard = hear(leaves_a_daemon, TIME_MS);
    assert_int_equal(heard.status, 0);
    assert_int_equal(json_integer_value(json_object_get(heard.found, "a")), 1);
    assert_string_equal(heard.words, "done\n");
    assert_true(heard.seconds < 5);
    json_decref(heard.found);
}

/* ... and this one goes on talking. */
static void leaves_a_talker(void)
{
    say(0, "{\"a\": 1}");
    if (fork() == 0) {
        (void)close_range(2, ~0u, 0); /* it keeps the two pipes, and not what the tests write to */
        alarm(10);
        for (;;)
            say(1, "and another line of it\n");
    }
    usleep(100000);
    _exit(0);
}

static void does_not_listen_to_daemons_for_ever(void **state)
{
    struct heard heard = hear(leaves_a_talker, TIME_MS);
    assert_int_equal(heard.status, 0);
    assert_true(heard.seconds < 8);
    json_decref(heard.found);
}

static void hangs(void)
{
    pause();
}

static void a_child_that_hangs_is_stopped(void **state)
{
    struct heard heard = hear(hangs, 300);
    assert_int_equal(heard.status, CTL_FAILED);
    assert_non_null(strstr(heard.words, "did not come to an end"));
    json_decref(heard.found);
}

static void writes_for_ever(void)
{
    for (;;)
        say(0, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
}

static void an_answer_has_a_limit(void **state)
{
    struct heard heard = hear(writes_for_ever, TIME_MS);
    assert_int_equal(heard.status, CTL_FAILED);
    assert_non_null(strstr(heard.words, "more than fits"));
    json_decref(heard.found);
}

static void dies(void)
{
    say(0, "{\"a\": 1}");
    raise(SIGKILL);
}

static void found_nonsense(void)
{
    say(0, "[1]");
    _exit(0);
}

static void a_death_and_nonsense_are_no_answer(void **state)
{
    struct heard heard = hear(dies, TIME_MS);
    assert_int_equal(heard.status, CTL_FAILED);
    assert_non_null(strstr(heard.words, "signal 9"));
    assert_null(json_object_get(heard.found, "a"));
    json_decref(heard.found);
    heard = hear(found_nonsense, TIME_MS);
    assert_int_equal(heard.status, CTL_FAILED);
    assert_non_null(strstr(heard.words, "no JSON object"));
    json_decref(heard.found);
}

static void types_escapes(void)
{
    say(1, "a\033]0;title\007b\x9b"
           "31m\xc2\x9b\r\b \xc3\xa9\n");
    say(0, "{\"la\\u001bbel\": \"x\\u001b[2J\\ny\", \"list\": [{\"v\": "
           "\"\\u009b\\u202e\\u2028\\u007f\\u00e9\\t\"}],"
           "\"statement\": \"one\\ntwo\\u001b\\n\", \"n\": 3, \"nothing\": null}");
    _exit(0);
}

static void nothing_but_text_reaches_a_terminal(void **state)
{
    struct heard heard = hear(types_escapes, TIME_MS);
    assert_int_equal(heard.status, 0);
    assert_string_equal(heard.words, "a?]0;title?b?31m????"
                                     " \xc3\xa9\n");
    assert_string_equal(json_string_value(json_object_get(heard.found, "la?bel")), "x?[2J?y");
    const json_t *row = json_array_get(json_object_get(heard.found, "list"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "v")), "?????????\xc3\xa9\t");
    assert_string_equal(json_string_value(json_object_get(heard.found, "statement")), "one\ntwo?\n");
    assert_int_equal(json_integer_value(json_object_get(heard.found, "n")), 3);
    assert_true(json_is_null(json_object_get(heard.found, "nothing")));
    json_decref(heard.found);
}

static void what_is_no_utf8_is_no_text(void **state)
{
    static const struct {
        const char *text, *clean;
    } rows[] = {{"\xc0\x80", "??"},
                {"\xe2\x82", "??"},
                {"\xed\xa0\x80", "???"},
                {"\xf4\x90\x80\x80", "????"},
                {"\xff", "?"},
                {"\xe2\x82\xac", "\xe2\x82\xac"},
                {"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[16];
        strcpy(text, rows[i].text);
        token_clean(text, strlen(text), true);
        assert_string_equal(text, rows[i].clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hears_the_answer_the_words_and_the_status),
        cmocka_unit_test(hears_more_than_a_pipe_holds),
        cmocka_unit_test(does_not_wait_for_daemons),
        cmocka_unit_test(does_not_listen_to_daemons_for_ever),
        cmocka_unit_test(a_child_that_hangs_is_stopped),
        cmocka_unit_test(an_answer_has_a_limit),
        cmocka_unit_test(a_death_and_nonsense_are_no_answer),
        cmocka_unit_test(nothing_but_text_reaches_a_terminal),
        cmocka_unit_test(what_is_no_utf8_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
