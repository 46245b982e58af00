/*
 * Starting one token process. Input: a checked order. Output: a child with three standard descriptors, its link as 3 and the
 * PIN's pipe as 4, the variables that were configured, and nothing else of ours.
 */
#include "signer/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "ipc/link.h"
#include "signer/plan.h"

#define CHILD_LINK_FD 3
#define CHILD_PIN_FD 4
#define CHILD_SPARE_FD 16 /* where both wait while 3 and 4 are made free */
#define WORDS_MAX 128u

/* argv and envp, in one allocation per word. */
struct words {
    char *items[WORDS_MAX + 1];
    size_t count;
};

static void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
}

static int words_add(struct words *words, struct sp_span text)
{
    if (words->count == WORDS_MAX)
        return -E2BIG;
    char *word = strndup((const char *)text.data, text.size);
    if (!word)
        return -ENOMEM;
    words->items[words->count++] = word;
    return 0;
}

static int words_add_pair(struct words *words, const char *option, struct sp_span value)
{
    int r = words_add(words, sp_text(option));
    return r ? r : words_add(words, value);
}

static int arguments_make(const struct spawn_order *order, struct words *words)
{
    int r = words_add(words, sp_text("sallyport-token"));
    if (r == 0)
        r = words_add_pair(words, "--link-fd", sp_text("3"));
    if (r == 0 && order->pin.size != 0)
        r = words_add_pair(words, "--pin-fd", sp_text("4"));
    if (r == 0)
        r = words_add_pair(words, order->provider ? "--provider" : "--module", sp_text(order->module));
    struct sp_in uris = sp_in_of(order->uris);
    while (r == 0 && uris.left != 0) {
        struct sp_span uri = sp_get_text(&uris, 8192);
        r = uris.bad ? -EPROTO : words_add_pair(words, "--uri", uri);
    }
    return r;
}

static int environment_make(const struct spawn_order *order, struct words *words)
{
    struct sp_in variables = sp_in_of(order->environment);
    int r = 0;
    while (r == 0 && variables.left != 0) {
        struct sp_span variable = sp_get_text(&variables, 8192);
        r = variables.bad ? -EPROTO : words_add(words, variable);
        if (r == 0 && !environment_is_valid(words->items[words->count - 1]))
            r = -EPERM;
    }
    return r;
}

/* A pipe that holds the whole PIN, with no writer left. */
static int pin_pipe(struct sp_span pin, int *read_fd)
{
    int fds[2];
    *read_fd = -1;
    if (pin.size == 0)
        return 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    int r = fd_write_all(fds[1], pin); /* fits: PIN_MAX is below a pipe's room */
    close(fds[1]);
    if (r) {
        close(fds[0]);
        return r;
    }
    *read_fd = fds[0];
    return 0;
}

/* In the child. What is not handed over here is closed, whatever its flags say. */
static NORETURN void child_become(const struct spawn_order *order, struct words *argv, struct words *envp,
                                  int link_fd, int pin_fd)
{
    sigset_t none;
    sigemptyset(&none);
    int spare_link = fcntl(link_fd, F_DUPFD_CLOEXEC, CHILD_SPARE_FD);
    int spare_pin = pin_fd < 0 ? -1 : fcntl(pin_fd, F_DUPFD_CLOEXEC, CHILD_SPARE_FD);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ok = spare_link >= 0 && (pin_fd < 0 || spare_pin >= 0) && null >= 0 && dup2(null, 0) >= 0 &&
              dup2(spare_link, CHILD_LINK_FD) >= 0 && (pin_fd < 0 || dup2(spare_pin, CHILD_PIN_FD) >= 0) &&
              close_range(pin_fd < 0 ? CHILD_PIN_FD : CHILD_PIN_FD + 1, ~0u, 0) == 0 &&
              prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    if (ok)
        execve(order->program, argv->items, envp->items);
    _exit(SPAWN_STATUS_NOT_EXECUTED);
}

static int child_start(const struct spawn_order *order, struct words *argv, struct words *envp, pid_t *pid,
                       int *link_fd)
{
    int fds[2], pin_fd;
    int r = link_pair(fds);
    if (r)
        return r;
    r = pin_pipe(order->pin, &pin_fd);
    pid_t child = r ? -1 : fork();
    if (child == 0)
        child_become(order, argv, envp, fds[1], pin_fd);
    if (r == 0 && child < 0)
        r = -errno;
    close(fds[1]);
    if (pin_fd >= 0)
        close(pin_fd);
    if (r) {
        close(fds[0]);
        return r;
    }
    *pid = child;
    *link_fd = fds[0];
    return 0;
}

int spawn_token(const struct spawn_order *order, pid_t *pid, int *link_fd)
{
    CLEANUP(words_free) struct words argv = {0};
    CLEANUP(words_free) struct words envp = {0};
    int r = arguments_make(order, &argv);
    if (r == 0)
        r = environment_make(order, &envp);
    return r ? r : child_start(order, &argv, &envp, pid, link_fd);
}
