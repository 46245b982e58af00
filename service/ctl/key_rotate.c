/*
 * `sallyport key rotate`. Input: the running server's counts of which clients have had proof of which key; the file with the
 * HostKey lines. Output: a table, or that file with one line changed, which the server is to read afterwards.
 *
 * The server checks a change before it is made: in a mount namespace of its own the new file stands where the old one is,
 * and `sallyportd -t` reads the whole configuration there.
 */
#include "ctl/key_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "config/config.h"
#include "ctl/found.h"
#include "ctl/host_key_file.h"
#include "ctl/question.h"
#include "ctl/write_file.h"

#define HOST_KEY_FILE "/etc/sallyport/hostkeys.conf"
#define CONFIG_FILE "/etc/sallyport/sallyport.conf"
#define SERVER_PROGRAM SALLYPORT_SBINDIR "/sallyportd"

static const char *file_of(const struct ctl_options *o)
{
    return o->file ? o->file : HOST_KEY_FILE;
}

static const char *config_of(const struct ctl_options *o)
{
    return o->config ? o->config : CONFIG_FILE;
}

/* ---- status ------------------------------------------------------------------------------------------------ */

static int keys_ask(const struct ctl_options *o, json_t **answer)
{
    return question_ask(o, "keys", o->days ? o->days : "", answer);
}

static int status_find(const struct ctl_options *o, json_t *found)
{
    json_t *answer = NULL;
    int status = keys_ask(o, &answer);
    if (status == 0 && json_object_update(found, answer) < 0)
        status = ctl_fail("out of memory");
    json_decref(answer);
    return status;
}

static void key_show(const json_t *row, long long seen)
{
    CLEANUP_FREE char *algorithms = found_join(json_object_get(row, "algorithms"), ", ");
    printf("%-8s %s\n", found_get(row, "role"), found_get(row, "fingerprint"));
    printf("         %s\n", found_get(row, "uri"));
    printf("         %s; token %s, %lld of its processes\n", algorithms ? algorithms : "",
           found_get(row, "token"), (long long)found_number(row, "token_processes"));
    printf("         proved to %lld of %lld addresses", (long long)found_number(row, "addresses_proved"),
           seen);
    if (found_number(row, "proofs"))
        printf(", %lld times, first %s, last %s", (long long)found_number(row, "proofs"),
               found_get(row, "first"), found_get(row, "last"));
    printf("\n");
}

static void status_show(const struct ctl_options *o, const json_t *found)
{
    size_t i;
    json_t *row;
    long long seen = found_number(found, "addresses_seen");
    printf("%lld addresses logged in from in the last %lld days, as far as the server remembers\n", seen,
           (long long)found_number(found, "days"));
    json_array_foreach(json_object_get(found, "keys"), i, row) key_show(row, seen);
}

/* ---- is it time? ------------------------------------------------------------------------------------------- */

static const json_t *staged_row(const json_t *answer, const char *uri)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "keys"), i, row)
    {
        if (strcmp(found_get(row, "uri"), uri) == 0 && strcmp(found_get(row, "role"), "staged") == 0)
            return row;
    }
    return NULL;
}

/* Whether clients know the key, which the server alone can tell. CTL_OK, CTL_FINDING (said), or a failure. */
static int readiness_judge(const json_t *answer, const char *uri, json_t *found)
{
    const json_t *row = staged_row(answer, uri);
    long long seen = found_number(answer, "addresses_seen"),
              without = found_number(row, "addresses_unproved");
    found_set_number(found, "addresses_seen", seen);
    if (!row)
        return ctl_fail(
            "the server that runs has no staged key %s: was it reloaded? --force switches all the same", uri);
    found_set_number(found, "addresses_unproved", without);
    if (seen != 0 && without == 0)
        return CTL_OK;
    if (seen == 0)
        fprintf(stderr,
                "sallyport: nobody has logged in while the server remembers, so nothing is known of clients; "
                "--force switches all the same\n");
    else
        fprintf(stderr,
                "sallyport: %lld of %lld addresses have not had proof of the new key in the last %lld days; "
                "--force "
                "switches all the same\n",
                without, seen, (long long)found_number(answer, "days"));
    return CTL_FINDING;
}

static int readiness_check(const struct ctl_options *o, const char *uri, json_t *found)
{
    json_t *answer = NULL;
    int status = o->force ? CTL_OK : keys_ask(o, &answer);
    if (status == CTL_OK && !o->force)
        status = readiness_judge(answer, uri, found);
    json_decref(answer);
    return status;
}

/* ---- checking and writing ---------------------------------------------------------------------------------- */

/* In the child: the new file in the old one's place, for this process alone. */
static NORETURN void server_check_become(const struct ctl_options *o, const char *fresh)
{
    const char *program = o->server ? o->server : SERVER_PROGRAM;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(fresh, file_of(o), NULL, MS_BIND, NULL) < 0) {
        fprintf(stderr, "sallyport: the change cannot be checked before it is made: %s\n", strerror(errno));
        _exit(126);
    }
    execl(program, "sallyportd", "-t", "-f", config_of(o), (char *)NULL);
    fprintf(stderr, "sallyport: %s: %s\n", program, strerror(errno));
    _exit(127);
}

static int server_check(const struct ctl_options *o, const char *fresh)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        server_check_become(o, fresh);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return ctl_fail("the server's check: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return ctl_fail("%s is as it was: sallyportd -t does not accept the change", file_of(o));
    return CTL_OK;
}

/* A file that no configuration includes can be edited for ever without any effect. */
static int inclusion_check(const struct ctl_options *o)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error;
    const struct config_line *line = NULL;
    int r = config_source_read(config_of(o), &source, &error);
    if (r == 0)
        r = config_evaluate(source, &(struct config_who){0}, &config, &error);
    if (r == 0)
        line = config_line(config, "HostKey");
    int status = CTL_OK;
    if (r)
        status = ctl_fail("%s", r > 0 ? error.text : strerror(-r));
    else if (!line || strcmp(line->file, file_of(o)) != 0)
        status =
            ctl_fail("%s: the first HostKey line is not in %s: Include that file, and have the lines there",
                     config_of(o), file_of(o));
    config_free(config);
    config_source_free(source);
    return status;
}

static int change_write(const struct ctl_options *o, struct sp_span old, const char *edited, json_t *found)
{
    char fresh[PATH_MAX], backup[PATH_MAX];
    const char *file = file_of(o);
    if (snprintf(fresh, sizeof fresh, "%s.checked", file) >= (int)sizeof fresh ||
        snprintf(backup, sizeof backup, "%s.before", file) >= (int)sizeof backup)
        return ctl_fail("%s: %s", file, strerror(ENAMETOOLONG));
    int status = write_file(fresh, sp_text(edited));
    if (status)
        return status;
    status = server_check(o, fresh);
    if (status == CTL_OK)
        status = write_file(backup, old);
    if (status == CTL_OK && rename(fresh, file) < 0)
        status = ctl_fail("%s: %s", file, strerror(errno));
    if (status)
        unlink(fresh);
    found_set_string(found, "backup", backup);
    return status;
}

static int file_read(const char *path, uint8_t **data, size_t *size)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    int r = fd < 0 ? -errno : fd_read_all(fd, HOST_KEY_FILE_MAX, data, size);
    return r ? ctl_fail("%s: %s", path, strerror(-r)) : CTL_OK;
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

static int step_find(const struct ctl_options *o, enum host_key_step step, json_t *found)
{
    CLEANUP_FREE uint8_t *data = NULL;
    CLEANUP_FREE char *edited = NULL;
    char why[2048] = "";
    size_t size = 0;
    const char *uri = o->argument_count != 0 ? o->arguments[0] : NULL;
    int status = file_read(file_of(o), &data, &size);
    if (status == CTL_OK)
        status = inclusion_check(o);
    if (status)
        return status;
    struct sp_span old = sp_span_of(data, size);
    found_set_string(found, "file", file_of(o));
    int r = host_key_file_edit(file_of(o), old, step, uri, found, &edited, why, sizeof why);
    if (r)
        return ctl_fail("%s", r > 0 ? why : strerror(-r));
    if (step == HOST_KEY_SWITCH)
        status = readiness_check(o, found_get(found, "uri"), found);
    if (status == CTL_OK)
        status = change_write(o, old, edited, found);
    found_set_bool(found, "written", status == CTL_OK);
    return status;
}

static int stage_find(const struct ctl_options *o, json_t *found)
{
    return step_find(o, HOST_KEY_STAGE, found);
}

static int switch_find(const struct ctl_options *o, json_t *found)
{
    return step_find(o, HOST_KEY_SWITCH, found);
}

static int retire_find(const struct ctl_options *o, json_t *found)
{
    return step_find(o, HOST_KEY_RETIRE, found);
}

static void step_show(const struct ctl_options *o, const json_t *found)
{
    size_t i;
    json_t *line;
    printf("%s\n", found_get(found, "file"));
    json_array_foreach(json_object_get(found, "removed"), i, line) printf("- %s\n", json_string_value(line));
    json_array_foreach(json_object_get(found, "added"), i, line) printf("+ %s\n", json_string_value(line));
    if (found_is(found, "written"))
        printf("Written; the file as it was is %s.\nIt counts once the server is reloaded: systemctl reload "
               "sallyport\n",
               found_get(found, "backup"));
    else
        printf("Not written.\n");
}

#define FILE_OPTIONS (CTL_CONFIG | CTL_FILE | CTL_SERVER)

static const struct ctl_command key_rotate_commands[] = {
    {.name = "status",
     .arguments = "",
     .summary = "the running server's keys, and how many clients have had proof of each",
     .options = CTL_SOCKET | CTL_TIMEOUT | CTL_DAYS,
     .find = status_find,
     .show = status_show},
    {.name = "stage",
     .arguments = " URI",
     .summary = "have a key announced and proved to clients, without using it yet",
     .options = FILE_OPTIONS,
     .arguments_min = 1,
     .arguments_max = 1,
     .find = stage_find,
     .show = step_show},
    {.name = "switch",
     .arguments = " [URI]",
     .summary = "use a staged key from now on; the keys before it stay listed",
     .options = FILE_OPTIONS | CTL_SOCKET | CTL_TIMEOUT | CTL_DAYS | CTL_FORCE,
     .arguments_max = 1,
     .find = switch_find,
     .show = step_show},
    {.name = "retire",
     .arguments = " URI",
     .summary = "list a key no more: clients that hear of the others forget it",
     .options = FILE_OPTIONS,
     .arguments_min = 1,
     .arguments_max = 1,
     .find = retire_find,
     .show = step_show},
    {0},
};

int key_rotate_run(const char *path, int argc, char **argv)
{
    return command_run(key_rotate_commands, path, argc, argv);
}
