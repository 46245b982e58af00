/*
 * Policies from directories. Input: paths, a spec. Output: struct policy_files with everything that the spec needs. What
 * a file says is checked when it is loaded; here, whether it is one that only the administrator can have written.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/error.h"
#include "policy/files.h"
#include "policy/hint.h"
#include "policy/source.h"

#define PATH_SIZE 4096u

struct reader {
    struct policy_files *files;
    const char *const *directories;
    size_t count;
    struct policy_error *error;
};

static int refuse_file(struct policy_error *error, const char *path, const char *why)
{
    const struct policy_origin origin = {.file = path};
    return policy_refuse(error, &origin, "%s", why);
}

static int check_file(const struct stat *about, const char *path, size_t limit, struct policy_error *error)
{
    const struct policy_origin origin = {.file = path};
    if (!S_ISREG(about->st_mode))
        return refuse_file(error, path, "expected a regular file");
    if ((about->st_mode & S_IWOTH) || ((about->st_mode & S_IWGRP) && about->st_gid != 0))
        return refuse_file(error, path,
                           "expected a file that neither others nor a group but root's can write");
    /* Whoever looks at a file of his own has written it himself. */
    if (about->st_uid != 0 && about->st_uid != geteuid())
        return policy_refuse(error, &origin, "expected a file of root's, and it is uid %ju's",
                             (uintmax_t)about->st_uid);
    if (about->st_size < 0 || (uintmax_t)about->st_size > limit)
        return policy_refuse(error, &origin, "expected at most %zu octets, got %jd", limit,
                             (intmax_t)about->st_size);
    return 0;
}

/* *text: free(). -ENOENT: there is none, without words. */
static int read_one(const char *path, size_t limit, struct sp_span *text, struct policy_error *error)
{
    struct stat about;
    uint8_t *data = NULL;
    size_t size = 0;
    int fd CLEANUP_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0 || fstat(fd, &about) < 0)
        return refuse_file(error, path, strerror(errno));
    int result = check_file(&about, path, limit, error);
    if (result != 0)
        return result;
    result = fd_read_all(fd, limit, &data, &size);
    if (result == -ENOMEM)
        return result;
    if (result < 0)
        return refuse_file(error, path, strerror(-result));
    *text = sp_span_of(data, size);
    return 0;
}

static void cleanup_span(struct sp_span *span)
{
    free((void *)span->data);
}

/* The file and its signature. -ENOENT: there is none. */
static int add_path(struct reader *reader, const char *path)
{
    struct sp_span text CLEANUP(cleanup_span) = {0}, signature CLEANUP(cleanup_span) = {0};
    char beside[PATH_SIZE + 8];
    snprintf(beside, sizeof beside, "%s.sig", path);
    int result = read_one(path, POLICY_FILE_MAX, &text, reader->error);
    if (result != 0)
        return result;
    result = read_one(beside, POLICY_SIGNATURE_MAX, &signature, reader->error);
    if (result != 0 && result != -ENOENT)
        return result;
    return policy_files_add(reader->files, path, text, signature, reader->error);
}

/* -ENOENT: in none of them. */
static int add_from_directories(struct reader *reader, const char *name)
{
    char path[PATH_SIZE];
    int result = -ENOENT;
    for (size_t i = 0; i < reader->count && result == -ENOENT; i++) {
        int size = snprintf(path, sizeof path, "%s/%s" SOURCE_SUFFIX, reader->directories[i], name);
        if (size < 0 || (size_t)size >= sizeof path)
            return refuse_file(reader->error, reader->directories[i], strerror(ENAMETOOLONG));
        result = add_path(reader, path);
    }
    return result;
}

/* Its name, without the suffix, if it is a policy's. */
static bool listed_name(const char *entry, char name[POLICY_NAME_MAX + 1])
{
    size_t size = strlen(entry), suffix = strlen(SOURCE_SUFFIX);
    if (size <= suffix || size - suffix > POLICY_NAME_MAX ||
        strcmp(entry + size - suffix, SOURCE_SUFFIX) != 0)
        return false;
    memcpy(name, entry, size - suffix);
    name[size - suffix] = '\0';
    return source_is_name(sp_text(name));
}

/* The nearest name that the directories do have; "": none is near. */
static void nearest_name(const struct reader *reader, const char *name, char nearest[POLICY_NAME_MAX + 1])
{
    struct hint hint = {0};
    char candidate[POLICY_NAME_MAX + 1];
    unsigned best = UINT32_MAX;
    nearest[0] = '\0';
    for (size_t i = 0; i < reader->count; i++) {
        DIR *directory = opendir(reader->directories[i]);
        for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
            if (!listed_name(entry->d_name, candidate))
                continue;
            hint = (struct hint){0};
            hint_try(&hint, sp_text(name), candidate);
            if (hint.best && hint.distance < best) {
                best = hint.distance;
                memcpy(nearest, candidate, sizeof candidate);
            }
        }
        if (directory)
            closedir(directory);
    }
}

static int refuse_missing(const struct reader *reader, const char *name)
{
    char places[512] = "", nearest[POLICY_NAME_MAX + 1];
    for (size_t i = 0, used = 0; i < reader->count && used < sizeof places; i++)
        used += (size_t)snprintf(places + used, sizeof places - used, "%s%s", i == 0 ? "" : ", ",
                                 reader->directories[i]);
    nearest_name(reader, name, nearest);
    return policy_refuse(reader->error, NULL, "there is no %s" SOURCE_SUFFIX " in %s%s%s%s", name,
                         places[0] != '\0' ? places : "any directory",
                         nearest[0] != '\0' ? "; perhaps \"" : "", nearest,
                         nearest[0] != '\0' ? "\" is meant" : "");
}

static int add_named(struct reader *reader, const char *key)
{
    if (policy_files_find(reader->files, key))
        return 0;
    int result = source_is_generated(key) ? add_path(reader, key) : add_from_directories(reader, key);
    if (result != -ENOENT || strcmp(key, SOURCE_DEFAULT) == 0)
        return result == -ENOENT ? 0 : result;
    if (source_is_generated(key))
        return refuse_file(reader->error, key, strerror(ENOENT));
    return refuse_missing(reader, key);
}

/* A name and what it inherits. A chain that is too long, or a loop, is cut here, and an error when it is loaded. */
static int add_chain(struct reader *reader, const char *name)
{
    char key[POLICY_SPEC_MAX];
    snprintf(key, sizeof key, "%s", source_key(name));
    for (unsigned depth = 0; depth <= POLICY_DEPTH_MAX; depth++) {
        struct source_header header = {0};
        int result = add_named(reader, key);
        if (result != 0)
            return result;
        const struct policy_file *file = files_source(reader->files, key);
        if (source_is_generated(key))
            snprintf(header.inherit, sizeof header.inherit, SOURCE_DEFAULT);
        else
            source_scan(file->text, &header);
        if (header.inherit[0] == '\0')
            return 0;
        snprintf(key, sizeof key, "%s", source_key(header.inherit));
        if (!source_is_generated(key) && !source_is_name(sp_text(key)))
            return 0;
    }
    return 0;
}

int policy_files_read(struct policy_files *files, const char *const *directories, size_t count,
                      const char *spec, struct policy_error *error)
{
    struct reader reader = {.files = files, .directories = directories, .count = count, .error = error};
    char part[POLICY_SPEC_MAX];
    if (strlen(spec) >= POLICY_SPEC_MAX)
        return policy_refuse(error, NULL, "expected at most %u octets of policies' names",
                             POLICY_SPEC_MAX - 1);
    int result = source_next_part(&spec, true, part, error);
    if (result == 0)
        result = add_chain(&reader, part);
    while (result == 0 && *spec == ':') {
        spec++;
        result = source_next_part(&spec, false, part, error);
        if (result == 0)
            result = add_chain(&reader, part);
    }
    return result;
}

static int is_listed(const struct dirent *entry)
{
    char name[POLICY_NAME_MAX + 1];
    return listed_name(entry->d_name, name) && strcmp(name, "SYSTEM") != 0;
}

static int add_directory(struct reader *reader, const char *directory)
{
    struct dirent **entries = NULL;
    char path[PATH_SIZE];
    int result = 0, count = scandir(directory, &entries, is_listed, alphasort);
    if (count < 0)
        return errno == ENOENT   ? 0
               : errno == ENOMEM ? -ENOMEM
                                 : refuse_file(reader->error, directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        int size = snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (result == 0 && (size < 0 || (size_t)size >= sizeof path))
            result = refuse_file(reader->error, directory, strerror(ENAMETOOLONG));
        if (result == 0)
            result = add_path(reader, path);
        if (result == -ENOENT)
            result = 0; /* it has just gone, or is a link to nowhere */
        free(entries[i]);
    }
    free(entries);
    return result;
}

int policy_files_read_all(struct policy_files *files, const char *const *directories, size_t count,
                          struct policy_error *error)
{
    struct reader reader = {.files = files, .directories = directories, .count = count, .error = error};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_directory(&reader, directories[i]);
    return result;
}
