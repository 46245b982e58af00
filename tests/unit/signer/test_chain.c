/* The files of the chain: what is written, what a restart makes of it, and what becomes of damage. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sallyport/registry.h>

#include "base/fd.h"
#include "signer/chain.h"

#define LIMIT (1024u * 1024u)

struct place {
    char directory[64];
    char log[96], head[96];
    struct chain chain;
    char why[1024];
};

static int place_new(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->directory, sizeof p->directory, "/tmp/sallyport-chain-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    snprintf(p->log, sizeof p->log, "%s/" SIGNATURE_LOG_NAME, p->directory);
    snprintf(p->head, sizeof p->head, "%s/" SIGNATURE_HEAD_NAME, p->directory);
    chain_init(&p->chain, p->directory);
    *state = p;
    return 0;
}

static int place_end(void **state)
{
    struct place *p = *state;
    DIR *listing = opendir(p->directory);
    chain_close(&p->chain);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        (void)unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    rmdir(p->directory);
    free(p);
    return 0;
}

static enum chain_result add_within(struct place *p, uint64_t limit)
{
    char line[SIGNATURE_RECORD_MAX];
    struct signature_record record = {.time_us = 1700000000000000, .connection = 3};
    snprintf(record.key, sizeof record.key, "SHA256:key");
    snprintf(record.algorithm, sizeof record.algorithm, "ssh-ed25519");
    snprintf(record.purpose, sizeof record.purpose, "kex");
    snprintf(record.peer, sizeof record.peer, "192.0.2.1");
    return chain_append(&p->chain, &record, limit, line, p->why, sizeof p->why);
}

static void add(struct place *p, unsigned count)
{
    for (; count != 0; count--)
        assert_int_equal(add_within(p, LIMIT), CHAIN_OK);
}

static void restart(struct place *p)
{
    chain_close(&p->chain);
    chain_init(&p->chain, p->directory);
}

static char *content(const char *path)
{
    uint8_t *data;
    size_t size;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fd_read_all(fd, 16 * LIMIT, &data, &size), 0);
    close(fd);
    return (char *)data;
}

static void replace(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, sp_text(text)), 0);
    close(fd);
}

/* Checks records from `from` on, the first of which follows `hash`; which is then the last one's. Their count. */
static unsigned links(const char *path, uint64_t from, uint8_t hash[SIGNATURE_HASH_SIZE])
{
    char *text = content(path), *end;
    unsigned count = 0;
    for (char *at = text; (end = strchr(at, '\n')); at = end + 1, count++) {
        struct signature_record record;
        struct sp_span line = sp_span_of(at, (size_t)(end - at));
        assert_true(signature_record_read(line, &record));
        assert_int_equal(record.number, from + count);
        assert_memory_equal(record.previous, hash, SIGNATURE_HASH_SIZE);
        assert_int_equal(signature_record_hash(digest_find(sp_text("sha256")), line, hash), 0);
    }
    free(text);
    return count;
}

static struct signature_head head_of(const struct place *p)
{
    struct signature_head head;
    char *text = content(p->head);
    assert_true(signature_head_read(sp_text(text), &head));
    free(text);
    return head;
}

static unsigned full_files(const struct place *p, char name[128])
{
    unsigned count = 0;
    DIR *listing = opendir(p->directory);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (strncmp(entry->d_name, SIGNATURE_LOG_NAME ".", sizeof SIGNATURE_LOG_NAME) == 0) {
            snprintf(name, 128, "%s/%.60s", p->directory, entry->d_name);
            count++;
        }
    closedir(listing);
    return count;
}

static void every_record_holds_the_hash_of_the_one_before(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    add(p, 5);
    assert_int_equal(links(p->log, 1, hash), 5);
    assert_memory_equal(hash, p->chain.head.hash, sizeof hash);
}

static void the_head_is_the_last_record(void **state)
{
    struct place *p = *state;
    add(p, 4);
    assert_int_equal(chain_sync(&p->chain), 0);
    struct signature_head head = head_of(p);
    assert_int_equal(head.number, 4);
    assert_memory_equal(head.hash, p->chain.head.hash, SIGNATURE_HASH_SIZE);
}

/* Else a signer that is killed in its first second would look like one whose head was taken away. */
static void a_new_chain_has_a_head_at_once(void **state)
{
    struct place *p = *state;
    add(p, 1);
    assert_int_equal(head_of(p).number, 1);
}

static void others_cannot_read_it(void **state)
{
    struct place *p = *state;
    struct stat st;
    add(p, 1);
    assert_int_equal(chain_sync(&p->chain), 0);
    assert_int_equal(stat(p->log, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_restart_goes_on(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    add(p, 3);
    restart(p);
    add(p, 3);
    assert_int_equal(links(p->log, 1, hash), 6);
}

/* The head is written once in a second, and may be older than the file when a signer is killed. */
static void records_behind_the_head_count(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    add(p, 2);
    assert_int_equal(chain_sync(&p->chain), 0);
    char *head = content(p->head);
    add(p, 3);
    restart(p);
    replace(p->head, head);
    free(head);
    add(p, 1);
    assert_int_equal(links(p->log, 1, hash), 6);
}

static void half_a_line_at_the_end_is_cut_off(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    add(p, 3);
    restart(p);
    FILE *file = fopen(p->log, "ae");
    fputs("{\"n\":4,\"time\":\"20", file);
    fclose(file);
    add(p, 1);
    assert_int_equal(links(p->log, 1, hash), 4);
}

static void only_one_writes_at_a_time(void **state)
{
    struct place *p = *state;
    struct place other = *p;
    chain_init(&other.chain, p->directory);
    add(p, 1);
    assert_int_equal(add_within(&other, LIMIT), CHAIN_LOST);
    assert_non_null(strstr(other.why, "another signer"));
    chain_close(&p->chain);
    assert_int_equal(add_within(&other, LIMIT), CHAIN_OK);
    chain_close(&other.chain);
}

static void a_full_file_gets_a_successor(void **state)
{
    struct place *p = *state;
    char name[128];
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    while (full_files(p, name) == 0)
        assert_int_equal(add_within(p, 4096), CHAIN_OK);
    unsigned first = links(name, 1, hash);
    assert_in_range(first, 5, 4096 / 200);
    assert_int_equal(links(p->log, first + 1, hash), 1);
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    assert_in_range(st.st_size, 1, 4096);
    restart(p);
    add(p, 1);
    assert_int_equal(p->chain.head.number, first + 2);
}

/* Its last record may have been the last before a restart. */
static void goes_on_behind_a_full_file_alone(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    char name[128];
    add(p, 3);
    restart(p);
    snprintf(name, sizeof name, "%s.%020u", p->log, 3u);
    assert_int_equal(rename(p->log, name), 0);
    add(p, 2);
    assert_int_equal(links(name, 1, hash), 3);
    assert_int_equal(links(p->log, 4, hash), 2);
}

static void no_more_full_files_than_allowed(void **state)
{
    struct place *p = *state;
    char name[128];
    bool was_said = false;
    for (unsigned i = 0; i < 40 * 4096 / 200; i++) {
        enum chain_result result = add_within(p, 4096);
        assert_true(result == CHAIN_OK || result == CHAIN_NOTE);
        was_said = was_said || (result == CHAIN_NOTE && strstr(p->why, "was removed"));
        assert_in_range(full_files(p, name), 0, SIGNATURE_FILES_MAX);
    }
    assert_int_equal(full_files(p, name), SIGNATURE_FILES_MAX);
    assert_true(was_said);
}

/* What was found damaged is put aside as it is, and the chain goes on behind the head. */
static void goes_on_behind_the_head(struct place *p, const char *damaged, const char *said)
{
    char name[128];
    struct signature_head head = head_of(p);
    assert_int_equal(add_within(p, LIMIT), CHAIN_BROKEN);
    assert_non_null(strstr(p->why, said));
    assert_int_equal(full_files(p, name), 1);
    char *kept = content(name);
    assert_string_equal(kept, damaged);
    free(kept);
    assert_int_equal(links(p->log, head.number + 1, head.hash), 1);
    add(p, 1);
}

static char *written_then_stopped(struct place *p)
{
    add(p, 5);
    restart(p);
    return content(p->log);
}

static void an_altered_record_is_noticed(void **state)
{
    struct place *p = *state;
    char *text = written_then_stopped(p);
    *strstr(text, "192.0.2.1") = '2';
    replace(p->log, text);
    goes_on_behind_the_head(p, text, "altered");
    free(text);
}

static void an_altered_last_record_is_noticed(void **state)
{
    struct place *p = *state;
    char *text = written_then_stopped(p), *last = NULL;
    for (char *at = text; (at = strstr(at, "192.0.2.1")); at++)
        last = at;
    *last = '2';
    replace(p->log, text);
    goes_on_behind_the_head(p, text, "not those that the head");
    free(text);
}

static void a_removed_record_is_noticed(void **state)
{
    struct place *p = *state;
    char *text = written_then_stopped(p), *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    replace(p->log, text);
    goes_on_behind_the_head(p, text, "removed");
    free(text);
}

static void a_cut_end_is_noticed(void **state)
{
    struct place *p = *state;
    char *text = written_then_stopped(p);
    text[strlen(text) - 1] = 0;
    *(strrchr(text, '\n') + 1) = 0;
    replace(p->log, text);
    goes_on_behind_the_head(p, text, "cut off");
    free(text);
}

static void a_missing_head_is_noticed(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    free(written_then_stopped(p));
    assert_int_equal(unlink(p->head), 0);
    assert_int_equal(add_within(p, LIMIT), CHAIN_BROKEN);
    assert_non_null(strstr(p->why, "head is missing"));
    assert_int_equal(links(p->log, 1, hash), 6);
}

/* Nothing that is there is written over then: that is for the administrator to look at. */
static void a_damaged_head_stops_it(void **state)
{
    struct place *p = *state;
    char *text = written_then_stopped(p);
    replace(p->head, "nonsense\n");
    assert_int_equal(add_within(p, LIMIT), CHAIN_LOST);
    assert_non_null(strstr(p->why, SIGNATURE_HEAD_NAME));
    char *after = content(p->log);
    assert_string_equal(after, text);
    free(after);
    free(text);
}

static void a_full_file_is_never_written_over(void **state)
{
    struct place *p = *state;
    char name[128];
    snprintf(name, sizeof name, "%s.%020u", p->log, 5u);
    FILE *file = fopen(name, "we");
    fputs("kept\n", file);
    fclose(file);
    add(p, 5);
    assert_int_equal(add_within(p, 1), CHAIN_OK);
    char *kept = content(name);
    assert_string_equal(kept, "kept\n");
    free(kept);
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    strcat(name, ".001");
    assert_int_equal(links(name, 1, hash), 5);
    assert_int_equal(links(p->log, 6, hash), 1);
}

/* Damage right behind a full file wants the same name as that file, and so does the next one. */
static void damage_behind_a_full_file_is_put_aside_beside_it(void **state)
{
    struct place *p = *state;
    char name[128];
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    add(p, 5);
    chain_close(&p->chain);
    snprintf(name, sizeof name, "%s.%020u", p->log, 5u);
    assert_int_equal(rename(p->log, name), 0);
    for (unsigned i = 1; i <= 3; i++) {
        chain_init(&p->chain, p->directory);
        FILE *file = fopen(p->log, "we");
        fprintf(file, "damage %u\n", i);
        fclose(file);
        assert_int_equal(add_within(p, LIMIT), CHAIN_BROKEN);
        chain_close(&p->chain);
        assert_int_equal(links(name, 1, (uint8_t[SIGNATURE_HASH_SIZE]){0}), 5);
        char aside[160], expected[32];
        snprintf(aside, sizeof aside, "%s.%03u", name, i);
        snprintf(expected, sizeof expected, "damage %u\n", i);
        char *text = content(aside);
        assert_string_equal(text, expected);
        free(text);
        if (i < 3) { /* the head is record 5 again */
            assert_int_equal(unlink(p->log), 0);
            struct signature_head head = {.number = 5};
            char line[SIGNATURE_HEAD_MAX];
            memset(hash, 0, sizeof hash);
            assert_int_equal(links(name, 1, hash), 5);
            memcpy(head.hash, hash, sizeof hash);
            (void)signature_head_write(&head, line);
            replace(p->head, line);
        }
    }
}

static void an_emptied_or_removed_file_is_noticed(void **state)
{
    struct place *p = *state;
    for (unsigned i = 0; i < 3; i++) {
        add(p, 5);
        restart(p);
        struct signature_head head = head_of(p);
        if (i == 0)
            assert_int_equal(unlink(p->log), 0);
        else
            replace(p->log, i == 1 ? "" : "half a line");
        assert_int_equal(add_within(p, LIMIT), CHAIN_BROKEN);
        assert_non_null(strstr(p->why, "emptied or removed"));
        assert_int_equal(links(p->log, head.number + 1, head.hash), 1);
        restart(p);
        add(p, 1);
    }
}

/* A full file of the right name is not enough. */
static void the_file_before_an_empty_one_ends_with_the_head(void **state)
{
    struct place *p = *state;
    char name[128];
    char *text = written_then_stopped(p);
    snprintf(name, sizeof name, "%s.%020u", p->log, 5u);
    assert_int_equal(rename(p->log, name), 0);
    *(strrchr(text, 'h') - 4) ^= 1;
    replace(name, text);
    free(text);
    assert_int_equal(add_within(p, LIMIT), CHAIN_BROKEN);
    assert_non_null(strstr(p->why, "emptied or removed"));
}

static void without_a_directory_nothing_is_recorded(void **state)
{
    struct place *p = *state;
    struct place other = {.log = ""};
    chain_init(&other.chain, "/nonexistent/sallyport");
    assert_int_equal(add_within(&other, LIMIT), CHAIN_LOST);
    assert_non_null(strstr(other.why, "No such file"));
    chain_init(&other.chain, p->directory);
    assert_int_equal(add_within(&other, LIMIT), CHAIN_OK);
    chain_close(&other.chain);
}

/* A disk that is full: what fits not is taken back whole, counted, and the chain is as it was. */
static void what_is_lost_is_counted_in_the_next_record(void **state)
{
    struct place *p = *state;
    uint8_t hash[SIGNATURE_HASH_SIZE] = {0};
    add(p, 2);
    int writable = p->chain.fd, full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(chain_sync(&p->chain), 0);
    p->chain.fd = fcntl(full, F_DUPFD_CLOEXEC, 0);
    close(full);
    assert_int_equal(add_within(p, LIMIT), CHAIN_LOST);
    assert_non_null(strstr(p->why, "No space left"));
    close(writable); /* the chain has let go of the other, which cannot be cut back */
    add(p, 2);
    assert_int_equal(links(p->log, 1, hash), 4);
    char *text = content(p->log);
    assert_non_null(strstr(text, "\"n\":3,"));
    assert_non_null(strstr(strstr(text, "\"n\":3,"), "\"unrecorded\":1"));
    free(text);
}

int main(void)
{
#define CHAIN_TEST(name_) cmocka_unit_test_setup_teardown(name_, place_new, place_end)
    const struct CMUnitTest tests[] = {
        CHAIN_TEST(every_record_holds_the_hash_of_the_one_before),
        CHAIN_TEST(the_head_is_the_last_record),
        CHAIN_TEST(a_new_chain_has_a_head_at_once),
        CHAIN_TEST(others_cannot_read_it),
        CHAIN_TEST(a_restart_goes_on),
        CHAIN_TEST(records_behind_the_head_count),
        CHAIN_TEST(half_a_line_at_the_end_is_cut_off),
        CHAIN_TEST(only_one_writes_at_a_time),
        CHAIN_TEST(a_full_file_gets_a_successor),
        CHAIN_TEST(goes_on_behind_a_full_file_alone),
        CHAIN_TEST(no_more_full_files_than_allowed),
        CHAIN_TEST(an_altered_record_is_noticed),
        CHAIN_TEST(an_altered_last_record_is_noticed),
        CHAIN_TEST(a_removed_record_is_noticed),
        CHAIN_TEST(a_cut_end_is_noticed),
        CHAIN_TEST(a_missing_head_is_noticed),
        CHAIN_TEST(a_damaged_head_stops_it),
        CHAIN_TEST(a_full_file_is_never_written_over),
        CHAIN_TEST(damage_behind_a_full_file_is_put_aside_beside_it),
        CHAIN_TEST(an_emptied_or_removed_file_is_noticed),
        CHAIN_TEST(the_file_before_an_empty_one_ends_with_the_head),
        CHAIN_TEST(without_a_directory_nothing_is_recorded),
        CHAIN_TEST(what_is_lost_is_counted_in_the_next_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
