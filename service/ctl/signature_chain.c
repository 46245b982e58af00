/* The chain of signatures, checked. Input: files that anybody may have changed. Output: what is wrong with them, as JSON. */
#include "ctl/signature_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sallyport/registry.h>

#include "base/fd.h"
#include "ctl/found.h"

/* Where a line stands. */
struct place {
    const char *file;
    uint64_t line;
};

int chain_check_begin(struct chain_check *check, json_t *found)
{
    *check = (struct chain_check){.sha256 = digest_find(sp_text("sha256")), .found = found};
    if (!check->sha256 || !found_make_array(found, "files") || !found_make_array(found, "findings"))
        return -ENOMEM;
    return 0;
}

static void tell(struct chain_check *check, const char *kind, const struct place *place, uint64_t number,
                 const char *format, ...) PRINTF_LIKE(5, 6);
static void tell(struct chain_check *check, const char *kind, const struct place *place, uint64_t number,
                 const char *format, ...)
{
    char text[512];
    va_list args;
    if (check->finding_count++ >= CHAIN_FINDINGS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *row = found_add_object(json_object_get(check->found, "findings"));
    found_set_string(row, "kind", kind);
    found_set_string(row, "file", place->file);
    if (place->line)
        found_set_number(row, "line", (int64_t)place->line);
    if (number)
        found_set_number(row, "number", (int64_t)number);
    found_set_string(row, "text", text);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* The directory is the signer's: what stands there under the name of a file must be one. */
static FILE *file_open(const char *path)
{
    struct stat st;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return NULL;
    }
    return fdopen(TAKE_FD(fd), "r");
}

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
}

void chain_check_head(struct chain_check *check, const char *path)
{
    const struct place place = {.file = path};
    uint8_t text[SIGNATURE_HEAD_MAX];
    CLEANUP(file_close) FILE *file = file_open(path);
    size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    found_set_string(check->found, "head", path);
    if (!file)
        tell(check, "head_missing", &place, 0, "the head cannot be read: %s", strerror(errno));
    else if (!signature_head_read(sp_span_of(text, size), &check->head))
        tell(check, "head_damaged", &place, 0, "this is no head of a chain");
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t hash[SIGNATURE_HASH_SIZE])
{
    static const uint8_t zero[SIGNATURE_HASH_SIZE];
    return memcmp(hash, zero, sizeof zero) == 0;
}

/* How a record stands to the one before. */
static void link_check(struct chain_check *check, const struct place *place,
                       const struct signature_record *record)
{
    uint64_t before = check->last.number;
    if (before == 0) {
        if (record->number == 1 && !is_zero(record->previous))
            tell(check, "altered", place, 1, "the first record says that there was one before");
    } else if (record->number <= before) {
        tell(check, "order", place, record->number, "record %" PRIu64 " stands behind record %" PRIu64,
             record->number, before);
    } else if (record->number > before + 1) {
        tell(check, "gap", place, record->number, "records %" PRIu64 " to %" PRIu64 " are missing",
             before + 1, record->number - 1);
    } else if (!check->is_blind && memcmp(record->previous, check->last.hash, SIGNATURE_HASH_SIZE) != 0) {
        tell(check, "altered", place, record->number,
             "record %" PRIu64 " does not hold the hash of the one before: record %" PRIu64
             " was altered, or this one",
             record->number, before);
    }
}

static int record_check(struct chain_check *check, const struct place *place, struct sp_span line)
{
    struct signature_record record;
    uint8_t hash[SIGNATURE_HASH_SIZE];
    if (!signature_record_read(line, &record)) {
        tell(check, "not_a_record", place, 0, "this is no record of the chain");
        if (check->last.number != 0 && !check->is_blind)
            check->last.number++; /* it stands where one stood */
        check->is_blind = true;
        return 0;
    }
    link_check(check, place, &record);
    int r = signature_record_hash(check->sha256, line, hash);
    if (r)
        return r;
    check->is_blind = false;
    check->records++;
    check->unrecorded += record.unrecorded;
    if (check->first == 0)
        check->first = record.number;
    check->last.number = record.number;
    memcpy(check->last.hash, hash, sizeof hash);
    if (record.number == check->head.number) {
        check->has_head = true;
        check->head_is_right = memcmp(hash, check->head.hash, sizeof hash) == 0;
    }
    check->has_wanted = check->has_wanted || (check->wanted && memcmp(hash, check->wanted, sizeof hash) == 0);
    return 0;
}

/* One line, which may be too long to be a record: then its end alone is looked for. False: there are no more. */
static bool line_read(FILE *file, char line[SIGNATURE_RECORD_MAX], size_t *size, bool *is_whole)
{
    int c;
    size_t all = 0;
    while ((c = getc(file)) != EOF && c != '\n')
        if (all++ < SIGNATURE_RECORD_MAX)
            line[all - 1] = (char)c;
    *size = all < SIGNATURE_RECORD_MAX ? all : SIGNATURE_RECORD_MAX;
    *is_whole = c == '\n';
    return all != 0 || c == '\n';
}

static int lines_check(struct chain_check *check, FILE *file, const char *path)
{
    char line[SIGNATURE_RECORD_MAX];
    struct place place = {.file = path};
    size_t size;
    bool is_whole;
    while (line_read(file, line, &size, &is_whole)) {
        place.line++;
        if (!is_whole) {
            tell(check, "incomplete", &place, 0, "the last line has no end");
            break;
        }
        int r = record_check(check, &place, sp_span_of(line, size));
        if (r)
            return r;
    }
    return ferror(file) ? -EIO : 0;
}

int chain_check_file(struct chain_check *check, const char *path)
{
    CLEANUP(file_close) FILE *file = file_open(path);
    uint64_t records = check->records, before = check->last.number;
    if (!file)
        return -errno;
    int r = lines_check(check, file, path);
    json_t *row = found_add_object(json_object_get(check->found, "files"));
    found_set_string(row, "file", path);
    found_set_number(row, "records", (int64_t)(check->records - records));
    if (check->records != records) {
        found_set_number(row, "first", (int64_t)(before ? before + 1 : check->first));
        found_set_number(row, "last", (int64_t)check->last.number);
    }
    return r;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void head_judge(struct chain_check *check)
{
    const struct place place = {.file = found_get(check->found, "head")};
    const struct signature_head *head = &check->head;
    if (head->number == 0)
        return;
    if (head->number > check->last.number)
        tell(check, "cut", &place, head->number,
             "the chain had come to record %" PRIu64 ": records %" PRIu64 " to %" PRIu64
             " are missing at the end",
             head->number, check->last.number + 1, head->number);
    else if (check->has_head && !check->head_is_right)
        tell(check, "head_wrong", &place, head->number,
             "record %" PRIu64 " is not the one that was written: all up to it may have been replaced",
             head->number);
    else if (!check->has_head)
        tell(check, "head_wrong", &place, head->number,
             "the head is record %" PRIu64 ", which is not in these files", head->number);
}

static void beginning_judge(struct chain_check *check)
{
    const struct place place = {.file = SIGNATURE_LOG_NAME};
    if (check->is_from_the_beginning && check->first > 1)
        tell(check, "gap", &place, check->first,
             "records 1 to %" PRIu64
             " are missing at the beginning, and fewer full files are here than are kept",
             check->first - 1);
}

bool chain_check_end(struct chain_check *check)
{
    char hash[SIGNATURE_HASH_TEXT];
    beginning_judge(check);
    head_judge(check);
    found_set_number(check->found, "records", (int64_t)check->records);
    found_set_number(check->found, "unrecorded", (int64_t)check->unrecorded);
    if (check->records) {
        signature_hash_text(check->last.hash, hash);
        found_set_number(check->found, "first", (int64_t)check->first);
        found_set_number(check->found, "last", (int64_t)check->last.number);
        found_set_string(check->found, "hash", hash);
    }
    if (check->head.number)
        found_set_number(check->found, "head_number", (int64_t)check->head.number);
    if (check->wanted)
        found_set_bool(check->found, "has", check->has_wanted);
    found_set_number(check->found, "finding_count", (int64_t)check->finding_count);
    found_set_bool(check->found, "whole", check->finding_count == 0);
    return check->finding_count == 0 && (!check->wanted || check->has_wanted);
}
