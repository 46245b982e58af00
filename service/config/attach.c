/*
 * The files that a configuration names and that every program has to see alike: modules, policies, host certificates. Input:
 * the lines, and the administrator's files, read where the configuration is read, once. Output: their contents in the
 * source, which is what travels to the other programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "config/modules.h"
#include "config/policies.h"
#include "config/policy_lines.h"
#include "config/source.h"

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

static void files_cleanup(struct policy_files **files)
{
    policy_files_free(*files);
}

static int complain_about(struct config_error *error, const struct config_place *place, const char *what,
                          const char *path, const char *why)
{
    return config_complain(error, place, "%s %s: %s", what, path, why);
}

/* ---- policies ---------------------------------------------------------------------------------------------------- */

static int policy_read(struct policy_files *files, const struct config_list *directories, const char *spec,
                       const struct config_place *place, struct config_error *error)
{
    struct policy_error why;
    int result =
        policy_files_read(files, (const char *const *)directories->items, directories->count, spec, &why);
    return result == POLICY_E_INVALID ? complain_about(error, place, "Policy", spec, why.text) : result;
}

static int policies_read(struct policy_files *files, const struct config *config,
                         const struct policy_lines *lines, struct config_error *error)
{
    int result = 0;
    bool named = false;
    for (size_t i = 0; i < lines->count && result == 0; i++) {
        const struct policy_line *line = &lines->items[i];
        if (line->kind == POLICY_LINE_NAMES)
            continue;
        named = named || (line->kind == POLICY_LINE_CHOICE && line->block == 0);
        result = policy_read(files, &config->policy_directories, line->text, &line->place, error);
    }
    if (result == 0 && !named)
        result = policy_read(files, &config->policy_directories, CONFIG_POLICY_DEFAULT, NULL, error);
    return result;
}

static int policies_keep(struct config_source *source, const struct policy_files *files,
                         struct config_error *error)
{
    const struct policy_file *file;
    int result = 0;
    for (size_t i = 0; result == 0 && (file = policy_files_at(files, i)); i++)
        result = source_add_policy(source, file, error);
    if (result == SOURCE_E_FULL)
        return config_complain(error, NULL, "expected a configuration with its policies of at most %u octets",
                               CONFIG_SNAPSHOT_MAX);
    return result;
}

static int policies_attach(struct config_source *source, const struct config *config,
                           struct config_error *error)
{
    CLEANUP(files_cleanup) struct policy_files *files = NULL;
    CLEANUP(policy_lines_free) struct policy_lines lines = {0};
    int result = policy_lines_find(source, &lines, error);
    if (result == 0)
        result = policy_files_new(&files);
    if (result == 0)
        result = policies_read(files, config, &lines, error);
    return result ? result : policies_keep(source, files, error);
}

/* ---- certificates ------------------------------------------------------------------------------------------------ */

static int certificate_open(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0)
        return -errno;
    return S_ISREG(info.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

static int certificate_attach(struct config_source *source, const char *path,
                              const struct config_place *place, struct config_error *error)
{
    CLEANUP_FREE uint8_t *data = NULL;
    CLEANUP_CLOSE int fd = certificate_open(path);
    size_t size = 0;
    if (source->certificate_count == SOURCE_CERTIFICATES_MAX)
        return complain_about(error, place, "HostCertificate", path, "there are too many");
    int result = fd < 0 ? fd : fd_read_all(fd, CONFIG_CERTIFICATE_MAX, &data, &size);
    if (result == -EFBIG)
        return complain_about(error, place, "HostCertificate", path, "it is too large to be one");
    if (result < 0 && result != -ENOMEM)
        return complain_about(error, place, "HostCertificate", path,
                              result == -EINVAL ? "expected a regular file" : strerror(-result));
    if (result == 0)
        result = source_add_certificate(source, path, sp_span_of(data, size));
    return result == SOURCE_E_FULL
               ? complain_about(error, place, "HostCertificate", path, "there is no room for it")
               : result;
}

static int certificates_attach(struct config_source *source, const struct config *config,
                               struct config_error *error)
{
    const struct config_line *line = config_line(config, "HostCertificate");
    const struct config_place place = {.file = line ? line->file : "", .line = line ? line->line : 0};
    int result = 0;
    for (size_t i = 0; i < config->host_certificates.count && result == 0; i++)
        if (strcmp(config->host_certificates.items[i], "none") != 0)
            result = certificate_attach(source, config->host_certificates.items[i], &place, error);
    return result;
}

int source_attach(struct config_source *source, struct config_error *error)
{
    CLEANUP(config_cleanup) struct config *config = NULL;
    struct config_error unused;
    int result = config_evaluate(source, &(struct config_who){0}, &config, &unused);
    if (result != 0)
        return result < 0 ? result : 0;
    result = modules_attach(source, config, error);
    if (result == 0)
        result = policies_attach(source, config, error);
    return result ? result : certificates_attach(source, config, error);
}
