/*
 * sallyport-launch: starts sallyport in the foreground without systemd. Input: the command line and the configuration.
 * Output: running programs, and on standard error when they are ready.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/launch.h"

#define EXIT_USAGE 64

enum mode { MODE_RUN, MODE_IDS, MODE_PREPARE };

static int usage(void)
{
    fprintf(stderr,
            "usage: sallyport-launch -f config [-D runtime-dir] [-o keyword=value] [--ready-file file]\n"
            "                        [--state-dir dir]\n"
            "       sallyport-launch --ids\n"
            "       sallyport-launch --prepare [--reload pid] [-f config] [-D runtime-dir]\n");
    return EXIT_USAGE;
}

/* "keyword=value" as a line of the configuration, before those of the file. */
static int override_add(struct launch_options *o, const char *text)
{
    size_t used = strlen(o->overrides), length = strlen(text);
    if (strchr(text, '\n') || used + length + 2 > sizeof o->overrides)
        return -1;
    snprintf(o->overrides + used, sizeof o->overrides - used, "%s\n", text);
    char *equals = strchr(o->overrides + used, '=');
    if (equals)
        *equals = ' ';
    return 0;
}

static int pid_parse(const char *text, pid_t *pid)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value <= 1 || value > INT_MAX)
        return -1;
    *pid = (pid_t)value;
    return 0;
}

static void prepare_defaults(struct launch_options *o)
{
    if (!o->config_path)
        o->config_path = "/etc/sallyport/sallyport.conf";
    if (!o->runtime_dir)
        o->runtime_dir = "/run/sallyport";
}

static int arguments_read(struct launch_options *o, enum mode *mode, int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'f'},
                                          {"runtime-dir", required_argument, NULL, 'D'},
                                          {"ready-file", required_argument, NULL, 'r'},
                                          {"state-dir", required_argument, NULL, 's'},
                                          {"ids", no_argument, NULL, 'i'},
                                          {"prepare", no_argument, NULL, 'p'},
                                          {"reload", required_argument, NULL, 'R'},
                                          {0}};
    int option;
    o->state_dir = "/var/lib/sallyport-signer";
    while ((option = getopt_long(argc, argv, "f:D:o:", longs, NULL)) != -1) {
        if (option == 'f')
            o->config_path = optarg;
        else if (option == 'D')
            o->runtime_dir = optarg;
        else if (option == 'r')
            o->ready_file = optarg;
        else if (option == 's')
            o->state_dir = optarg;
        else if (option == 'i')
            *mode = MODE_IDS;
        else if (option == 'p')
            *mode = MODE_PREPARE;
        else if (option == 'R') {
            if (pid_parse(optarg, &o->reload_pid))
                return -1;
        } else if (option != 'o' || override_add(o, optarg))
            return -1;
    }
    if (*mode == MODE_PREPARE)
        prepare_defaults(o);
    else if (o->reload_pid != 0)
        return -1;
    return optind == argc && (*mode == MODE_IDS || o->config_path) ? 0 : -1;
}

static int on_signal(void *context, int number)
{
    struct launch *l = context;
    if (number == SIGCHLD)
        return programs_reap(l);
    if (number == SIGHUP) {
        pid_t monitor = l->programs[PROGRAM_MONITOR].pid;
        configuration_renew(l);
        if (monitor != 0)
            (void)kill(monitor, SIGHUP);
        return 0;
    }
    loop_stop(l->loop, 0);
    return 0;
}

static int own_directory(char dir[PATH_MAX])
{
    ssize_t size = readlink("/proc/self/exe", dir, PATH_MAX - 1);
    if (size <= 0)
        return size < 0 ? -errno : -ENOENT;
    dir[size] = '\0';
    *strrchr(dir, '/') = '\0';
    return 0;
}

/* Each step says what is wrong. */
static int launch_set_up(struct launch *l)
{
    /* 1. Whom the programs run as. */
    ids_find(l->ids);
    ids_report(l->ids);
    /* 2. The directory where they meet, the configuration, the network, the signer's memory. */
    int r = runtime_open(l);
    if (r == 0)
        r = configuration_open(l);
    return r ? r : state_open(l);
}

static int launch_serve(struct launch *l)
{
    static const int signals[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT, 0};
    int r = own_directory(l->program_dir);
    if (r == 0)
        r = loop_new(&l->loop);
    if (r == 0)
        r = loop_add_signals(l->loop, signals, on_signal, l);
    if (r == 0)
        r = ready_watch(l);
    if (r == 0)
        r = programs_start(l);
    if (r == 0)
        r = loop_run(l->loop);
    if (r < 0)
        launch_say("cannot go on: %s", strerror(-r));
    return r;
}

/* Nothing of our caller's goes further; what comes from us, however far it strays, stays ours to end. */
static int caller_forget(void)
{
    umask(022); /* users' own programs will inherit it */
    if (close_range(3, ~0u, 0) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        launch_say("cannot start: %s", strerror(errno));
        return -errno;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct launch launch; /* its paths are large for a stack, and there is one */
    struct launch *l = &launch;
    enum mode mode = MODE_RUN;
    l->runtime_fd = l->notify_fd = l->control_fd = -1;
    for (unsigned i = 0; i < PROGRAMS; i++)
        l->programs[i] = (struct program){.launch = l, .index = (enum program_index)i, .socket = -1};
    if (arguments_read(&l->options, &mode, argc, argv))
        return usage();
    if (mode == MODE_IDS) {
        ids_find(l->ids);
        ids_print(l->ids);
        return 0;
    }
    if (geteuid() != 0) {
        launch_say("sallyport-launch has to be started by root: it starts each program as a user of its own");
        return 1;
    }
    if (mode == MODE_PREPARE)
        return prepare_main(l, l->options.reload_pid);
    limits_raise(l);
    int r = caller_forget();
    if (r == 0)
        r = launch_set_up(l);
    if (r == 0)
        r = launch_serve(l);
    everything_stop(l);
    runtime_close(l);
    listen_close(&l->network);
    fdstore_free(&l->store);
    loop_free(l->loop);
    return r == 0 ? 0 : 1;
}
