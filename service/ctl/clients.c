/* Known clients. Input: a directory. Output: a KEXINIT for each. */
#include "ctl/clients.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ctl/subject.h"

const char *clients_directory(const struct ctl_options *o)
{
    return o->clients_directory ? o->clients_directory : SALLYPORT_CLIENTS_DIRECTORY;
}

static int is_client(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name), suffix = strlen(CLIENTS_SUFFIX);
    return entry->d_name[0] != '.' && size > suffix &&
           strcmp(entry->d_name + size - suffix, CLIENTS_SUFFIX) == 0;
}

static int client_read(const char *path, const char *name, struct capture **capture)
{
    CLEANUP_FREE uint8_t *text = NULL;
    CLEANUP_FREE struct capture *read = calloc(1, sizeof *read);
    size_t size;
    unsigned line = 0;
    const char *why = "";
    if (!read)
        return ctl_fail("out of memory");
    int r = subject_read_file(path, CAPTURE_FILE_MAX, &text, &size);
    if (r)
        return r;
    if (capture_read_client(sp_span_of(text, size), read, &line, &why))
        return line ? ctl_fail("%s line %u: %s", path, line, why) : ctl_fail("%s: %s", path, why);
    snprintf(read->name, sizeof read->name, "%.*s", (int)(strlen(name) - strlen(CLIENTS_SUFFIX)), name);
    /* The description's spans point into it, so it stays where it is. */
    *capture = TAKE(read);
    return 0;
}

int clients_find(const struct ctl_options *o, const char *name, struct capture **capture)
{
    char path[PATH_MAX], file[256];
    if (strchr(name, '/') || name[0] == '.' || name[0] == '\0')
        return ctl_fail("%s: expected a known client, a file or the id of a connection", name);
    snprintf(file, sizeof file, "%s" CLIENTS_SUFFIX, name);
    snprintf(path, sizeof path, "%s/%s", clients_directory(o), file);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return ctl_fail("%s: there is no such client in %s, and no such file", name, clients_directory(o));
    return client_read(path, file, capture);
}

int clients_each(const struct ctl_options *o, void (*take)(const struct capture *capture, void *context),
                 void *context)
{
    struct dirent **entries = NULL;
    int r = 0, count = scandir(clients_directory(o), &entries, is_client, versionsort);
    if (count < 0)
        return errno == ENOENT && !o->clients_directory
                   ? 0
                   : ctl_fail("%s: %s", clients_directory(o), strerror(errno));
    if ((unsigned)count > CLIENTS_MAX)
        r = ctl_fail("%s: expected at most %u clients", clients_directory(o), CLIENTS_MAX);
    for (int i = 0; i < count; i++) {
        struct capture *capture CLEANUP_FREE = NULL;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", clients_directory(o), entries[i]->d_name);
        if (r == 0)
            r = client_read(path, entries[i]->d_name, &capture);
        if (r == 0)
            take(capture, context);
        free(entries[i]);
    }
    free(entries);
    return r;
}
