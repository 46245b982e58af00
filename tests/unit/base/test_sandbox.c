/* Identity, capabilities, namespaces and limits: each call is believed only if the kernel says so afterwards. What needs
 * root is skipped without it; then the other half is shown, that it is refused or reported. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"

#include "base/sandbox.h"
#include "base/sandbox_extra.h"

#define SOME_UID 61199u
#define SOME_GID 61198u

static bool is_root(void)
{
    return geteuid() == 0 && sandbox_has_capability(21 /* CAP_SYS_ADMIN */);
}

/* ---- terminals ---------------------------------------------------------------------------------------------- */

/* A controlling terminal of its own, so that nothing is typed into anybody's. */
static void run_typing(const void *argument)
{
    const bool *is_denied = argument;
    char c = 'x';
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    CHILD_REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 && setsid() > 0);
    int terminal = open(ptsname(master), O_RDWR);
    CHILD_REQUIRE(terminal >= 0 && ioctl(terminal, TIOCSCTTY, 0) == 0);
    struct winsize size;
    if (*is_denied)
        CHILD_REQUIRE(sandbox_deny_typing() == 0);
    errno = 0;
    CHILD_REQUIRE((syscall(SYS_ioctl, terminal, TIOCSTI, &c) < 0) == *is_denied);
    CHILD_REQUIRE(!*is_denied || errno == EPERM);
    CHILD_REQUIRE(syscall(SYS_ioctl, terminal, TIOCSTI | UINT64_C(1) << 32, &c) < 0 || !*is_denied);
    CHILD_REQUIRE(ioctl(terminal, TIOCGWINSZ, &size) == 0); /* everything else goes on */
}

static void typing_into_a_terminal_is_denied(void **state)
{
    bool denied = true, permitted = false;
    (void)state;
    child_holds(run_typing, &denied);
    int fd = open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY);
    char setting = '1'; /* kernels before 6.2 have no such setting */
    assert_true(fd < 0 || read(fd, &setting, 1) == 1);
    close(fd);
    if (setting == '1' && is_root())
        child_holds(run_typing, &permitted); /* the same without it: the claim above can fail */
}

/* ---- becoming a user --------------------------------------------------------------------------------------- */

static void run_become(const void *argument)
{
    const gid_t groups[] = {7, 3};
    uid_t u[3];
    gid_t g[3], have[8];
    (void)argument;
    CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, groups, 2) == 0);
    CHILD_REQUIRE(getresuid(&u[0], &u[1], &u[2]) == 0 && getresgid(&g[0], &g[1], &g[2]) == 0);
    for (int i = 0; i < 3; i++)
        CHILD_REQUIRE(u[i] == SOME_UID && g[i] == SOME_GID);
    CHILD_REQUIRE(getgroups(8, have) == 2 && have[0] + have[1] == 10);
    CHILD_REQUIRE(setuid(0) < 0 && seteuid(0) < 0 && setgid(0) < 0 && setgroups(0, NULL) < 0);
    CHILD_REQUIRE(sandbox_become(0, 0, NULL, 0) < 0);
    CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) < 0); /* the groups are not those */
    CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, groups, 2) == 0);
}

static void become_sets_every_id_for_good(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_become, NULL);
}

static void run_become_without_groups(const void *argument)
{
    const gid_t before[] = {0, 4, 27};
    (void)argument;
    CHILD_REQUIRE(setgroups(3, before) == 0);
    CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == 0);
    CHILD_REQUIRE(getgroups(0, NULL) == 0);
}

static void become_keeps_no_group_of_before(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_become_without_groups, NULL);
}

static void run_become_bound(const void *argument)
{
    int number = 0;
    (void)argument;
    CHILD_REQUIRE(prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0);
    CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == 0);
    CHILD_REQUIRE(prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) == 0 && number == SIGTERM);
}

static void become_keeps_the_bond_to_the_parent(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_become_bound, NULL);
}

/* Securebits that keep capabilities across setresuid(2): the process would still be root in all but name. */
static void run_become_keeping(const void *argument)
{
    (void)argument;
    CHILD_REQUIRE(prctl(PR_SET_SECUREBITS, 1 << 2 /* SECBIT_NO_SETUID_FIXUP */, 0, 0, 0) == 0);
    CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == -EPERM);
}

static void become_notices_that_root_is_not_lost(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_become_keeping, NULL);
}

static void run_become_minus_one(const void *argument)
{
    (void)argument;
    CHILD_REQUIRE(sandbox_become((uid_t)-1, SOME_GID, NULL, 0) == -EINVAL);
    CHILD_REQUIRE(sandbox_become(SOME_UID, (gid_t)-1, NULL, 0) == -EINVAL);
}

static void become_refuses_the_id_that_means_unchanged(void **state)
{
    (void)state;
    child_holds(run_become_minus_one, NULL);
}

static void run_become_unprivileged(const void *argument)
{
    (void)argument;
    if (geteuid() == 0)
        CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == 0);
    CHILD_REQUIRE(sandbox_become(SOME_UID + 1, SOME_GID, NULL, 0) < 0);
}

static void become_fails_without_the_right(void **state)
{
    (void)state;
    child_holds(run_become_unprivileged, NULL);
}

/* ---- capabilities ------------------------------------------------------------------------------------------ */

static bool status_says(const char *line)
{
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    if (size < 0)
        return false;
    text[size] = '\0';
    return strstr(text, line) != NULL;
}

#define NO_CAPABILITIES "0000000000000000\n"

static void run_drop_as_root(const void *argument)
{
    (void)argument;
    CHILD_REQUIRE(sandbox_drop_capabilities() == 0);
    CHILD_REQUIRE(status_says("CapInh:\t" NO_CAPABILITIES) && status_says("CapPrm:\t" NO_CAPABILITIES));
    CHILD_REQUIRE(status_says("CapEff:\t" NO_CAPABILITIES) && status_says("CapAmb:\t" NO_CAPABILITIES));
    CHILD_REQUIRE(status_says("CapBnd:\t" NO_CAPABILITIES) && status_says("NoNewPrivs:\t1\n"));
    CHILD_REQUIRE(sandbox_drop_capabilities() == 0); /* twice is once */
    /* uid 0 alone means nothing any more */
    CHILD_REQUIRE(chroot("/") < 0 && errno == EPERM);
    CHILD_REQUIRE(setresuid(SOME_UID, SOME_UID, SOME_UID) < 0);
}

static void drop_leaves_root_without_power(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_drop_as_root, NULL);
}

static void run_drop_as_user(const void *argument)
{
    unsigned done;
    (void)argument;
    if (geteuid() == 0) {
        CHILD_REQUIRE(sandbox_isolate(0, &done) == 0); /* empties the bounding set while it can */
        CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == 0);
        CHILD_REQUIRE(status_says("CapBnd:\t" NO_CAPABILITIES));
    }
    CHILD_REQUIRE(sandbox_drop_capabilities() == 0);
    CHILD_REQUIRE(status_says("CapPrm:\t" NO_CAPABILITIES) && status_says("NoNewPrivs:\t1\n"));
}

static void drop_works_for_who_has_nothing(void **state)
{
    (void)state;
    child_holds(run_drop_as_user, NULL);
}

/* ---- the process ------------------------------------------------------------------------------------------- */

static void run_harden(const void *argument)
{
    struct rlimit core;
    (void)argument;
    CHILD_REQUIRE(sandbox_harden_process() == 0);
    CHILD_REQUIRE(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHILD_REQUIRE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHILD_REQUIRE(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
}

static void harden_hides_the_memory(void **state)
{
    (void)state;
    child_holds(run_harden, NULL);
}

static void run_limit(const void *argument)
{
    const struct sandbox_limit low[] = {{RLIMIT_NOFILE, 20}, {RLIMIT_FSIZE, 0}};
    const struct sandbox_limit high[] = {{RLIMIT_NOFILE, 40}};
    struct rlimit have;
    (void)argument;
    CHILD_REQUIRE(sandbox_limit(low, ARRAY_SIZE(low)) == 0);
    CHILD_REQUIRE(getrlimit(RLIMIT_NOFILE, &have) == 0 && have.rlim_cur == 20 && have.rlim_max == 20);
    CHILD_REQUIRE(getrlimit(RLIMIT_FSIZE, &have) == 0 && have.rlim_max == 0);
    CHILD_REQUIRE(sandbox_limit(high, ARRAY_SIZE(high)) == 0);
    CHILD_REQUIRE(getrlimit(RLIMIT_NOFILE, &have) == 0 && have.rlim_max == 20);
}

static void limits_are_only_lowered(void **state)
{
    (void)state;
    child_holds(run_limit, NULL);
}

/* ---- namespaces -------------------------------------------------------------------------------------------- */

static void run_network(const void *argument)
{
    unsigned done = 0;
    (void)argument;
    CHILD_REQUIRE(sandbox_isolate(SANDBOX_NETWORK, &done) == 0 && done == SANDBOX_NETWORK);
    struct if_nameindex *all = if_nameindex();
    CHILD_REQUIRE(all && all[0].if_index != 0 && strcmp(all[0].if_name, "lo") == 0 && all[1].if_index == 0);
    struct sockaddr_storage to = {.ss_family = AF_INET};
    ((uint8_t *)&to)[3] = 9; /* port; 127.0.0.1 below */
    memcpy((uint8_t *)&to + 4, "\x7f\0\0\x01", 4);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHILD_REQUIRE(fd >= 0 && connect(fd, (struct sockaddr *)&to, 16) < 0 && errno == ENETUNREACH);
}

static void without_a_network_not_even_loopback_works(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_network, NULL);
}

static void run_root(const void *argument)
{
    unsigned done = 0;
    (void)argument;
    CHILD_REQUIRE(sandbox_isolate(SANDBOX_ROOT, &done) == 0 && done == SANDBOX_ROOT);
    CHILD_REQUIRE(open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
    CHILD_REQUIRE(open("/../../proc/self/exe", O_RDONLY) < 0 && errno == ENOENT);
    CHILD_REQUIRE(open("/new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS);
    CHILD_REQUIRE(mkdir("/new", 0700) < 0 && errno == EROFS);
    DIR *root = opendir("/");
    int entries = 0;
    CHILD_REQUIRE(root != NULL);
    for (const struct dirent *e; (e = readdir(root));)
        entries += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    CHILD_REQUIRE(entries == 0);
    struct stat root_is, here_is;
    CHILD_REQUIRE(stat("/", &root_is) == 0 && stat(".", &here_is) == 0 && root_is.st_ino == here_is.st_ino);
}

static void without_files_the_root_is_empty_and_stays_so(void **state)
{
    (void)state;
    if (!is_root() || !(sandbox_extra_isolation & SANDBOX_ROOT))
        skip();
    child_holds(run_root, NULL);
    assert_int_equal(access("/etc/passwd", R_OK), 0); /* and nothing of it showed up here */
}

static void namespace_name(char name[64])
{
    ssize_t size = readlink("/proc/self/ns/ipc", name, 63);
    CHILD_REQUIRE(size > 0);
    name[size] = '\0';
}

static void run_ipc(const void *argument)
{
    unsigned done = 0;
    char before[64], after[64];
    (void)argument;
    namespace_name(before);
    CHILD_REQUIRE(sandbox_isolate(SANDBOX_IPC, &done) == 0 && done == SANDBOX_IPC);
    namespace_name(after);
    CHILD_REQUIRE(strcmp(before, after) != 0);
}

static void ipc_is_its_own(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    child_holds(run_ipc, NULL);
}

static void run_isolate_unprivileged(const void *argument)
{
    unsigned done = 7;
    (void)argument;
    if (geteuid() == 0)
        CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == 0);
    CHILD_REQUIRE(sandbox_isolate(SANDBOX_NETWORK | SANDBOX_ROOT | SANDBOX_IPC, &done) == 0 && done == 0);
    CHILD_REQUIRE(access("/proc/self", F_OK) == 0);
}

static void without_root_nothing_is_claimed_to_be_isolated(void **state)
{
    (void)state;
    child_holds(run_isolate_unprivileged, NULL);
}

/* Whether this kernel has Landlock, and lets us ask it. */
static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static void run_close_files(const void *argument)
{
    const bool *is_root = argument;
    bool done = false;
    char c;
    int before = open("/proc/self/stat", O_RDONLY), pair[2];
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    CHILD_REQUIRE(before >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    if (!*is_root && geteuid() == 0)
        CHILD_REQUIRE(sandbox_become(SOME_UID, SOME_GID, NULL, 0) == 0);
    CHILD_REQUIRE(sandbox_close_files(&done) == 0 && done == has_landlock());
    if (!done)
        return;
    static const char *const paths[] = {"/",   "/dev/null", "/etc/passwd", "/usr/bin/env", "/proc/self/stat",
                                        "/tmp"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        CHILD_REQUIRE(open(paths[i], O_RDONLY) < 0 && errno == EACCES);
    CHILD_REQUIRE(open("/dev/null", O_WRONLY) < 0 && errno == EACCES);
    CHILD_REQUIRE(open("/tmp/sallyport-landlock", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
    CHILD_REQUIRE(mkdir("/tmp/sallyport-landlock", 0700) < 0 && errno == EACCES);
    CHILD_REQUIRE(execl("/usr/bin/env", "env", NULL) < 0 && errno == EACCES);
    /* What was open is still good, and a link between processes needs no file system. */
    CHILD_REQUIRE(read(before, &c, 1) == 1);
    CHILD_REQUIRE(write(pair[0], "x", 1) == 1 && read(pair[1], &c, 1) == 1);
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        CHILD_REQUIRE(client >= 0);
        CHILD_REQUIRE(bind(client, (struct sockaddr *)&loopback, sizeof loopback) < 0 && errno == EACCES);
        CHILD_REQUIRE(connect(client, (struct sockaddr *)&loopback, sizeof loopback) < 0 && errno == EACCES);
    }
    CHILD_REQUIRE(sandbox_close_files(&done) == 0); /* in another layer: nothing is taken back */
    CHILD_REQUIRE(open("/", O_RDONLY) < 0);
}

static void closed_files_are_closed_for_ordinary_users_and_for_root(void **state)
{
    static const bool ordinary = false, root = true;
    (void)state;
    if (!(sandbox_extra_isolation & SANDBOX_ROOT))
        skip(); /* this build has to open files when it reports */
    child_holds(run_close_files, &ordinary);
    child_holds(run_close_files, &root);
    if (!has_landlock())
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typing_into_a_terminal_is_denied),
        cmocka_unit_test(become_sets_every_id_for_good),
        cmocka_unit_test(become_keeps_no_group_of_before),
        cmocka_unit_test(become_keeps_the_bond_to_the_parent),
        cmocka_unit_test(become_notices_that_root_is_not_lost),
        cmocka_unit_test(become_refuses_the_id_that_means_unchanged),
        cmocka_unit_test(become_fails_without_the_right),
        cmocka_unit_test(drop_leaves_root_without_power),
        cmocka_unit_test(drop_works_for_who_has_nothing),
        cmocka_unit_test(harden_hides_the_memory),
        cmocka_unit_test(limits_are_only_lowered),
        cmocka_unit_test(without_a_network_not_even_loopback_works),
        cmocka_unit_test(without_files_the_root_is_empty_and_stays_so),
        cmocka_unit_test(ipc_is_its_own),
        cmocka_unit_test(without_root_nothing_is_claimed_to_be_isolated),
        cmocka_unit_test(closed_files_are_closed_for_ordinary_users_and_for_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
