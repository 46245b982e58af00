/*
 * `sallyport key log verify`. Input: files of the chain of signatures, or the directory that they are in. Output: whether it
 * is whole, and what is wrong with it.
 */
#include "ctl/key_log.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/found.h"
#include "ctl/signature_chain.h"
#include "ctl/token_setup.h"

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Digits behind the name sort as numbers do. */
static int is_full_file(const struct dirent *entry)
{
    return signature_file_is_aside(entry->d_name);
}

static int path_check(struct chain_check *check, const char *path)
{
    int r = chain_check_file(check, path);
    return r ? ctl_fail("%s: %s", path, strerror(-r)) : CTL_OK;
}

/* A chain that has just begun a new file may have none of the usual name yet. */
static int newest_check(struct chain_check *check, const char *directory, int full_files)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" SIGNATURE_LOG_NAME, directory);
    int r = chain_check_file(check, path);
    if (r == -ENOENT && full_files != 0)
        return CTL_OK;
    return r ? ctl_fail("%s: %s", path, strerror(-r)) : CTL_OK;
}

static int directory_check(struct chain_check *check, const char *directory)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" SIGNATURE_HEAD_NAME, directory);
    chain_check_head(check, path);
    int count = scandir(directory, &entries, is_full_file, alphasort);
    int status = count < 0 ? ctl_fail("%s: %s", directory, strerror(errno)) : CTL_OK;
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (status == CTL_OK)
            status = path_check(check, path);
        free(entries[i]);
    }
    free(entries);
    /* The oldest make way where there are so many; nobody but the signer should have removed one where there are fewer. */
    check->is_from_the_beginning = count >= 0 && count < (int)SIGNATURE_FILES_MAX;
    return status ? status : newest_check(check, directory, count);
}

/* Beside the newest file; files that are full have none. */
static void head_beside(struct chain_check *check, const char *file)
{
    char path[PATH_MAX];
    const char *slash = strrchr(file, '/');
    if (strcmp(slash ? slash + 1 : file, SIGNATURE_LOG_NAME) != 0)
        return;
    snprintf(path, sizeof path, "%.*s" SIGNATURE_HEAD_NAME, slash ? (int)(slash + 1 - file) : 0, file);
    chain_check_head(check, path);
}

static int files_check(struct chain_check *check, const char *const *files, size_t count)
{
    int status = CTL_OK;
    head_beside(check, files[count - 1]);
    for (size_t i = 0; status == CTL_OK && i < count; i++)
        status = path_check(check, files[i]);
    return status;
}

static int hash_read(const char *text, uint8_t hash[SIGNATURE_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * SIGNATURE_HASH_SIZE || strspn(text, digits) != 2 * SIGNATURE_HASH_SIZE)
        return ctl_misuse("--has: expected the hash of a record, 64 digits of 0-9 and a-f, got \"%s\"", text);
    for (size_t i = 0; i < SIGNATURE_HASH_SIZE; i++)
        hash[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
                            (strchr(digits, text[2 * i + 1]) - digits));
    return CTL_OK;
}

static int verify_find(const struct ctl_options *o, json_t *found)
{
    struct chain_check check;
    uint8_t wanted[SIGNATURE_HASH_SIZE];
    const char *directory = o->argument_count == 0 ? TOKEN_STATE_DIRECTORY : o->arguments[0];
    if (chain_check_begin(&check, found) != 0)
        return ctl_fail("out of memory");
    if (o->has) {
        int status = hash_read(o->has, wanted);
        if (status)
            return status;
        check.wanted = wanted;
    }
    bool is_one = o->argument_count == 0 || (o->argument_count == 1 && is_directory(directory));
    int status =
        is_one ? directory_check(&check, directory) : files_check(&check, o->arguments, o->argument_count);
    if (status)
        return status;
    return chain_check_end(&check) ? CTL_OK : CTL_FINDING;
}

static void findings_show(const json_t *found)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(found, "findings"), i, row)
    {
        printf("%s:", found_get(row, "file"));
        if (found_number(row, "line"))
            printf("%lld:", (long long)found_number(row, "line"));
        printf(" %s\n", found_get(row, "text"));
    }
    if ((size_t)found_number(found, "finding_count") > i)
        printf("... and %lld more\n", (long long)found_number(found, "finding_count") - (long long)i);
}

static void verify_show(const struct ctl_options *o, const json_t *found)
{
    long long first = found_number(found, "first"), unrecorded = found_number(found, "unrecorded");
    findings_show(found);
    printf("%lld records", (long long)found_number(found, "records"));
    if (first)
        printf(", %lld to %lld; the last has the hash %s", first, (long long)found_number(found, "last"),
               found_get(found, "hash"));
    printf("\n");
    if (first > 1)
        printf("records before %lld are not in these files\n", first);
    if (unrecorded)
        printf("%lld signatures were made that could not be recorded\n", unrecorded);
    if (!json_object_get(found, "head"))
        printf("without the head beside the newest file, nobody can tell whether the end is missing\n");
    if (o->has)
        printf("%s record has the hash that was asked for\n", found_is(found, "has") ? "A" : "No");
    if (!found_is(found, "whole"))
        printf("The chain is BROKEN.\n");
    else
        printf("The chain is whole%s.\n", o->has && !found_is(found, "has") ? ", and lacks that record" : "");
}

static const struct ctl_command key_log_commands[] = {
    {.name = "verify",
     .arguments = " [DIRECTORY | FILE...]",
     .summary = "check the chain of signatures: nothing altered, removed or cut off",
     .options = CTL_HAS,
     .arguments_max = CTL_ARGUMENTS_MAX,
     .find = verify_find,
     .show = verify_show},
    {0},
};

int key_log_run(const char *path, int argc, char **argv)
{
    return command_run(key_log_commands, path, argc, argv);
}
