/* Checking the chain of signatures: whatever is done to it is found, and a chain that is whole is not suspected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sallyport/registry.h>

#include "ctl/found.h"
#include "ctl/signature_chain.h"

#define RECORDS 20u

struct place {
    char directory[64], log[96], head[96];
    char lines[RECORDS][SIGNATURE_RECORD_MAX];
    uint8_t hashes[RECORDS][SIGNATURE_HASH_SIZE];
    struct chain_check check;
    json_t *found;
    bool is_whole;
};

/* Records 1 to RECORDS, of which the fifth had two before it that could not be recorded. */
static void records_make(struct place *p)
{
    for (unsigned i = 0; i < RECORDS; i++) {
        struct signature_record record = {
            .number = i + 1, .time_us = 1700000000000000u + i, .connection = i, .unrecorded = i == 4 ? 2 : 0};
        snprintf(record.purpose, sizeof record.purpose, "kex");
        snprintf(record.peer, sizeof record.peer, "192.0.2.%u", i);
        if (i)
            memcpy(record.previous, p->hashes[i - 1], SIGNATURE_HASH_SIZE);
        size_t size = signature_record_write(&record, p->lines[i]);
        assert_int_equal(signature_record_hash(digest_find(sp_text("sha256")), sp_span_of(p->lines[i], size),
                                               p->hashes[i]),
                         0);
    }
}

static int place_new(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->directory, sizeof p->directory, "/tmp/sallyport-verify-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    snprintf(p->log, sizeof p->log, "%s/" SIGNATURE_LOG_NAME, p->directory);
    snprintf(p->head, sizeof p->head, "%s/" SIGNATURE_HEAD_NAME, p->directory);
    records_make(p);
    *state = p;
    return 0;
}

static int place_end(void **state)
{
    struct place *p = *state;
    DIR *listing = opendir(p->directory);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        (void)unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    rmdir(p->directory);
    json_decref(p->found);
    free(p);
    return 0;
}

static void write_lines(struct place *p, const char *path, const unsigned *numbers, size_t count)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s\n", p->lines[numbers[i] - 1]);
    fclose(file);
}

static void write_range(struct place *p, const char *path, unsigned first, unsigned last)
{
    unsigned numbers[RECORDS];
    for (unsigned n = first; n <= last; n++)
        numbers[n - first] = n;
    write_lines(p, path, numbers, last + 1 - first);
}

static void write_head(struct place *p, unsigned number)
{
    struct signature_head head = {.number = number};
    char text[SIGNATURE_HEAD_MAX];
    memcpy(head.hash, p->hashes[number - 1], SIGNATURE_HASH_SIZE);
    FILE *file = fopen(p->head, "we");
    assert_non_null(file);
    fwrite(text, 1, signature_head_write(&head, text), file);
    fclose(file);
}

static void begin(struct place *p)
{
    json_decref(p->found);
    p->found = json_object();
    assert_int_equal(chain_check_begin(&p->check, p->found), 0);
}

static void verify(struct place *p)
{
    begin(p);
    chain_check_head(&p->check, p->head);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    p->is_whole = chain_check_end(&p->check);
}

static void finds(struct place *p, const char *const *kinds, size_t count)
{
    const json_t *findings = json_object_get(p->found, "findings");
    assert_int_equal(p->is_whole, count == 0);
    assert_int_equal(found_is(p->found, "whole"), count == 0);
    assert_int_equal(json_array_size(findings), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(found_get(json_array_get(findings, i), "kind"), kinds[i]);
}

#define FINDS(p_, ...)                                                                                       \
    do {                                                                                                     \
        const char *kinds_[] = {__VA_ARGS__};                                                                \
        finds((p_), kinds_, ARRAY_SIZE(kinds_));                                                             \
    } while (0)

static void a_whole_chain_is_whole(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 1, RECORDS);
    write_head(p, RECORDS);
    verify(p);
    finds(p, NULL, 0);
    assert_int_equal(found_number(p->found, "records"), RECORDS);
    assert_int_equal(found_number(p->found, "first"), 1);
    assert_int_equal(found_number(p->found, "last"), RECORDS);
    assert_int_equal(found_number(p->found, "unrecorded"), 2);
}

/* The head is written once in a second. */
static void records_behind_the_head_are_no_fault(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 1, RECORDS);
    write_head(p, RECORDS - 5);
    verify(p);
    finds(p, NULL, 0);
}

static void an_altered_record_is_found_wherever_it_is(void **state)
{
    struct place *p = *state;
    for (unsigned n = 1; n <= RECORDS; n++) {
        char *at = strstr(p->lines[n - 1], "kex");
        write_head(p, RECORDS);
        memcpy(at, "kek", 3);
        write_range(p, p->log, 1, RECORDS);
        memcpy(at, "kex", 3);
        verify(p);
        FINDS(p, n == RECORDS ? "head_wrong" : "altered");
    }
}

static void a_removed_record_is_found(void **state)
{
    struct place *p = *state;
    const unsigned left[] = {1, 2, 3, 6, 7};
    write_lines(p, p->log, left, ARRAY_SIZE(left));
    write_head(p, 7);
    verify(p);
    FINDS(p, "gap");
    const json_t *row = json_array_get(json_object_get(p->found, "findings"), 0);
    assert_non_null(strstr(found_get(row, "text"), "4 to 5"));
    assert_int_equal(found_number(row, "line"), 4);
}

static void an_exchanged_order_is_found(void **state)
{
    struct place *p = *state;
    const unsigned order[] = {1, 3, 2, 4};
    write_lines(p, p->log, order, ARRAY_SIZE(order));
    write_head(p, 4);
    verify(p);
    FINDS(p, "gap", "order", "gap");
}

static void a_repeated_record_is_found(void **state)
{
    struct place *p = *state;
    const unsigned order[] = {1, 2, 2, 3};
    write_lines(p, p->log, order, ARRAY_SIZE(order));
    write_head(p, 3);
    verify(p);
    FINDS(p, "order");
}

static void a_cut_end_is_found(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 1, RECORDS - 3);
    write_head(p, RECORDS);
    verify(p);
    FINDS(p, "cut");
}

/* The whole of it replaced by another chain, which is right in itself. */
static void another_chain_is_found_by_the_head(void **state)
{
    struct place *p = *state;
    write_head(p, RECORDS);
    memset(p->hashes, 0, sizeof p->hashes);
    for (unsigned i = 0; i < RECORDS; i++) {
        struct signature_record record;
        assert_true(signature_record_read(sp_text(p->lines[i]), &record));
        record.connection += 1;
        if (i)
            memcpy(record.previous, p->hashes[i - 1], SIGNATURE_HASH_SIZE);
        size_t size = signature_record_write(&record, p->lines[i]);
        assert_int_equal(signature_record_hash(digest_find(sp_text("sha256")), sp_span_of(p->lines[i], size),
                                               p->hashes[i]),
                         0);
    }
    write_range(p, p->log, 1, RECORDS);
    verify(p);
    FINDS(p, "head_wrong");
}

static void a_missing_head_is_found(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 1, RECORDS);
    verify(p);
    FINDS(p, "head_missing");
}

static void a_damaged_head_is_found(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 1, RECORDS);
    FILE *file = fopen(p->head, "we");
    fputs("sallyport-signatures 1\n20 abc\n", file);
    fclose(file);
    verify(p);
    FINDS(p, "head_damaged");
}

static void a_head_before_all_records_is_found(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 5, RECORDS);
    write_head(p, 2);
    verify(p);
    FINDS(p, "head_wrong");
}

static void a_first_record_with_a_predecessor_is_found(void **state)
{
    struct place *p = *state;
    struct signature_record record;
    assert_true(signature_record_read(sp_text(p->lines[0]), &record));
    record.previous[3] = 1;
    (void)signature_record_write(&record, p->lines[0]);
    write_range(p, p->log, 1, 1);
    begin(p);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    p->is_whole = chain_check_end(&p->check);
    FINDS(p, "altered");
}

static void what_is_no_record_is_found_once(void **state)
{
    struct place *p = *state;
    strcpy(p->lines[6], "{\"n\":7}");
    write_range(p, p->log, 1, RECORDS);
    write_head(p, RECORDS);
    verify(p);
    FINDS(p, "not_a_record");
}

static void a_line_without_end_is_found(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 1, 3);
    FILE *file = fopen(p->log, "ae");
    fputs("{\"n\":4", file);
    fclose(file);
    write_head(p, 3);
    verify(p);
    FINDS(p, "incomplete");
}

static void a_line_without_bounds_is_one_finding(void **state)
{
    struct place *p = *state;
    FILE *file = fopen(p->log, "we");
    for (size_t i = 0; i < 100000; i++)
        fputs("xxxxxxxxxx", file);
    fputs("\n", file);
    fclose(file);
    begin(p);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    p->is_whole = chain_check_end(&p->check);
    FINDS(p, "not_a_record");
}

static void findings_are_bounded_and_counted(void **state)
{
    struct place *p = *state;
    FILE *file = fopen(p->log, "we");
    for (size_t i = 0; i < 3 * CHAIN_FINDINGS_MAX; i++)
        fputs("x\n", file);
    fclose(file);
    begin(p);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    assert_false(chain_check_end(&p->check));
    assert_int_equal(json_array_size(json_object_get(p->found, "findings")), CHAIN_FINDINGS_MAX);
    assert_int_equal(found_number(p->found, "finding_count"), 3 * CHAIN_FINDINGS_MAX);
}

static void the_chain_goes_on_across_files(void **state)
{
    struct place *p = *state;
    char full[128];
    snprintf(full, sizeof full, "%s.00000000000000000008", p->log);
    write_range(p, full, 1, 8);
    write_range(p, p->log, 9, RECORDS);
    write_head(p, RECORDS);
    begin(p);
    chain_check_head(&p->check, p->head);
    assert_int_equal(chain_check_file(&p->check, full), 0);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    p->is_whole = chain_check_end(&p->check);
    finds(p, NULL, 0);
    assert_int_equal(json_array_size(json_object_get(p->found, "files")), 2);
    const json_t *second = json_array_get(json_object_get(p->found, "files"), 1);
    assert_int_equal(found_number(second, "first"), 9);
    assert_int_equal(found_number(second, "records"), RECORDS - 8);
}

static void a_missing_file_is_a_gap(void **state)
{
    struct place *p = *state;
    char full[128];
    snprintf(full, sizeof full, "%s.00000000000000000004", p->log);
    write_range(p, full, 1, 4);
    write_range(p, p->log, 9, RECORDS);
    write_head(p, RECORDS);
    begin(p);
    chain_check_head(&p->check, p->head);
    assert_int_equal(chain_check_file(&p->check, full), 0);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    p->is_whole = chain_check_end(&p->check);
    FINDS(p, "gap");
}

/* Files that were moved away are no fault, and are said. */
static void a_chain_may_begin_later(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 9, RECORDS);
    write_head(p, RECORDS);
    verify(p);
    finds(p, NULL, 0);
    assert_int_equal(found_number(p->found, "first"), 9);
}

/* ... but in a directory where nobody but the signer removes files, and only the oldest of many. */
static void a_beginning_that_should_be_there_is_a_gap(void **state)
{
    struct place *p = *state;
    write_range(p, p->log, 9, RECORDS);
    write_head(p, RECORDS);
    begin(p);
    p->check.is_from_the_beginning = true;
    chain_check_head(&p->check, p->head);
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    p->is_whole = chain_check_end(&p->check);
    FINDS(p, "gap");
}

static void looks_for_a_hash(void **state)
{
    struct place *p = *state;
    uint8_t other[SIGNATURE_HASH_SIZE] = {1};
    write_range(p, p->log, 1, RECORDS - 1);
    begin(p);
    p->check.wanted = p->hashes[RECORDS - 2];
    assert_int_equal(chain_check_file(&p->check, p->log), 0);
    assert_true(chain_check_end(&p->check));
    assert_true(found_is(p->found, "has"));
    const uint8_t *const absent[] = {p->hashes[RECORDS - 1], other};
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
        begin(p);
        p->check.wanted = absent[i];
        assert_int_equal(chain_check_file(&p->check, p->log), 0);
        assert_false(chain_check_end(&p->check));
    }
}

/* The directory is another user's: nothing there must make an administrator's tool wait. */
static void what_is_no_file_is_refused(void **state)
{
    struct place *p = *state;
    assert_int_equal(mkfifo(p->log, 0600), 0);
    begin(p);
    assert_int_equal(chain_check_file(&p->check, p->log), -EINVAL);
    assert_int_equal(chain_check_file(&p->check, p->directory), -EISDIR);
    assert_int_equal(chain_check_file(&p->check, p->head), -ENOENT);
}

int main(void)
{
#define CHAIN_TEST(name_) cmocka_unit_test_setup_teardown(name_, place_new, place_end)
    const struct CMUnitTest tests[] = {
        CHAIN_TEST(a_whole_chain_is_whole),
        CHAIN_TEST(records_behind_the_head_are_no_fault),
        CHAIN_TEST(an_altered_record_is_found_wherever_it_is),
        CHAIN_TEST(a_removed_record_is_found),
        CHAIN_TEST(an_exchanged_order_is_found),
        CHAIN_TEST(a_repeated_record_is_found),
        CHAIN_TEST(a_cut_end_is_found),
        CHAIN_TEST(another_chain_is_found_by_the_head),
        CHAIN_TEST(a_missing_head_is_found),
        CHAIN_TEST(a_damaged_head_is_found),
        CHAIN_TEST(a_head_before_all_records_is_found),
        CHAIN_TEST(a_first_record_with_a_predecessor_is_found),
        CHAIN_TEST(what_is_no_record_is_found_once),
        CHAIN_TEST(a_line_without_end_is_found),
        CHAIN_TEST(a_line_without_bounds_is_one_finding),
        CHAIN_TEST(findings_are_bounded_and_counted),
        CHAIN_TEST(the_chain_goes_on_across_files),
        CHAIN_TEST(a_missing_file_is_a_gap),
        CHAIN_TEST(a_chain_may_begin_later),
        CHAIN_TEST(a_beginning_that_should_be_there_is_a_gap),
        CHAIN_TEST(looks_for_a_hash),
        CHAIN_TEST(what_is_no_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
