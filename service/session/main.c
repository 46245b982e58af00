/*
 * sallyport-session: runs as root. Started with a listening socket it is the accept loop; the accept loop executes it
 * again, as a login process, for every login. Input: the monitor's socket. Output: users' sessions.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "base/fd.h"

#include "session/acceptor.h"
#include "session/login.h"

#define LISTEN_FD 3

static int usage(void)
{
    fprintf(stderr, "usage: sallyport-session [--options-file FILE] --monitor-uid UID   (with a listening "
                    "socket as descriptor 3)\n");
    return 2;
}

static int uid_parse(const char *text, uid_t *uid)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || value >= UINT32_MAX)
        return -EINVAL;
    *uid = (uid_t)value;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"login", no_argument, NULL, 'l'}, {"monitor-uid", required_argument, NULL, 'm'}, {0}};
    bool login = false;
    uid_t monitor_uid = 0;
    int option;

    /* 1. What we are. */
    int r = arguments_expand(&argc, &argv);
    if (r) {
        fprintf(stderr, "sallyport-session: --options-file: %s\n", strerror(-r));
        return 2;
    }
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            login = true;
        else if (option != 'm' || uid_parse(optarg, &monitor_uid))
            return usage();
    }
    if (optind != argc)
        return usage();
    /* 2. One login, or */
    if (login)
        return login_main();
    /* 3. the loop that starts them. */
    if (fd_listen_count() != 1)
        return usage();
    return acceptor_main(LISTEN_FD, monitor_uid);
}
