/* The event loop: epoll with timerfds and a signalfd. Removed sources are freed between turns, never under a callback. */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

enum source_kind { SOURCE_IO, SOURCE_TIMER, SOURCE_SIGNALS };

struct loop_source {
    struct loop *loop;
    struct loop_source *next;
    enum source_kind kind;
    int fd; /* owned for timers and signals */
    bool removed;
    void *context;
    loop_io_fn on_io;
    loop_timer_fn on_time;
    loop_signal_fn on_signal;
};

struct loop {
    int epoll_fd;
    struct loop_source *sources;
    bool stopped;
    bool sweep;
    int code;
};

int loop_new(struct loop **loop)
{
    CLEANUP_FREE struct loop *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll_fd < 0)
        return -errno;
    *loop = TAKE(made);
    return 0;
}

static void source_free(struct loop_source *source)
{
    if (source->kind != SOURCE_IO)
        close(source->fd);
    free(source);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    for (struct loop_source *source = loop->sources, *next; source; source = next) {
        next = source->next;
        source_free(source);
    }
    close(loop->epoll_fd);
    free(loop);
}

static int source_add(struct loop *loop, struct loop_source made, uint32_t events, struct loop_source **out)
{
    struct loop_source *source = malloc(sizeof *source);
    if (!source)
        return -ENOMEM;
    *source = made;
    source->loop = loop;
    source->next = loop->sources;
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0) {
        int r = -errno;
        free(source);
        return r;
    }
    loop->sources = source;
    if (out)
        *out = source;
    return 0;
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_io_fn on_io, void *context,
             struct loop_source **source)
{
    struct loop_source made = {.kind = SOURCE_IO, .fd = fd, .on_io = on_io, .context = context};
    return source_add(loop, made, events, source);
}

int loop_modify(struct loop_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

int loop_timer_set(struct loop_source *source, uint64_t after_ms)
{
    if (after_ms == 0)
        after_ms = 1; /* an all-zero value would disarm the timer */
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(after_ms / 1000),
                                           .tv_nsec = (long)(after_ms % 1000) * 1000000}};
    return timerfd_settime(source->fd, 0, &when, NULL) < 0 ? -errno : 0;
}

int loop_add_timer(struct loop *loop, uint64_t after_ms, loop_timer_fn on_time, void *context,
                   struct loop_source **source)
{
    CLEANUP_CLOSE int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct loop_source made = {.kind = SOURCE_TIMER, .fd = fd, .on_time = on_time, .context = context};
    struct loop_source *added;
    int r = source_add(loop, made, EPOLLIN, &added);
    if (r)
        return r;
    (void)TAKE_FD(fd);
    r = loop_timer_set(added, after_ms);
    if (r) {
        loop_remove(added);
        return r;
    }
    if (source)
        *source = added;
    return 0;
}

int loop_add_signals(struct loop *loop, const int *signals, loop_signal_fn on_signal, void *context)
{
    sigset_t set;
    sigemptyset(&set);
    for (; *signals != 0; signals++)
        sigaddset(&set, *signals);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    CLEANUP_CLOSE int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct loop_source made = {.kind = SOURCE_SIGNALS, .fd = fd, .on_signal = on_signal, .context = context};
    int r = source_add(loop, made, EPOLLIN, NULL);
    if (r == 0)
        (void)TAKE_FD(fd);
    return r;
}

void loop_remove(struct loop_source *source)
{
    if (!source || source->removed)
        return;
    (void)epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->removed = true;
    source->loop->sweep = true;
}

static int source_dispatch(struct loop_source *source, uint32_t events)
{
    struct signalfd_siginfo info;
    uint64_t expirations;
    switch (source->kind) {
    case SOURCE_IO:
        return source->on_io(source->context, events);
    case SOURCE_TIMER:
        if (read(source->fd, &expirations, sizeof expirations) != sizeof expirations)
            return 0;
        return source->on_time(source->context);
    case SOURCE_SIGNALS:
        if (read(source->fd, &info, sizeof info) != sizeof info)
            return 0;
        return source->on_signal(source->context, (int)info.ssi_signo);
    }
    return -EINVAL;
}

static void loop_sweep(struct loop *loop)
{
    struct loop_source **at = &loop->sources;
    while (*at) {
        struct loop_source *source = *at;
        if (source->removed) {
            *at = source->next;
            source_free(source);
        } else {
            at = &source->next;
        }
    }
    loop->sweep = false;
}

int loop_run(struct loop *loop)
{
    struct epoll_event events[32];
    while (!loop->stopped) {
        int n = epoll_wait(loop->epoll_fd, events, ARRAY_SIZE(events), -1);
        if (n < 0 && errno != EINTR)
            return -errno;
        for (int i = 0; i < n && !loop->stopped; i++) {
            struct loop_source *source = events[i].data.ptr;
            int r = source->removed ? 0 : source_dispatch(source, events[i].events);
            if (r < 0)
                return r;
        }
        if (loop->sweep)
            loop_sweep(loop);
    }
    return loop->code;
}

void loop_stop(struct loop *loop, int code)
{
    loop->stopped = true;
    loop->code = code;
}

uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_ms(void)
{
    return clock_us() / 1000;
}
