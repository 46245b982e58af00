/*
 * sallyport-worker: started once as the zygote, it forks one worker per connection. Input: the listening socket that
 * init hands over as descriptor 3; options. Output: worker processes.
 *
 *   1. options; the socket; standard descriptors that lead nowhere
 *   2. everything that costs time and files: modules, libcrypto's algorithms, the workers' allow-list
 *   3. lock-down
 *   4. the loop (zygote.c), which forks workers (worker.c)
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/registry.h>

#include "base/arguments.h"
#include "base/fd.h"
#include "base/manager.h"
#include "worker/confine.h"
#include "worker/modules.h"
#include "worker/zygote.h"

enum {
    EXIT_USAGE = 64,
    EXIT_MACHINE = 71,
};

struct options {
    bool become;
    uid_t uid;
    gid_t gid;
    uid_t monitor_uid;
    const char *modules[CONFIG_MODULES_MAX];
    size_t module_count;
};

static bool id_parse(const char *text, char end, uint32_t *id, const char **rest)
{
    char *after;
    errno = 0;
    unsigned long value = strtoul(text, &after, 10);
    /* The last id is setresuid()'s "leave as it is". */
    if (*text < '0' || *text > '9' || errno != 0 || *after != end || value >= UINT32_MAX)
        return false;
    *id = (uint32_t)value;
    if (rest)
        *rest = after + 1;
    return true;
}

static bool option_take(struct options *options, int option, const char *value)
{
    const char *group;
    if (option == 'l') {
        if (options->module_count == CONFIG_MODULES_MAX)
            return false;
        options->modules[options->module_count++] = value;
        return true;
    }
    if (option == 'u') {
        options->become = true;
        return id_parse(value, ':', &options->uid, &group) && id_parse(group, 0, &options->gid, NULL);
    }
    return option == 'm' && id_parse(value, 0, &options->monitor_uid, NULL);
}

static bool options_parse(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"user", required_argument, NULL, 'u'},
        {"monitor-uid", required_argument, NULL, 'm'},
        {"load-module", required_argument, NULL, 'l'},
        {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;)
        if (!option_take(options, option, optarg))
            return false;
    return optind == argc;
}

/* Standard error stays the zygote's, for what it has to say while there is no monitor. */
static int standard_descriptors_set_up(void)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    return dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ? -errno : 0;
}

static int modules_load_all(const struct options *options)
{
    char why[512];
    for (size_t i = 0; i < options->module_count; i++) {
        int r = modules_load(options->modules[i], why, sizeof why);
        if (r) {
            fprintf(stderr, "sallyport-worker: LoadModule: %s\n", why);
            return r;
        }
    }
    return 0;
}

static int fail(const char *what, int r)
{
    fprintf(stderr, "sallyport-worker: %s: %s\n", what, strerror(r < 0 ? -r : EINVAL));
    return EXIT_MACHINE;
}

int main(int argc, char **argv)
{
    struct options options = {.monitor_uid = 0};
    struct sandbox_filter *filter = NULL;
    struct manager manager;
    bool is_closed;

    /* 1 */
    int r = arguments_expand(&argc, &argv);
    if (r)
        return fail("--options-file", r);
    if (!options_parse(&options, argc, argv)) {
        fprintf(stderr, "usage: sallyport-worker [--options-file FILE] [--user UID:GID] [--monitor-uid UID] "
                        "[--load-module PATH]...\n");
        return EXIT_USAGE;
    }
    if (fd_listen_count() != 1) {
        fprintf(stderr, "sallyport-worker: one listening socket was expected as descriptor 3 (LISTEN_FDS)\n");
        return EXIT_USAGE;
    }
    r = standard_descriptors_set_up();
    if (r)
        return fail("standard descriptors", r);
    r = manager_open(&manager);
    if (r)
        return fail("the service manager's socket", r);
    signal(SIGPIPE, SIG_IGN);

    /* 2 */
    if (modules_load_all(&options) != 0)
        return EXIT_MACHINE;
    r = modules_prepare();
    if (r)
        return fail("preparing the algorithms", r);
    r = confine_filter(&filter);
    if (r)
        return fail("system call filter", r);

    /* 3 */
    r = confine_zygote(options.become, options.uid, options.gid, &is_closed);
    if (r)
        return fail(r == -EINVAL ? "confinement (is / a mount point? a plain chroot is none)" : "confinement",
                    r);

    /* 4 */
    r = zygote_run(&(struct zygote_options){
        .listener = 3,
        .monitor_uid = options.monitor_uid,
        .filter = filter,
        .manager = &manager,
        .is_closed = is_closed,
    });
    manager_close(&manager);
    sandbox_filter_free(filter);
    return r;
}
