/*
 * sallyportd, the monitor: listens, admits, and knows for each connection what nobody else may decide: its id, its phase,
 * its session id, its configuration. Reads no byte of a client and parses none of a peer.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "monitor/adopt.h"
#include "monitor/check.h"
#include "monitor/leave.h"
#include "monitor/monitor.h"
#include "monitor/privilege.h"

#define EXIT_BAD 255 /* sshd's, for a configuration that cannot be used */

enum mode { MODE_SERVE, MODE_CHECK, MODE_SHOW, MODE_VERSION };

struct arguments {
    enum mode mode;
    const char *connection; /* -C */
    char overrides[8192];   /* -o, as lines */
    struct monitor_options options;
};

static int usage(void)
{
    fprintf(
        stderr,
        "usage: sallyportd [-tTV] [-C user=,addr=,laddr=,lport=,listener=] [-f config] [-o keyword=value]\n"
        "                  [--runtime-dir dir] [--snapshot file] [--user uid:gid] [--keep-connections]\n"
        "                  [--no-listen]\n");
    return EXIT_BAD;
}

/* "keyword=value" or "keyword value", as a line of the configuration. */
static int override_add(struct arguments *a, const char *text)
{
    size_t used = strlen(a->overrides), length = strlen(text);
    if (strchr(text, '\n') || used + length + 2 > sizeof a->overrides)
        return -1;
    snprintf(a->overrides + used, sizeof a->overrides - used, "%s\n", text);
    char *equals = strchr(a->overrides + used, '=');
    if (equals)
        *equals = ' ';
    return 0;
}

static int option_take(struct arguments *a, int option)
{
    switch (option) {
    case 't':
        a->mode = MODE_CHECK;
        return 0;
    case 'T':
        a->mode = MODE_SHOW;
        return 0;
    case 'V':
        a->mode = MODE_VERSION;
        return 0;
    case 'C':
        a->connection = optarg;
        return 0;
    case 'f':
        a->options.config_path = optarg;
        return 0;
    case 'k':
        a->options.keep = true;
        return 0;
    case 'o':
        return override_add(a, optarg);
    case 'r':
        a->options.runtime_dir = optarg;
        return 0;
    case 's':
        a->options.snapshot_path = optarg;
        return 0;
    case 'u':
        a->options.user = optarg;
        return 0;
    case 'n':
        a->options.no_listen = true;
        return 0;
    case 'D': /* sshd: do not become a daemon. We never do. */
    case 'e': /* sshd: log to standard error. LogFormat decides. */
        return 0;
    default:
        return -1;
    }
}

static int arguments_read(struct arguments *a, int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'f'},
                                          {"runtime-dir", required_argument, NULL, 'r'},
                                          {"snapshot", required_argument, NULL, 's'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"keep-connections", no_argument, NULL, 'k'},
                                          {"no-listen", no_argument, NULL, 'n'},
                                          {0}};
    int option;
    a->options.config_path = "/etc/sallyport/sallyport.conf";
    a->options.runtime_dir = "/run/sallyport";
    a->options.overrides = a->overrides;
    while ((option = getopt_long(argc, argv, "tTVC:f:o:De", longs, NULL)) != -1)
        if (option_take(a, option))
            return -1;
    return optind == argc ? 0 : -1;
}

/* ---- signals ----------------------------------------------------------------------------------------------- */

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)source;
    (void)info;
    generation_reload(context);
    return 0;
}

static void connections_end_all(struct monitor *m)
{
    for (struct connection *c = m->connections.first, *next; c; c = next) {
        next = c->next;
        connection_end(c, DISCONNECT_BY_APPLICATION, sp_text("The server is going down"), "server_stopped");
    }
}

/*
 * SIGTERM, where connections are kept for who comes after us: we go (leave.h).
 *
 * Otherwise, and for SIGINT, told once: no new connections; open ones go on, and need us for rekeys and for the log, so we stay
 * for them. Told twice: they are ended in order. Told again: we go; what is left of them goes on up to its next rekey.
 */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct monitor *m = context;
    (void)source;
    if (m->store.on && info->ssi_signo == SIGTERM)
        return leave(m);
    if (m->stops++ == 0) {
        m->stopping = true;
        monitor_say(m, NULL, LOG_LEVEL_INFO, "stopping", "Received signal %u; no new connections, %u open",
                    info->ssi_signo, m->connections.count);
        notify_stopping(m);
        listeners_close(m);
    } else if (m->stops == 2) {
        connections_end_all(m);
    } else {
        return sd_event_exit(m->event, 0);
    }
    monitor_exit_if_done(m);
    return 0;
}

static int signals_watch(struct monitor *m)
{
    static const struct {
        int number;
        sd_event_signal_handler_t on_signal;
    } rows[] = {{SIGHUP, on_reload}, {SIGTERM, on_stop}, {SIGINT, on_stop}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int r = sd_event_add_signal(m->event, NULL, rows[i].number, rows[i].on_signal, m);
        if (r < 0)
            return r;
    }
    return 0;
}

static int signals_block(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

/* ---- serving ----------------------------------------------------------------------------------------------- */

static int services_start(struct monitor *m)
{
    int r = service_start(&m->signer, m, &signer_kind);
    if (r == 0)
        r = service_start(&m->zygote, m, &zygote_kind);
    if (r == 0)
        r = service_start(&m->acceptor, m, &acceptor_kind);
    return r;
}

/* The configuration's addresses, while we may still bind privileged ports. */
static int sockets_open(struct monitor *m)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error;
    int r = generation_read(m->options, &source, &config, &error);
    if (r) {
        monitor_say(m, NULL, LOG_LEVEL_ERROR, "config_refused", "Configuration refused: %s", error.text);
        return r;
    }
    log_writer_open(&m->log, config->log_format, config->log_level, config->syslog_facility);
    r = listeners_open(m, config);
    config_free(config);
    config_source_free(source);
    return r;
}

/* Handed over, or bound now. A unit has no right and no network to bind any, and would seem to serve. */
static int sockets_get(struct monitor *m)
{
    if (listeners_take(m))
        return 0;
    if (!m->options->no_listen)
        return sockets_open(m);
    monitor_say(
        m, NULL, LOG_LEVEL_ERROR, "listen_failed",
        "No listening socket was handed over: start the socket unit, not the service (systemctl start "
        "sallyport.socket)");
    return -ENOTCONN;
}

static int monitor_set_up(struct monitor *m)
{
    /* 1. Signals wait until the loop asks for them. */
    int r = signals_block();
    /* 2. Listening sockets. */
    if (r == 0)
        r = sockets_get(m);
    /* 3. Privileges end here. */
    if (r == 0)
        r = privilege_drop(m);
    /* 4. The loop and what it watches. */
    if (r == 0)
        r = sd_event_new(&m->event);
    if (r >= 0)
        r = signals_watch(m);
    if (r == 0)
        r = connections_init(m);
    if (r == 0)
        r = listeners_watch(m);
    if (r == 0)
        r = control_start(m);
    if (r == 0)
        r = notify_start(m);
    if (r == 0)
        r = store_open(m, m->options->keep && notify_is_open(&m->notify));
    if (r == 0)
        adopt_all(m);
    /* 5. The services, and the first generation of the configuration, which says READY when it is in force. */
    if (r == 0)
        r = services_start(m);
    if (r == 0)
        r = generation_load(m);
    return r;
}

static void monitor_tear_down(struct monitor *m)
{
    listeners_close(m);
    control_stop(m);
    connections_free(m);
    service_stop(&m->signer);
    service_stop(&m->zygote);
    service_stop(&m->acceptor);
    worker_stops_close(&m->unstopped);
    generations_free(m);
    report_free(&m->report);
    known_keys_free(&m->known_keys);
    token_states_forget(&m->token_states);
    leave_stop(m);
    notify_stop(m);
    store_close(&m->store);
    admission_free(&m->admission);
    admission_free(&m->awaited);
    sd_event_unref(m->event);
    free(m->inbox);
}

static int serve(const struct monitor_options *options)
{
    static struct monitor monitor; /* its tables are large for a stack, and there is one */
    struct monitor *m = &monitor;
    m->options = options;
    log_writer_open(&m->log, "auto", "INFO", "AUTH");
    m->inbox = calloc(1, sizeof *m->inbox);
    if (!m->inbox)
        return EXIT_FAILURE;
    int r = monitor_set_up(m);
    if (r == 0)
        r = sd_event_loop(m->event); /* the code given to sd_event_exit(), or -errno */
    if (r < 0)
        monitor_say(m, NULL, LOG_LEVEL_ERROR, "failed", "Cannot go on: %s", strerror(-r));
    monitor_tear_down(m);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.mode = MODE_SERVE};
    if (arguments_read(&arguments, argc, argv))
        return usage();
    switch (arguments.mode) {
    case MODE_CHECK:
        return check_configuration(&arguments.options);
    case MODE_SHOW:
        return show_configuration(&arguments.options, arguments.connection);
    case MODE_VERSION:
        fprintf(stderr, "sallyportd %s\n", SALLYPORT_VERSION);
        return EXIT_SUCCESS;
    case MODE_SERVE:
        break;
    }
    return serve(&arguments.options);
}
