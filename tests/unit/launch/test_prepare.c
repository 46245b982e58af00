/* What root leaves for programs that a service manager starts: files that say the same after their way through them, whose they
 * are, and that a bad configuration changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arguments.h"
#include "base/fd.h"

#include "launch/launch.h"

#define MONITOR 61200u
#define GOOD "HostKey pkcs11:token=t;object=o\nTokenPIN file:/root/pin\n"

struct world {
    char directory[64], config[96];
    struct launch launch;
};

static void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    *state = w;
    strcpy(w->directory, "/tmp/sallyport-prepare.XXXXXX");
    if (!mkdtemp(w->directory) || chmod(w->directory, 0711) < 0)
        return -1;
    snprintf(w->config, sizeof w->config, "%s/config", w->directory);
    w->launch.options.config_path = w->config;
    w->launch.options.runtime_dir = w->directory;
    w->launch.ids[USER_MONITOR] = (struct launch_ids){MONITOR, MONITOR, true};
    w->launch.runtime_fd = -1;
    file_write(w->config, GOOD);
    return geteuid() == 0 ? runtime_directory(&w->launch) : 0;
}

static int close_world(void **state)
{
    static const char *const names[] = {"config",         "config.snapshot", "config.snapshot.refused", "new",
                                        "signer.options", "worker.options",  "session.options"};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void)unlinkat(w->launch.runtime_fd, names[i], 0);
    cleanup_close(&w->launch.runtime_fd);
    rmdir(w->directory);
    free(w);
    return 0;
}

static void skip_unless_root(void)
{
    if (geteuid() != 0)
        skip();
}

static struct stat look(const struct world *w, const char *name)
{
    struct stat st = {0};
    (void)fstatat(w->launch.runtime_fd, name, &st, 0);
    return st;
}

/* What a program makes of its file, joined by '|'. */
static const char *told(const struct world *w, const char *name)
{
    static char joined[8192];
    char path[128], program[] = "program", option[] = "--options-file";
    char *given[] = {program, option, path, NULL}, **argv = given;
    int argc = 3;
    snprintf(path, sizeof path, "%s/%s", w->directory, name);
    assert_int_equal(arguments_expand(&argc, &argv), 0);
    joined[0] = 0;
    for (int i = 1; i < argc; i++)
        strcat(strcat(joined, i > 1 ? "|" : ""), argv[i]);
    return joined;
}

static void files_are_whose_they_have_to_be(void **state)
{
    static const char *const options[] = {"signer.options", "worker.options", "session.options"};
    struct world *w = *state;
    skip_unless_root();
    assert_int_equal(configuration_prepare(&w->launch), 0);
    struct stat st = look(w, "config.snapshot");
    assert_true(st.st_uid == MONITOR && st.st_gid == MONITOR && (st.st_mode & 07777) == 0400 &&
                st.st_size > 0);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        st = look(w, options[i]);
        assert_true(st.st_uid == 0 && (st.st_mode & 07777) == 0444);
        assert_string_equal(told(w, options[i]), "--monitor-uid|61200");
    }
}

static void whatever_is_in_a_path_arrives(void **state)
{
    struct world *w = *state;
    skip_unless_root();
    strcpy(w->launch.policy_trust, "/etc/two words/it's \"quoted\" $HOME %n \\ ;");
    strcpy(w->launch.policy, "FUTURE:NO RSA");
    strcpy(w->launch.modules[0], "/opt/a module.so");
    strcpy(w->launch.modules[1], "--not-an-option");
    w->launch.module_count = 2;
    assert_int_equal(options_write(&w->launch), 0);
    assert_string_equal(told(w, "signer.options"),
                        "--monitor-uid|61200|--policy-trust|/etc/two words/it's \"quoted\" $HOME %n \\ ;|"
                        "--policy|FUTURE:NO RSA");
    assert_string_equal(told(w, "worker.options"),
                        "--monitor-uid|61200|--load-module|/opt/a module.so|--load-module|--not-an-option");
    strcpy(w->launch.policy_trust, "/etc/two\nlines");
    assert_int_equal(options_write(&w->launch), -EINVAL);
    assert_non_null(strstr(told(w, "signer.options"), "it's"));
}

static void a_program_that_is_told_something_else_is_known(void **state)
{
    struct world *w = *state;
    bool *changed = w->launch.options_changed;
    skip_unless_root();
    assert_int_equal(options_write(&w->launch), 0);
    assert_true(!changed[PROGRAM_SIGNER] && !changed[PROGRAM_WORKER] && !changed[PROGRAM_SESSION]);
    strcpy(w->launch.policy_trust, "/etc/signers");
    assert_int_equal(options_write(&w->launch), 0);
    assert_true(changed[PROGRAM_SIGNER] && !changed[PROGRAM_WORKER] && !changed[PROGRAM_SESSION]);
    assert_int_equal(options_write(&w->launch), 0);
    assert_false(changed[PROGRAM_SIGNER]);
}

static void a_bad_first_configuration_leaves_nothing(void **state)
{
    struct world *w = *state;
    skip_unless_root();
    file_write(w->config, "PermitTTY perhaps\n");
    assert_true(configuration_prepare(&w->launch) < 0);
    assert_int_equal(look(w, "config.snapshot").st_size, 0);
    assert_int_equal(look(w, "signer.options").st_size, 0);
}

static void a_bad_later_one_leaves_the_one_before(void **state)
{
    struct world *w = *state;
    skip_unless_root();
    assert_int_equal(configuration_prepare(&w->launch), 0);
    ino_t before = look(w, "config.snapshot").st_ino;
    file_write(w->config, GOOD "PermitTTY perhaps\n");
    assert_true(configuration_renew(&w->launch) < 0); /* for a monitor that runs: it is told why */
    assert_true(look(w, "config.snapshot.refused").st_size > 0);
    assert_int_equal(configuration_prepare(&w->launch),
                     0); /* for one that is started: there is one to serve with */
    assert_int_equal(look(w, "config.snapshot").st_ino, before);
    assert_int_equal(look(w, "config.snapshot.refused").st_size, 0);
    file_write(w->config, GOOD "PermitTTY no\n");
    assert_int_equal(configuration_renew(&w->launch), 0);
    assert_int_not_equal(look(w, "config.snapshot").st_ino, before);
}

static void a_directory_of_others_is_refused(void **state)
{
    struct world *w = *state;
    skip_unless_root();
    cleanup_close(&w->launch.runtime_fd);
    assert_int_equal(chmod(w->directory, 0777), 0);
    assert_int_equal(runtime_directory(&w->launch), -EPERM);
    cleanup_close(&w->launch.runtime_fd);
    assert_true(chmod(w->directory, 0711) == 0 && chown(w->directory, MONITOR, 0) == 0);
    assert_int_equal(runtime_directory(&w->launch), -EPERM);
    assert_int_equal(chown(w->directory, 0, 0), 0);
}

int main(void)
{
#define CLAIM(name_) cmocka_unit_test_setup_teardown(name_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        CLAIM(files_are_whose_they_have_to_be),
        CLAIM(whatever_is_in_a_path_arrives),
        CLAIM(a_program_that_is_told_something_else_is_known),
        CLAIM(a_bad_first_configuration_leaves_nothing),
        CLAIM(a_bad_later_one_leaves_the_one_before),
        CLAIM(a_directory_of_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
