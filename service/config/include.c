/*
 * Opens the configuration file and the files that it includes: patterns in lexical order (octet by octet, whatever the
 * locale), limited in depth, number and total size. Input: paths from the command line and from files that the
 * administrator owns. Output: their lines, through source_read_text().
 */
#include "config/include.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"

/* A descriptor, or -1 and *why. Not blocking, because a pattern may catch a FIFO, which the check behind the open then
 * refuses. */
static int open_included(const char *path, const char **why)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        *why = strerror(errno);
        return -1;
    }
    if (!S_ISREG(info.st_mode)) {
        *why = "expected a regular file";
        return -1;
    }
    return TAKE_FD(fd);
}

/* `from` is where to complain about a file that cannot be read. */
static int read_open_file(struct source_reading *reading, int fd, const char *path,
                          const struct config_place *from)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    int result = fd_read_all(fd, reading->octets_left, &data, &size);
    if (result == -EFBIG)
        return config_complain(reading->error, from, "%s: expected at most %u octets in all files together",
                               path, CONFIG_SNAPSHOT_MAX);
    if (result < 0)
        return config_complain(reading->error, from, "cannot read %s: %s", path, strerror(-result));
    reading->octets_left -= size;
    return source_read_text(reading, path, from->line, sp_span_of(data, size));
}

static int read_included(struct source_reading *reading, const struct config_place *place, const char *path)
{
    const char *why = NULL;
    /* Checked here too, so that the error names the Include that goes too deep. */
    if (reading->depth == CONFIG_INCLUDE_DEPTH_MAX)
        return config_complain(reading->error, place, "Include %s: expected at most %u levels of Include",
                               path, CONFIG_INCLUDE_DEPTH_MAX);
    CLEANUP_CLOSE int fd = open_included(path, &why);
    if (fd < 0)
        return config_complain(reading->error, place, "Include %s: %s", path, why);
    return read_open_file(reading, fd, path, place);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_matches(struct source_reading *reading, const struct config_place *place, const char *pattern,
                        glob_t *matches)
{
    if (matches->gl_pathc > INCLUDE_FILES_MAX)
        return config_complain(reading->error, place, "Include %s: expected at most %u files", pattern,
                               INCLUDE_FILES_MAX);
    qsort(matches->gl_pathv, matches->gl_pathc, sizeof matches->gl_pathv[0], compare_paths);
    for (size_t i = 0; i < matches->gl_pathc; i++) {
        int result = read_included(reading, place, matches->gl_pathv[i]);
        if (result != 0)
            return result;
    }
    return 0;
}

/* What a pattern leads through and is not there matches nothing; what cannot be read must not pass for that. */
static int on_glob_error(const char *path, int error)
{
    return error != ENOENT && error != ENOTDIR;
}

/* A pattern may match nothing, as a directory for drop-ins may be empty; a file that is named has to be there. */
static int include_pattern(struct source_reading *reading, const struct config_place *place,
                           const char *pattern)
{
    if (strpbrk(pattern, "*?[") == NULL)
        return read_included(reading, place, pattern);
    CLEANUP(globfree) glob_t matches = {0};
    int result = glob(pattern, GLOB_NOSORT, on_glob_error, &matches);
    if (result == GLOB_NOMATCH)
        return 0;
    if (result == GLOB_NOSPACE)
        return -ENOMEM;
    if (result != 0)
        return config_complain(reading->error, place, "Include %s: cannot read the directory: %s", pattern,
                               strerror(errno));
    return read_matches(reading, place, pattern, &matches);
}

int include_line(struct source_reading *reading, const struct config_place *place,
                 const struct lexer_line *words)
{
    if (!reading->has_files)
        return config_complain(reading->error, place,
                               "Include: expected a file; a text in memory cannot include");
    if (words->count == 0)
        return config_complain(reading->error, place, "Include: expected one or more files or patterns");
    for (size_t i = 0; i < words->count; i++) {
        const char *argument = words->arguments[i];
        char path[SOURCE_NAME_MAX + 1];
        if (argument[0] == '\0')
            return config_complain(reading->error, place, "Include: expected a file name, got \"\"");
        const char *directory = reading->directory ? reading->directory : INCLUDE_DIRECTORY;
        bool is_absolute = argument[0] == '/';
        int size = snprintf(path, sizeof path, "%s%s%s%s", reading->root ? reading->root : "",
                            is_absolute ? "" : directory, is_absolute ? "" : "/", argument);
        if (size < 0 || (size_t)size >= sizeof path)
            return config_complain(reading->error, place, "Include: expected a path of at most %u octets",
                                   SOURCE_NAME_MAX);
        int result = include_pattern(reading, place, path);
        if (result != 0)
            return result;
    }
    return 0;
}

int source_read_foreign(const char *path, const char *root, const char *directory,
                        struct config_source **source, struct config_error *error)
{
    struct config_place place = {.file = path};
    const char *why = NULL;
    CLEANUP_CLOSE int fd = open_included(path, &why);
    if (fd < 0)
        return config_complain(error, &place, "cannot open: %s", why);
    CLEANUP(source_cleanup) struct config_source *made = NULL;
    int result = source_new(&made);
    if (result != 0)
        return result;
    struct source_reading reading = {.source = made,
                                     .error = error,
                                     .octets_left = CONFIG_SNAPSHOT_MAX,
                                     .has_files = true,
                                     .root = root,
                                     .directory = directory};
    result = read_open_file(&reading, fd, path, &place);
    if (result == 0)
        *source = TAKE(made);
    return result;
}

int config_source_read(const char *path, struct config_source **source, struct config_error *error)
{
    struct config_place place = {.file = path};
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return config_complain(error, &place, "cannot open: %s", strerror(errno));
    CLEANUP(source_cleanup) struct config_source *made = NULL;
    int result = source_new(&made);
    if (result != 0)
        return result;
    struct source_reading reading = {
        .source = made, .error = error, .octets_left = CONFIG_SNAPSHOT_MAX, .has_files = true};
    result = read_open_file(&reading, fd, path, &place);
    if (result == 0)
        result = source_attach(made, error);
    if (result != 0)
        return result;
    *source = TAKE(made);
    return 0;
}

/* The first value wins, so the file is included behind the lines. */
int config_source_read_behind(const char *lines, const char *path, struct config_source **source,
                              struct config_error *error)
{
    struct config_place place = {.file = path};
    CLEANUP_FREE char *full = realpath(path, NULL); /* a relative one would be looked for elsewhere */
    CLEANUP_FREE char *text = NULL;
    CLEANUP(source_cleanup) struct config_source *made = NULL;
    if (!full)
        return config_complain(error, &place, "cannot open: %s", strerror(errno));
    int size = asprintf(&text, "%sInclude \"%s\"\n", lines, full);
    if (size < 0) {
        text = NULL; /* asprintf(3) leaves it undefined */
        return -ENOMEM;
    }
    int result = source_new(&made);
    if (result != 0)
        return result;
    struct source_reading reading = {
        .source = made, .error = error, .octets_left = CONFIG_SNAPSHOT_MAX, .has_files = true};
    result = source_read_text(&reading, "command line", 0, sp_span_of(text, (size_t)size));
    if (result == 0)
        result = source_attach(made, error);
    if (result != 0)
        return result;
    *source = TAKE(made);
    return 0;
}
