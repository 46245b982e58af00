/* Watching the worker and the monitor before login. Input: their links. Output: the worker's messages to who waits. */
#include "session/peers.h"

#include <errno.h>
#include <poll.h>

#include "base/loop.h"

#include "session/login.h"

static short events_of(const struct link *link, bool read)
{
    return (short)((read ? POLLIN : 0) | (link_wants_write(link) ? POLLOUT : 0));
}

static int timeout_until(uint64_t until_ms)
{
    uint64_t now = clock_ms();
    if (until_ms == UINT64_MAX)
        return -1;
    return until_ms <= now ? 0 : until_ms - now > 60000 ? 60000 : (int)(until_ms - now);
}

/* The monitor says nothing more after open_login: whatever becomes readable is its end. */
static int monitor_check(struct login *login, short events)
{
    if ((events & POLLOUT) && link_flush(&login->monitor))
        return LOGIN_E_GONE;
    if (!(events & (POLLIN | POLLHUP | POLLERR)))
        return 0;
    return link_receive(&login->monitor, PHASE_AUTH, login->side) == LINK_E_AGAIN ? 0 : LOGIN_E_GONE;
}

static int worker_check(struct login *login, short events, bool reading)
{
    if ((events & POLLOUT) && link_flush(&login->worker))
        return LOGIN_E_GONE;
    return !reading && (events & (POLLHUP | POLLERR)) ? LOGIN_E_GONE : 0;
}

/* One poll of all; *ready: the link that is waited for can be read. */
static int peers_poll(struct login *login, const struct link *wanted, uint64_t until_ms, bool *ready)
{
    bool from_worker = wanted == &login->worker;
    struct pollfd polls[3] = {
        {.fd = login->monitor.fd, .events = events_of(&login->monitor, true)},
        {.fd = login->worker.fd, .events = events_of(&login->worker, from_worker)},
        {.fd = wanted && !from_worker ? wanted->fd : -1, .events = POLLIN},
    };
    *ready = false;
    if (poll(polls, ARRAY_SIZE(polls), timeout_until(until_ms)) < 0)
        return errno == EINTR ? 0 : -errno;
    int r = monitor_check(login, polls[0].revents);
    if (r == 0)
        r = worker_check(login, polls[1].revents, from_worker);
    if (r == 0)
        *ready = polls[from_worker ? 1 : 2].revents & (POLLIN | POLLHUP | POLLERR);
    return r;
}

int peers_receive(struct login *login)
{
    for (;;) {
        bool ready;
        int r = peers_poll(login, &login->worker, UINT64_MAX, &ready);
        if (r)
            return r;
        if (!ready)
            continue;
        r = link_receive(&login->worker, PHASE_AUTH, login->inbox);
        if (r == LINK_E_AGAIN)
            continue;
        if (r == LINK_E_ILLEGAL) {
            log_say(&login->log, LOG_LEVEL_ERROR, "worker_illegal", "%s", link_complaint(&login->worker));
            return LOGIN_E_OVER;
        }
        return r == LINK_E_CLOSED ? LOGIN_E_GONE : r;
    }
}

int peers_sleep(struct login *login, uint64_t until_ms)
{
    while (clock_ms() < until_ms) {
        bool ready;
        int r = peers_poll(login, NULL, until_ms, &ready);
        if (r)
            return r;
    }
    return 0;
}

int peers_sleep_quantum(struct login *login, uint64_t since_ms, unsigned quantum_ms)
{
    uint64_t quanta = (clock_ms() - since_ms) / quantum_ms + 1;
    return peers_sleep(login, since_ms + quanta * quantum_ms);
}

int peers_receive_from(struct login *login, struct link *other, struct link_inbox *inbox, uint64_t until_ms)
{
    for (;;) {
        bool ready;
        int r = peers_poll(login, other, until_ms, &ready);
        if (r)
            return r;
        if (ready) {
            r = link_receive(other, PHASE_ANY, inbox);
            if (r != LINK_E_AGAIN)
                return r;
        }
        if (clock_ms() >= until_ms)
            return LINK_E_AGAIN;
    }
}
