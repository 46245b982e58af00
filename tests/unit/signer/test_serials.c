/* signer/serials.c, signer/serials_file.c: what is remembered of policies, and that it outlives the signer. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "ipc/link.h"
#include "signer/serials.h"
#include "signer/spawner.h"

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static char path[64];

static int enter(void **state)
{
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/policy-serials", directory);
    return 0;
}

static int forget(void **state)
{
    return unlink(path) == 0 || access(path, F_OK) != 0 ? 0 : -1;
}

static int leave(void **state)
{
    return rmdir(directory);
}

static struct serial serial_of(const char *name, uint64_t number, uint8_t content)
{
    struct serial serial = {.serial = number};
    snprintf(serial.name, sizeof serial.name, "%s", name);
    memset(serial.digest, content, sizeof serial.digest);
    return serial;
}

static void set(struct serials *serials, const char *name, uint64_t number, uint8_t content)
{
    char why[512] = "";
    struct serial serial = serial_of(name, number, content);
    assert_int_equal(serials_set(serials, &serial, why, sizeof why), 0);
    assert_string_equal(why, "");
}

static void assert_refused(const struct serials *serials, const char *name, uint64_t number, uint8_t content,
                           const char *words)
{
    char why[512] = "";
    struct serial serial = serial_of(name, number, content);
    assert_int_equal(serials_check(serials, &serial, why, sizeof why), SERIALS_E_REFUSED);
    if (!strstr(why, words))
        fail_msg("\"%s\" is not in \"%s\"", words, why);
}

static void serials_only_go_forward(void **state)
{
    static struct serials serials;
    char why[512];
    set(&serials, "SITE", 5, 'a');
    set(&serials, "SITE", 5, 'a'); /* the same once more */
    set(&serials, "SITE", 7, 'b');
    set(&serials, "OTHER", 1, 'a'); /* counts for itself */
    assert_int_equal(serials.count, 2);
    assert_refused(&serials, "SITE", 6, 'c', "Serial 6 is older than 7");
    assert_refused(&serials, "SITE", 5, 'a', "Serial 5 is older than 7");
    assert_refused(&serials, "SITE", 7, 'a', "accepted another text with Serial 7");
    struct serial older = serial_of("SITE", 6, 'c');
    assert_int_equal(serials_set(&serials, &older, why, sizeof why), SERIALS_E_REFUSED);
    assert_int_equal(serials.items[0].serial, 7);
    set(&serials, "SITE", UINT64_MAX, 'd');
    assert_refused(&serials, "SITE", UINT64_MAX - 1, 'd', "older");
}

static void the_memory_is_bounded_and_forgets_nothing(void **state)
{
    static struct serials serials;
    char name[32];
    serials.count = 0;
    for (unsigned i = 0; i < SERIALS_MAX; i++) {
        snprintf(name, sizeof name, "P%u", i);
        set(&serials, name, 1 + i, 'a');
    }
    assert_refused(&serials, "ONE-MORE", 1, 'a', "no room for more");
    assert_refused(&serials, "P9", 9, 'a', "older than 10");
    set(&serials, "P9", 11, 'a');
}

static void a_list_travels_whole(void **state)
{
    static struct serials sent, received;
    static uint8_t room[SERIALS_PACKED_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    sent.count = 0;
    for (unsigned i = 0; i < SERIALS_MAX; i++) {
        char name[POLICY_NAME_MAX + 1];
        memset(name, 'x', POLICY_NAME_MAX);
        snprintf(name + POLICY_NAME_MAX - 3, 4, "%03u", i);
        set(&sent, name, UINT64_MAX - i, (uint8_t)i);
    }
    assert_int_equal(serials_pack(&sent, &out), 0);
    assert_int_equal(serials_unpack(sp_written(&out), &received), 0);
    assert_int_equal(received.count, SERIALS_MAX);
    assert_memory_equal(&received.items, &sent.items, sizeof sent.items);
    for (size_t size = 1; size < 80; size++)
        assert_int_equal(serials_unpack(sp_span_of(room, out.size - size), &received),
                         size == 4 + POLICY_NAME_MAX + 8 + POLICY_DIGEST_SIZE ? 0 : SP_E_MALFORMED);
}

static void a_wrong_list_is_malformed(void **state)
{
    static struct serials received;
    uint8_t room[256];
    static const struct {
        const char *name;
        uint64_t serial;
    } rows[] = {{"", 1}, {"X", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t digest[POLICY_DIGEST_SIZE] = {0};
        struct sp_out out = {.data = room, .capacity = sizeof room};
        sp_put_text(&out, rows[i].name);
        sp_put_u64(&out, rows[i].serial);
        sp_put_raw(&out, sp_span_of(digest, sizeof digest));
        assert_int_equal(serials_unpack(sp_written(&out), &received), SP_E_MALFORMED);
    }
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void open_good(struct serials_file *file, struct serials *serials)
{
    char why[512] = "";
    int r = serials_open(file, directory, serials, why, sizeof why);
    assert_string_equal(why, "");
    assert_int_equal(r, 0);
}

static void what_was_accepted_outlives_the_signer(void **state)
{
    static struct serials first, second;
    struct serials_file file;
    struct stat st;
    open_good(&file, &first);
    assert_int_equal(first.count, 0);
    set(&first, "SITE", 7, 'a');
    set(&first, "end", 1, 'b');
    set(&first, "A.b_c-d", UINT64_MAX, 0xff);
    assert_int_equal(serials_write(&file, &first), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    open_good(&file, &second);
    assert_int_equal(second.count, 3);
    assert_memory_equal(&second.items, &first.items, 3 * sizeof first.items[0]);
    assert_refused(&second, "SITE", 6, 'a', "older than 7");
    set(&second, "SITE", 8, 'c');
    assert_int_equal(serials_write(&file, &second), 0);
    open_good(&file, &first);
    assert_refused(&first, "SITE", 7, 'a', "older than 8");
}

static void a_full_memory_is_kept(void **state)
{
    static struct serials first, second;
    struct serials_file file;
    open_good(&file, &first);
    for (unsigned i = 0; i < SERIALS_MAX; i++) {
        char name[POLICY_NAME_MAX + 1];
        memset(name, 'x', POLICY_NAME_MAX);
        snprintf(name + POLICY_NAME_MAX - 3, 4, "%03u", i);
        set(&first, name, UINT64_MAX - i, (uint8_t)i);
    }
    assert_int_equal(serials_write(&file, &first), 0);
    open_good(&file, &second);
    assert_int_equal(second.count, SERIALS_MAX);
}

static void write_text(const void *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, sp_span_of(text, size)), 0);
    close(fd);
}

static void assert_damaged(const char *words)
{
    static struct serials serials;
    struct serials_file file;
    char why[512] = "";
    assert_int_equal(serials_open(&file, directory, &serials, why, sizeof why), SERIALS_E_REFUSED);
    if (!strstr(why, words) || !strstr(why, path))
        fail_msg("\"%s\" is not in \"%s\"", words, why);
    assert_int_equal(serials.count, 0);
}

static void every_damage_is_noticed(void **state)
{
    static struct serials serials;
    static char text[4096], changed[4096];
    struct serials_file file;
    open_good(&file, &serials);
    set(&serials, "SITE", 7, 'a');
    set(&serials, "OTHER", 8, 'b');
    assert_int_equal(serials_write(&file, &serials), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, sizeof text);
    close(fd);
    assert_true(size > 0);
    for (size_t cut = 0; cut < (size_t)size; cut += 3) {
        write_text(text, cut);
        assert_damaged("is damaged");
    }
    for (size_t at = 0; at < (size_t)size; at += 2) {
        memcpy(changed, text, (size_t)size);
        changed[at] = changed[at] == '1' ? '2' : '1';
        write_text(changed, (size_t)size);
        assert_damaged("is damaged");
    }
    memcpy(changed, text, (size_t)size);
    changed[size] = '\n';
    write_text(changed, (size_t)size + 1);
    assert_damaged("is damaged");
    changed[size] = 0;
    write_text(changed, (size_t)size + 1);
    assert_damaged("is damaged");
}

static void a_memory_that_cannot_be_read_is_not_an_empty_one(void **state)
{
    static struct serials serials;
    struct serials_file file;
    char why[512];
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_damaged("Too many levels of symbolic links");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_damaged("Is a directory");
    assert_int_equal(rmdir(path), 0);
    static char large[65536];
    memset(large, 'x', sizeof large);
    write_text(large, sizeof large);
    assert_damaged("File too large");
    assert_int_equal(serials_open(&file, "", &serials, why, sizeof why), SERIALS_E_REFUSED);
    assert_int_equal(serials_open(&file, path, &serials, why, sizeof why), SERIALS_E_REFUSED); /* a file */
    assert_non_null(strstr(why, "the state directory is not there"));
    assert_int_equal(serials_write(&file, &serials), -ENOENT);
}

/* ---- who writes it ----------------------------------------------------------------------------------------------- */

static pid_t spawner_start(struct link *signer)
{
    struct spawner_setup setup = {.token_program = "/nonexistent"};
    int fds[2];
    snprintf(setup.state_directory, sizeof setup.state_directory, "%s", directory);
    assert_int_equal(link_pair(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        _exit(spawner_run(&setup, fds[1]));
    }
    close(fds[1]);
    link_init(signer, fds[0], ROLE_SIGNER, ROLE_SPAWNER);
    return pid;
}

static void spawner_end(struct link *signer, pid_t pid)
{
    int status;
    link_close(signer);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void assert_told(struct link *signer, bool usable, const char *words)
{
    static struct link_inbox inbox;
    int r = LINK_E_AGAIN;
    for (unsigned i = 0; i < 2000 && r == LINK_E_AGAIN; i++) {
        r = link_receive(signer, PHASE_ANY, &inbox);
        if (r == LINK_E_AGAIN)
            usleep(5000);
    }
    assert_int_equal(r, 0);
    assert_int_equal(inbox.row->number, MSG_policy_serials);
    const struct msg_policy_serials *told = &inbox.body.policy_serials;
    assert_int_equal(told->usable, usable);
    if (!memmem(told->why.data, told->why.size, words, strlen(words)) ||
        (words[0] == 0 && told->why.size != 0))
        fail_msg("\"%s\" is not in \"%.*s\"", words, (int)told->why.size, (const char *)told->why.data);
}

static void keep(struct link *signer, const struct serials *serials)
{
    static uint8_t room[SERIALS_PACKED_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    assert_int_equal(serials_pack(serials, &out), 0);
    assert_int_equal(link_send(signer, policy_serial_keep, .serials = sp_written(&out)), 0);
}

static void assert_written(uint64_t serial)
{
    static struct serials written;
    struct serials_file file;
    open_good(&file, &written);
    assert_int_equal(written.count, 1);
    assert_int_equal(written.items[0].serial, serial);
}

/* As on a full disk: something is in the way of the new file. */
static void a_memory_that_cannot_be_written_is_told_until_it_can(void **state)
{
    static struct serials serials;
    struct link signer;
    char in_the_way[80];
    snprintf(in_the_way, sizeof in_the_way, "%s.new", path);
    pid_t pid = spawner_start(&signer);
    assert_told(&signer, true, "");
    set(&serials, "SITE", 5, 'a');
    keep(&signer, &serials);
    assert_told(&signer, true, "");
    assert_written(5);
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    set(&serials, "SITE", 6, 'a');
    keep(&signer, &serials);
    assert_told(&signer, false, "policy-serials: Is a directory; it is tried again every 2 seconds");
    assert_written(5);
    /* At the next time that something is to be kept */
    assert_int_equal(rmdir(in_the_way), 0);
    set(&serials, "SITE", 7, 'a');
    keep(&signer, &serials);
    assert_told(&signer, true, "");
    assert_written(7);
    /* or after a while, without being asked. */
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    set(&serials, "SITE", 8, 'a');
    keep(&signer, &serials);
    assert_told(&signer, false, "Is a directory");
    usleep(2500000); /* the first of those tries fails too */
    assert_int_equal(rmdir(in_the_way), 0);
    assert_told(&signer, true, "");
    assert_written(8);
    spawner_end(&signer, pid);
}

/* What time alone brings must not be taken for good news. */
static void a_damaged_memory_stays_unusable(void **state)
{
    static struct link_inbox inbox;
    struct link signer;
    write_text("nonsense", 8);
    pid_t pid = spawner_start(&signer);
    assert_told(&signer, false, "the file is damaged");
    usleep(2500000);
    assert_int_equal(link_receive(&signer, PHASE_ANY, &inbox), LINK_E_AGAIN);
    spawner_end(&signer, pid);
    assert_damaged("is damaged");
}

/* Also clears what the spawner keeps beside it. */
static int forget_all(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf -- '%s'/*", directory);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serials_only_go_forward),
        cmocka_unit_test(the_memory_is_bounded_and_forgets_nothing),
        cmocka_unit_test(a_list_travels_whole),
        cmocka_unit_test(a_wrong_list_is_malformed),
        cmocka_unit_test_teardown(what_was_accepted_outlives_the_signer, forget),
        cmocka_unit_test_teardown(a_full_memory_is_kept, forget),
        cmocka_unit_test_teardown(every_damage_is_noticed, forget),
        cmocka_unit_test_teardown(a_memory_that_cannot_be_read_is_not_an_empty_one, forget),
        cmocka_unit_test_teardown(a_memory_that_cannot_be_written_is_told_until_it_can, forget_all),
        cmocka_unit_test_teardown(a_damaged_memory_stays_unusable, forget_all),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
