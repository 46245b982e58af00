/* What the spawner opens: PINs, the memory of refused ones, modules. In a directory of the test's own. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/root_file.h"
#include "signer/pin_memory.h"
#include "signer/pin_source.h"

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static char path[256];

static int enter(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int leave(void **state)
{
    static const char *const names[] = {"pin", "refused-pins", "refused-pins.new", "refused-pins.lock",
                                        "link"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

static const char *file(const char *name, const char *text, mode_t mode)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)unlink(path);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int pin_read(const char *text, mode_t mode, struct secret *pin, char why[512])
{
    char source[300];
    snprintf(source, sizeof source, "file:%s", file("pin", text, mode));
    return pin_source_read(source, NULL, pin, why, 512);
}

static void a_pin_is_the_file_without_its_newline(void **state)
{
    static const struct {
        const char *text, *pin;
    } rows[] = {{"1234\n", "1234"}, {"1234", "1234"}, {"12\n34\n\n", "12\n34\n"}, {" 1 ", " 1 "}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct secret pin = {0};
        char why[512];
        assert_int_equal(pin_read(rows[i].text, 0400, &pin, why), 0);
        assert_true(sp_span_is(secret_span(&pin), rows[i].pin));
        secret_wipe(&pin);
        assert_null(pin.page);
    }
}

static void refuses_empty_and_long_pins(void **state)
{
    char text[PIN_MAX + 3], why[512];
    struct secret pin = {0};
    assert_int_equal(pin_read("", 0400, &pin, why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_read("\n", 0400, &pin, why), PIN_SOURCE_E_REFUSED);
    memset(text, 'x', sizeof text);
    text[PIN_MAX] = 0;
    assert_int_equal(pin_read(text, 0400, &pin, why), 0);
    secret_wipe(&pin);
    text[PIN_MAX] = 'x';
    text[PIN_MAX + 1] = 0;
    assert_int_equal(pin_read(text, 0400, &pin, why), PIN_SOURCE_E_REFUSED);
    assert_null(pin.page);
}

static void refuses_a_pin_that_others_can_read(void **state)
{
    static const mode_t bad[] = {0404, 0402, 0460, 0444, 0666};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct secret pin = {0};
        char why[512];
        assert_int_equal(pin_read("1234", bad[i], &pin, why), PIN_SOURCE_E_REFUSED);
        assert_non_null(strstr(why, path));
        assert_null(strstr(why, "1234"));
    }
}

static void a_credential_is_the_managers_affair(void **state)
{
    struct secret pin = {0};
    char why[512];
    (void)file("pin", "1234", 0444);
    assert_int_equal(pin_source_read("credential:pin", directory, &pin, why, sizeof why), 0);
    secret_wipe(&pin);
    assert_int_equal(pin_source_read("credential:none", directory, &pin, why, sizeof why),
                     PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("credential:pin", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("credential:../x", directory, &pin, why, sizeof why),
                     PIN_SOURCE_E_REFUSED);
}

static void refuses_what_is_no_file(void **state)
{
    struct secret pin = {0};
    char why[512];
    assert_int_equal(pin_source_read("file:/dev/zero", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("file:/tmp", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
    assert_int_equal(pin_source_read("|/bin/echo 1", NULL, &pin, why, sizeof why), PIN_SOURCE_E_REFUSED);
}

static bool remembers(const struct refused_pins *refused, const char *module, const char *token,
                      const char *pin)
{
    bool has;
    assert_int_equal(refused_has(refused, sp_text(module), sp_text(token), sp_text(pin), &has), 0);
    return has;
}

static int remember(struct refused_pins *refused, const char *module, const char *token, const char *pin)
{
    struct refused_entry entry;
    assert_int_equal(refused_make(refused, sp_text(module), sp_text(token), sp_text(pin), &entry), 0);
    return refused_add(refused, &entry);
}

static void memory_remove(void)
{
    static const char *const names[] = {"refused-pins", "refused-pins.new", "refused-pins.lock"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
}

static void a_refused_pin_is_remembered(void **state)
{
    static struct refused_pins first, second;
    memory_remove();
    assert_int_equal(refused_open(&first, directory), 0);
    assert_false(remembers(&first, "/m", "token=a", "1234"));
    assert_int_equal(remember(&first, "/m", "token=a", "1234"), 0);
    assert_int_equal(refused_open(&second, directory), 0);
    assert_true(remembers(&second, "/m", "token=a", "1234"));
    assert_false(remembers(&second, "/m", "token=a", "1235"));
    assert_false(remembers(&second, "/m", "token=b", "1234"));
    assert_false(remembers(&second, "/m1", "token=a", "234"));
}

static void what_another_has_recorded_is_read_again_and_kept(void **state)
{
    static struct refused_pins spawner, tool, third;
    memory_remove();
    assert_int_equal(refused_open(&spawner, directory), 0);
    assert_int_equal(refused_open(&tool, directory), 0);
    assert_int_equal(remember(&tool, "/m", "token=a", "tool"), 0);
    assert_false(remembers(&spawner, "/m", "token=a", "tool"));
    assert_int_equal(refused_load(&spawner), 0);
    assert_true(remembers(&spawner, "/m", "token=a", "tool"));
    assert_int_equal(remember(&tool, "/m", "token=a", "tool again"), 0);
    assert_int_equal(remember(&spawner, "/m", "token=a", "spawner"), 0);
    assert_int_equal(refused_open(&third, directory), 0);
    assert_true(remembers(&third, "/m", "token=a", "tool"));
    assert_true(remembers(&third, "/m", "token=a", "tool again"));
    assert_true(remembers(&third, "/m", "token=a", "spawner"));
}

static void a_file_that_is_taken_away_is_forgotten(void **state)
{
    static struct refused_pins refused;
    memory_remove();
    assert_int_equal(refused_open(&refused, directory), 0);
    assert_int_equal(remember(&refused, "/m", "token=a", "1234"), 0);
    assert_int_equal(refused_load(&refused), 0);
    assert_true(remembers(&refused, "/m", "token=a", "1234"));
    memory_remove();
    assert_int_equal(refused_load(&refused), 0);
    assert_false(remembers(&refused, "/m", "token=a", "1234"));
}

static void what_could_not_be_written_is_remembered_all_the_same(void **state)
{
    static struct refused_pins refused;
    memory_remove();
    assert_int_equal(refused_open(&refused, directory), 0);
    snprintf(path, sizeof path, "%s/refused-pins.new", directory);
    assert_int_equal(mkdir(path, 0700), 0); /* root could write anywhere else */
    assert_true(remember(&refused, "/m", "token=a", "1234") < 0);
    assert_int_equal(refused_load(&refused), 0);
    assert_true(remembers(&refused, "/m", "token=a", "1234"));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(remember(&refused, "/m", "token=a", "5678"), 0);
    assert_int_equal(refused_open(&refused, directory), 0);
    assert_true(remembers(&refused, "/m", "token=a", "1234"));
}

/* The configuration may know the label alone, the tool knows the token. */
static void a_token_is_the_same_by_all_its_names(void **state)
{
    static const struct {
        const char *a, *b;
        bool differ;
    } rows[] = {
        {"token=a", "token=a;manufacturer=M;serial=1;model=X", false},
        {"serial=1", "token=a;manufacturer=M;serial=1;model=X", false},
        {"", "token=a;serial=1", false},
        {"token=a", "serial=1", false},
        {"slot-id=3;token=a", "token=a;slot-id=4", false},
        {"token=a;serial=2", "token=a;serial=1", true},
        {"token=b", "token=a;serial=1", true},
        {"token=a", "token=ab", true},
        {"provider", "other", false},
    };
    static struct refused_pins refused;
    memory_remove();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(refused_tokens_differ(sp_text(rows[i].a), sp_text(rows[i].b)), rows[i].differ);
        assert_int_equal(refused_tokens_differ(sp_text(rows[i].b), sp_text(rows[i].a)), rows[i].differ);
        assert_int_equal(refused_open(&refused, ""), 0);
        assert_int_equal(remember(&refused, "/m", rows[i].a, "1234"), 0);
        assert_int_equal(remembers(&refused, "/m", rows[i].b, "1234"), !rows[i].differ);
        assert_false(remembers(&refused, "/n", rows[i].b, "1234"));
    }
}

static void the_memory_is_bounded(void **state)
{
    static struct refused_pins refused;
    char pin[16];
    memory_remove();
    assert_int_equal(refused_open(&refused, ""), 0);
    for (unsigned i = 0; i < 2 * REFUSED_MAX; i++) {
        snprintf(pin, sizeof pin, "%u", i);
        assert_int_equal(remember(&refused, "/m", "token=a", pin), 0);
    }
    assert_int_equal(refused.count, REFUSED_MAX);
    assert_true(remembers(&refused, "/m", "token=a", pin));
    assert_false(remembers(&refused, "/m", "token=a", "0"));
    /* Full, and with the longest names, it is a file that can be read. */
    static uint8_t text[REFUSED_FILE_MAX];
    struct sp_out out = {.data = text, .capacity = sizeof text};
    for (size_t i = 0; i < REFUSED_MAX; i++) {
        memset(refused.entries[i].token, 'x', REFUSED_TOKEN_MAX);
        memcpy(refused.entries[i].token, "token=", 6);
        refused.entries[i].token[REFUSED_TOKEN_MAX - 2] = 0; /* the last is for a separator */
    }
    size_t count = 0;
    assert_int_equal(refused_print(refused.entries, refused.count, &out), 0);
    assert_int_equal(refused_parse(sp_written(&out), refused.entries, &count), 0);
    assert_int_equal(count, REFUSED_MAX);
}

static void equal_pins_are_not_hashed_alike(void **state)
{
    static struct refused_pins refused;
    struct refused_entry a, b;
    char absent[sizeof directory + 8];
    snprintf(absent, sizeof absent, "%s/absent", directory);
    assert_int_equal(refused_open(&refused, absent), 0);
    assert_string_equal(refused.path, "");
    assert_int_equal(refused_make(&refused, sp_text("/m"), sp_text("t"), sp_text("1234"), &a), 0);
    assert_int_equal(refused_make(&refused, sp_text("/m"), sp_text("t"), sp_text("1234"), &b), 0);
    assert_memory_not_equal(a.hash, b.hash, sizeof a.hash);
}

static void refuses_a_damaged_memory(void **state)
{
    static struct refused_pins refused;
    char text[1024] = "refused PINs v2\n";
    memory_remove();
    (void)file("refused-pins", "short", 0600);
    assert_int_equal(refused_open(&refused, directory), -EBADMSG);
    strcat(text, "tail");
    (void)file("refused-pins", text, 0600);
    assert_int_equal(refused_open(&refused, directory), -EBADMSG);
    memory_remove();
}

/* Whoever owns the directory must not make root wait, or have it change another's file. */
static void refuses_what_is_no_file_of_its_own(void **state)
{
    static struct refused_pins refused;
    char elsewhere[300], inside[256];
    struct stat before, after;
    snprintf(elsewhere, sizeof elsewhere, "%s/pin", directory);
    static const char *const names[] = {"refused-pins", "refused-pins.lock"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        memory_remove();
        (void)file("pin", "precious", 0640);
        assert_int_equal(stat(elsewhere, &before), 0);
        snprintf(inside, sizeof inside, "%s/%s", directory, names[i]);
        assert_int_equal(mkfifo(inside, 0600), 0);
        alarm(5);
        assert_true(refused_open(&refused, directory) == -EPERM ||
                    remember(&refused, "/m", "token=a", "1234") == -EPERM);
        alarm(0);
        assert_int_equal(unlink(inside), 0);
        assert_int_equal(link(elsewhere, inside), 0);
        assert_true(refused_open(&refused, directory) == -EPERM ||
                    remember(&refused, "/m", "token=a", "1234") == -EPERM);
        assert_int_equal(unlink(inside), 0);
        assert_int_equal(symlink(elsewhere, inside), 0);
        assert_true(refused_open(&refused, directory) == -EPERM ||
                    remember(&refused, "/m", "token=a", "1234") == -EPERM);
        assert_int_equal(unlink(inside), 0);
        assert_int_equal(stat(elsewhere, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_int_equal(after.st_uid, before.st_uid);
    }
    memory_remove();
}

static void a_new_file_is_never_one_that_stands_there(void **state)
{
    static struct refused_pins refused;
    char elsewhere[300], inside[300];
    struct stat st;
    memory_remove();
    (void)file("pin", "precious", 0640);
    snprintf(elsewhere, sizeof elsewhere, "%s/pin", directory);
    snprintf(inside, sizeof inside, "%s/refused-pins.new", directory);
    assert_int_equal(link(elsewhere, inside), 0);
    assert_int_equal(refused_open(&refused, directory), 0);
    assert_int_equal(remember(&refused, "/m", "token=a", "1234"), 0);
    assert_int_equal(stat(elsewhere, &st), 0);
    assert_int_equal(st.st_size, strlen("precious"));
    memory_remove();
}

static void what_root_writes_belongs_to_the_directory_s_owner(void **state)
{
    static struct refused_pins refused;
    struct stat st;
    if (geteuid() != 0)
        skip();
    memory_remove();
    assert_int_equal(chown(directory, 12345, 12346), 0);
    assert_int_equal(refused_open(&refused, directory), 0);
    assert_int_equal(remember(&refused, "/m", "token=a", "1234"), 0);
    assert_int_equal(stat(refused.path, &st), 0);
    assert_int_equal(st.st_uid, 12345);
    assert_int_equal(st.st_gid, 12346);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chown(directory, 0, 0), 0);
    memory_remove();
}

static void a_lock_that_is_never_given_back_is_not_waited_for(void **state)
{
    static struct refused_pins refused;
    memory_remove();
    assert_int_equal(refused_open(&refused, directory), 0);
    assert_int_equal(remember(&refused, "/m", "token=a", "1234"), 0);
    snprintf(path, sizeof path, "%s/refused-pins.lock", directory);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    alarm(10);
    assert_int_equal(remember(&refused, "/m", "token=a", "5678"), -EWOULDBLOCK);
    alarm(0);
    close(fd);
    assert_true(remembers(&refused, "/m", "token=a", "5678"));
    memory_remove();
}

static int judged(struct pin_memory *memory, const char *module, const char *token, char why[512])
{
    struct refused_entry pin;
    return pin_memory_check(memory, sp_text(module), sp_text(token), sp_text("1234"), "file:/p", &pin, why,
                            512);
}

static void a_running_spawner_knows_what_the_tool_was_refused(void **state)
{
    static struct pin_memory spawner;
    static struct refused_pins tool;
    char why[512] = "";
    memory_remove();
    assert_int_equal(pin_memory_open(&spawner, directory, why, sizeof why), 0);
    assert_int_equal(judged(&spawner, "/m", "token=a", why), 0);
    assert_int_equal(refused_open(&tool, directory), 0);
    assert_int_equal(remember(&tool, "/m", "token=a;manufacturer=M;serial=1;model=X", "1234"), 0);
    assert_int_equal(judged(&spawner, "/m", "token=a", why), PIN_MEMORY_E_REFUSED);
    assert_non_null(strstr(why, "file:/p"));
    assert_null(strstr(why, "1234"));
    assert_int_equal(judged(&spawner, "/m", "serial=1", why), PIN_MEMORY_E_REFUSED);
    assert_int_equal(judged(&spawner, "/m", "serial=2", why), 0);
    assert_int_equal(judged(&spawner, "/other", "token=a", why), 0);
    memory_remove();
}

static struct refused_entry judge(struct pin_memory *memory, const char *token, bool good, bool signing)
{
    struct refused_entry pin;
    char why[512];
    assert_int_equal(pin_memory_check(memory, sp_text("/m"), sp_text(token), sp_text("1234"), "file:/p", &pin,
                                      why, sizeof why),
                     0);
    pin_memory_judge(memory, &pin, good, signing);
    return pin;
}

static void a_pin_in_doubt_is_sent_twice_and_no_more(void **state)
{
    static struct pin_memory spawner;
    char why[512] = "";
    for (unsigned signing = 0; signing < 2; signing++) {
        spawner = (struct pin_memory){.next = 0};
        assert_int_equal(pin_memory_open(&spawner, "", why, sizeof why), 0);
        (void)judge(&spawner, "token=a", false, signing != 0);
        (void)judge(&spawner, "token=a", true, signing == 0); /* the other thing is no success of this one */
        (void)judge(&spawner, "token=a", false, signing != 0);
        assert_int_equal(judged(&spawner, "/m", "token=a", why), PIN_MEMORY_E_REFUSED);
        assert_non_null(strstr(why, "restart the signer"));
        assert_null(strstr(why, "1234"));
        assert_int_equal(judged(&spawner, "/m", "token=b", why), 0);
        assert_int_equal(judged(&spawner, "/m", "", why), PIN_MEMORY_E_REFUSED); /* it may be that one */
        struct refused_entry pin;
        assert_int_equal(pin_memory_check(&spawner, sp_text("/m"), sp_text("token=a"), sp_text("5678"), "p",
                                          &pin, why, sizeof why),
                         0);
    }
}

static void a_success_takes_the_doubt_away(void **state)
{
    static struct pin_memory spawner;
    char why[512] = "";
    assert_int_equal(pin_memory_open(&spawner, "", why, sizeof why), 0);
    for (unsigned i = 0; i < 5; i++) {
        (void)judge(&spawner, "token=a", false, false);
        (void)judge(&spawner, "token=a", true, false);
    }
    (void)judge(&spawner, "token=a", false, false);
    (void)judge(&spawner, "token=a", false, false);
    assert_int_equal(judged(&spawner, "/m", "token=a", why), PIN_MEMORY_E_REFUSED);
}

static void doubts_are_bounded(void **state)
{
    static struct pin_memory spawner;
    char why[512] = "", token[32];
    assert_int_equal(pin_memory_open(&spawner, "", why, sizeof why), 0);
    for (unsigned i = 0; i < 3 * PIN_DOUBTS_MAX; i++) {
        snprintf(token, sizeof token, "token=%u", i);
        (void)judge(&spawner, token, true, false);
        (void)judge(&spawner, token, false, false);
        (void)judge(&spawner, token, false, false);
        assert_int_equal(judged(&spawner, "/m", token, why), PIN_MEMORY_E_REFUSED);
    }
    assert_int_equal(judged(&spawner, "/m", "token=0", why), 0); /* the oldest was forgotten */
}

static void no_pin_is_sent_without_its_memory(void **state)
{
    static struct pin_memory spawner;
    char why[512] = "";
    memory_remove();
    assert_int_equal(pin_memory_open(&spawner, directory, why, sizeof why), 0);
    (void)file("refused-pins", "damaged", 0600);
    assert_int_equal(judged(&spawner, "/m", "token=a", why), PIN_MEMORY_E_REFUSED);
    assert_non_null(strstr(why, "damaged"));
    assert_int_equal(pin_memory_open(&spawner, directory, why, sizeof why), PIN_MEMORY_E_REFUSED);
    memory_remove();
}

static void a_module_must_be_roots(void **state)
{
    char resolved[PATH_MAX], why[512];
    assert_int_equal(root_file_check("module", "/bin/sh", resolved, why, sizeof why), 0);
    assert_int_equal(root_file_check("module", "bin/sh", resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(root_file_check("module", "/nonexistent/x.so", resolved, why, sizeof why),
                     ROOT_FILE_E_REFUSED);
    assert_int_equal(root_file_check("module", "/tmp", resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    /* Open to others, or in a directory that others can write to. */
    assert_int_equal(root_file_check("module", file("pin", "x", 0666), resolved, why, sizeof why),
                     ROOT_FILE_E_REFUSED);
    (void)file("pin", "x", 0644);
    assert_int_equal(chmod(directory, 0777), 0);
    assert_int_equal(root_file_check("module", path, resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(chmod(directory, 01777), 0);
    assert_int_equal(root_file_check("module", path, resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(chmod(directory, 0700), 0);
}

static void a_link_is_judged_by_its_target(void **state)
{
    char resolved[PATH_MAX], why[512], name[300];
    (void)file("pin", "x", 0666);
    snprintf(name, sizeof name, "%s/link", directory);
    assert_int_equal(symlink(path, name), 0);
    assert_int_equal(root_file_check("module", name, resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(symlink("/bin/true", name), 0);
    assert_int_equal(root_file_check("module", name, resolved, why, sizeof why), 0);
    assert_null(strstr(resolved, directory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_is_the_file_without_its_newline),
        cmocka_unit_test(refuses_empty_and_long_pins),
        cmocka_unit_test(refuses_a_pin_that_others_can_read),
        cmocka_unit_test(a_credential_is_the_managers_affair),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(a_refused_pin_is_remembered),
        cmocka_unit_test(what_another_has_recorded_is_read_again_and_kept),
        cmocka_unit_test(a_file_that_is_taken_away_is_forgotten),
        cmocka_unit_test(what_could_not_be_written_is_remembered_all_the_same),
        cmocka_unit_test(a_token_is_the_same_by_all_its_names),
        cmocka_unit_test(the_memory_is_bounded),
        cmocka_unit_test(equal_pins_are_not_hashed_alike),
        cmocka_unit_test(refuses_a_damaged_memory),
        cmocka_unit_test(refuses_what_is_no_file_of_its_own),
        cmocka_unit_test(a_new_file_is_never_one_that_stands_there),
        cmocka_unit_test(what_root_writes_belongs_to_the_directory_s_owner),
        cmocka_unit_test(a_lock_that_is_never_given_back_is_not_waited_for),
        cmocka_unit_test(a_running_spawner_knows_what_the_tool_was_refused),
        cmocka_unit_test(a_pin_in_doubt_is_sent_twice_and_no_more),
        cmocka_unit_test(a_success_takes_the_doubt_away),
        cmocka_unit_test(doubts_are_bounded),
        cmocka_unit_test(no_pin_is_sent_without_its_memory),
        cmocka_unit_test(a_module_must_be_roots),
        cmocka_unit_test(a_link_is_judged_by_its_target),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
