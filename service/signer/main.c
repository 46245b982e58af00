/*
 * sallyport-signer: knows the policy and the public host keys, and decides what is signed. Input: the monitor's link, with
 * configurations and transcripts; token processes' links. Output: offers, signatures. It sees no client, and loads no
 * vendor's code: that is in its token processes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include <sallyport/provider.h>
#include <sallyport/registry.h>

#include "base/arguments.h"
#include "base/fd.h"
#include "base/manager.h"
#include "base/sandbox.h"
#include "signer/generation.h"
#include "signer/ledger.h"
#include "signer/lockdown.h"
#include "signer/options.h"
#include "signer/policy_trust.h"
#include "signer/settle.h"
#include "signer/signer.h"
#include "signer/spawner.h"

#define LISTEN_FD 3
#define SERIALS_WAIT_MS 10000

static int fail(const char *what, int r)
{
    fprintf(stderr, "sallyport-signer: %s: %s\n", what, strerror(r < 0 ? -r : EIO));
    return 1;
}

/* In the child: an exit status, and never the parent's business again. */
static NORETURN void spawner_become(const struct signer_options *options, int link_fd)
{
    struct spawner_setup setup = {.uid = options->uid, .gid = options->gid, .become = options->become};
    memcpy(setup.token_program, options->token_program, sizeof setup.token_program);
    memcpy(setup.state_directory, options->state_directory, sizeof setup.state_directory);
    close(LISTEN_FD);
    _exit(spawner_run(&setup, link_fd));
}

/*
 * Before anything is read from anybody, and before this process can no longer fork. The spawner shares the empty network
 * namespace and nothing else.
 */
static int spawner_start(const struct signer_options *options, struct link *spawner)
{
    int fds[2];
    int r = link_pair(fds);
    if (r)
        return r;
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        spawner_become(options, fds[1]);
    }
    close(fds[1]);
    if (child < 0) {
        r = -errno;
        close(fds[0]);
        return r;
    }
    link_init(spawner, fds[0], ROLE_SIGNER, ROLE_SPAWNER);
    return 0;
}

/* libcrypto looks its algorithms up in files and asks the machine what it is: all of it now. */
static int modules_warm(void)
{
    int r = kex_info_prepare();
    if (r == 0)
        r = digest_prepare();
    return r ? r : keytype_prepare();
}

/* Whose signatures policies need, as root has written it. */
static int anchors_read(const struct signer_options *options, struct signer *s)
{
    char why[1024] = "";
    if (!options->policy_trust[0])
        return 0;
    int r = policy_trust_open(options->policy_trust, options->policy, &s->anchors, why, sizeof why);
    if (r > 0)
        fprintf(stderr, "sallyport-signer: %s\n", why);
    return r > 0 ? -EINVAL : r;
}

/* The spawner's first words, without which no signed policy can be judged. */
static int serials_await(struct signer *s)
{
    while (s->anchors && !s->anchors->is_told) {
        struct pollfd wait = {.fd = s->spawner.fd, .events = POLLIN};
        int n = poll(&wait, 1, SERIALS_WAIT_MS);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ETIMEDOUT;
        int r = on_spawner_io(s, EPOLLIN);
        if (r)
            return r;
    }
    return 0;
}

static int on_signal(void *context, int signal_number)
{
    struct signer *s = context;
    loop_stop(s->loop, 0);
    return 0;
}

static int loop_fill(struct signer *s)
{
    static const int signals[] = {SIGTERM, SIGINT, 0};
    int r = loop_new(&s->loop);
    if (r == 0)
        r = loop_add_signals(s->loop, signals, on_signal, s);
    if (r == 0)
        r = loop_add(s->loop, s->listen_fd, EPOLLIN, on_monitor_connect, s, NULL);
    if (r == 0)
        r = loop_add(s->loop, s->spawner.fd, EPOLLIN, on_spawner_io, s, &s->spawner_source);
    if (r == 0)
        r = loop_add_timer(s->loop, TICK_MS, on_tick, s, &s->tick);
    if (r == 0)
        r = budget_new(&s->budget);
    if (r == 0)
        r = prover_new(&s->prover);
    if (r == 0 && !(s->inbox = calloc(1, sizeof *s->inbox)))
        r = -ENOMEM;
    return r;
}

static int lock_down(const struct signer_options *options)
{
    bool is_closed; /* where the kernel cannot, the allow-list still has no call that opens anything */
    int r = options->become ? sandbox_become(options->uid, options->gid, NULL, 0) : 0;
    if (r == 0)
        r = sandbox_drop_capabilities();
    if (r == 0)
        r = sandbox_harden_process();
    if (r == 0)
        r = sandbox_close_files(&is_closed);
    return r ? r : signer_lock_down();
}

static void signer_free(struct signer *s)
{
    generations_free(s);
    monitor_drop(s);
    tokens_sweep(s);
    link_close(&s->spawner);
    loop_free(s->loop);
    budget_free(s->budget);
    prover_free(s->prover);
    ledger_free(&s->ledger);
    policy_trust_close(s->anchors);
    manager_close(&s->manager);
    free(s->inbox);
}

int main(int argc, char **argv)
{
    struct signer_options options;
    unsigned isolated;
    struct signer s = {.listen_fd = LISTEN_FD, .log = {.program = "sallyport-signer", .link = &s.monitor}};

    /* 1. who to be, whom to answer, and the socket that the monitor connects to */
    int r = arguments_expand(&argc, &argv);
    if (r)
        return fail("--options-file", r);
    if (options_parse(&options, argc, argv) != 0)
        return 64;
    if (fd_listen_count() != 1)
        return fail("exactly one listening socket is expected (LISTEN_FDS)", -EINVAL);
    s.monitor_uid = options.monitor_uid;
    signal(SIGPIPE, SIG_IGN);
    /* 2. no network, for this process and all that come from it */
    r = sandbox_isolate(SANDBOX_NETWORK | SANDBOX_IPC, &isolated);
    if (r)
        return fail("leaving the network", r);
    /* 3. the child that can still start processes and open files */
    r = spawner_start(&options, &s.spawner);
    if (r)
        return fail("starting the spawner", r);
    /* 4. everything that needs files or descriptors of its own */
    r = modules_warm();
    s.fips = crypto_provider_is_fips();
    if (r == 0)
        r = anchors_read(&options, &s);
    if (r == 0)
        r = loop_fill(&s);
    if (r == 0)
        r = serials_await(&s);
    if (r == 0)
        r = manager_open(&s.manager);
    if (r == 0)
        r = watchdog_start(&s);
    if (r)
        return fail("preparing", r);
    /* 5. no file system, no privileges, no system calls but the loop's */
    r = sandbox_isolate(SANDBOX_ROOT, &isolated);
    if (r == 0)
        r = lock_down(&options);
    if (r)
        return fail("locking down", r);
    /* 6. serve the monitor until told to stop */
    manager_say(&s.manager, "READY=1");
    r = loop_run(s.loop);
    signer_free(&s);
    return r < 0 ? fail("ending", r) : r;
}
