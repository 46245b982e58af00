/*
 * `sallyport key rotate`. Input: the running server's counts of which clients have had proof of which key; the file with the
 * HostKey lines. Output: a table, or that file with one line changed, which the server is to read afterwards.
 *
 * The server checks a change before it is made: in a mount namespace of its own the new file stands where the old one is,
 * and `sallyportd -t` reads the whole configuration there.
 */
#include "ctl/key_rotate.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "ctl/edit_file.h"
#include "ctl/found.h"
#include "ctl/host_key_file.h"
#include "ctl/question.h"
#include "ctl/tokens.h"
#include "ctl/retirement.h"

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
    bool is_found = *found_get(row, "fingerprint");
    printf("%-8s %s\n", found_get(row, "role"), is_found ? found_get(row, "fingerprint") : "(not found yet)");
    printf("         %s\n", found_get(row, "uri"));
    printf("         %s; token %s, %lld of its processes\n", algorithms ? algorithms : "",
           found_get(row, "token"), (long long)found_number(row, "token_processes"));
    if (json_is_boolean(json_object_get(row, "can_sign")))
        printf("         %s\n", found_is(row, "can_sign") ? "can sign" : "cannot sign now");
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
    tokens_show(found);
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
static int inclusion_check(const struct ctl_options *o, const struct config *config)
{
    const struct config_line *line = config_line(config, "HostKey");
    if (line && strcmp(line->file, file_of(o)) == 0)
        return CTL_OK;
    return ctl_fail("%s: the first HostKey line is not in %s: Include that file, and have the lines there",
                    config_of(o), file_of(o));
}

/* What the configuration, as it is, says about the step. */
static int config_check(const struct ctl_options *o, enum host_key_step step)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error;
    int r = config_source_read(config_of(o), &source, &error);
    if (r == 0)
        r = config_evaluate(source, &(struct config_who){0}, &config, &error);
    int status = r ? ctl_fail("%s", r > 0 ? error.text : strerror(-r)) : inclusion_check(o, config);
    if (status == CTL_OK && step == HOST_KEY_RETIRE)
        status = retirement_check(o, source, config, o->arguments[0]);
    config_free(config);
    config_source_free(source);
    return status;
}

static int change_write(const struct ctl_options *o, const struct edit_file *file, const char *edited,
                        json_t *found)
{
    char fresh[PATH_MAX], backup[PATH_MAX];
    int status = edit_file_beside(file, ".checked", sp_text(edited), fresh);
    if (status)
        return status;
    status = server_check(o, fresh);
    if (status == CTL_OK)
        status = edit_file_beside(file, ".before", sp_span_of(file->text, file->size), backup);
    if (status == CTL_OK)
        status = edit_file_commit(file, fresh);
    if (status)
        unlink(fresh);
    else
        found_set_string(found, "backup", backup);
    return status;
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

static int step_make(const struct ctl_options *o, enum host_key_step step, const struct edit_file *file,
                     json_t *found)
{
    CLEANUP_FREE char *edited = NULL;
    char why[2048] = "";
    const char *uri = o->argument_count != 0 ? o->arguments[0] : NULL;
    int status = config_check(o, step);
    if (status)
        return status;
    int r = host_key_file_edit(file_of(o), sp_span_of(file->text, file->size), step, uri, found, &edited, why,
                               sizeof why);
    if (r)
        return ctl_fail("%s", r > 0 ? why : strerror(-r));
    if (step == HOST_KEY_SWITCH)
        status = readiness_check(o, found_get(found, "uri"), found);
    return status ? status : change_write(o, file, edited, found);
}

static int step_find(const struct ctl_options *o, enum host_key_step step, json_t *found)
{
    struct edit_file file;
    found_set_string(found, "file", file_of(o));
    int status = edit_file_open(&file, file_of(o), HOST_KEY_FILE_MAX);
    if (status == CTL_OK)
        status = step_make(o, step, &file, found);
    edit_file_close(&file);
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
     .options = FILE_OPTIONS | CTL_SOCKET | CTL_TIMEOUT | CTL_FORCE,
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
