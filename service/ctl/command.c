/* Command lines. Input: tables of commands and the words behind "sallyport". Output: the command's call, or its usage. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define PATH_MAX_WORDS 128u

static const struct {
    enum ctl_option bit;
    const char *name;
    const char *argument; /* NULL: none */
    const char *summary;
} rows[] = {
    {CTL_DIRECTORY, "directory", "DIR", "where policies are, instead of the usual places; may be repeated"},
    {CTL_CONFIG, "config", "FILE", "take Policy, PolicyDirectory and lists from a configuration"},
    {CTL_TOKEN, "token", "KIND,...",
     "host keys that there are: ed25519, p256, p384, p521, rsa; cert: with certificates"},
    {CTL_HTML, "html", NULL, "write one page of HTML"},
    {CTL_TRUST, "trust", "FILE", "who may sign policies: a file in the format of allowed signers"},
    {CTL_KEYS, "keys", "FILE", "public keys to judge, as in authorized_keys; may be repeated"},
    {CTL_CLIENT, "client", "CLIENT", "a known client, a file with a KEXINIT, or the id of a connection"},
    {CTL_CLIENTS_DIRECTORY, "clients-directory", "DIR", "where known clients are described"},
    {CTL_SOCKET, "socket", "PATH", "the running server's control socket"},
    {CTL_POLICY, "policy", "NAME", "the policy to compare with"},
    {CTL_ADDRESS, "address", "ADDR", "the client's address, for exceptions that depend on it"},
    {CTL_ALL, "all", NULL, "as on a machine whose libraries have every algorithm"},
    {CTL_HAS, "has", "HASH", "also look for the record with this hash, from an event \"signed\""},
    {CTL_FILE, "file", "FILE", "the file with the HostKey lines, instead of /etc/sallyport/hostkeys.conf"},
    {CTL_DAYS, "days", "DAYS", "clients that logged in so many days ago count; 30"},
    {CTL_SERVER, "server", "PROGRAM", "the sallyportd that checks the change"},
    {CTL_FORCE, "force", NULL, "also if it would surprise clients, or replace a file"},
    {CTL_OUTPUT, "output", "FILE", "write into this file, whole or not at all"},
    {CTL_ROOT, "root", "DIR", "where the machine is mounted that the file is of"},
    {CTL_EVERY, "all", NULL, "also those that have not logged in"},
    {CTL_FOLLOW, "follow", NULL, "go on with what happens from now on"},
    {CTL_CONNECTION, "connection", "ID", "only what is about this connection"},
    {CTL_EVENT, "event", "NAME", "only events of this name"},
    {CTL_SERVE, "serve", "WHERE", "answer HTTP requests on unix:PATH, or on a socket of systemd"},
    {CTL_TIMEOUT, "timeout", "SECONDS", "how long to wait for the server"},
};

static void usage_group(const struct ctl_command *table, const char *path, FILE *to)
{
    fprintf(to, "usage: %s COMMAND ...\n\ncommands:\n", path);
    for (; table->name; table++)
        fprintf(to, "  %-10s %s\n", table->name, table->summary);
}

static void usage_command(const struct ctl_command *command, const char *path, FILE *to)
{
    fprintf(to, "usage: %s %s%s [OPTION...]\n\n%s\n\noptions:\n", path, command->name, command->arguments,
            command->summary);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char left[40];
        if (!(command->options & rows[i].bit))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        fprintf(to, "  %-24s %s\n", left, rows[i].summary);
    }
    fprintf(to, "  %-24s %s\n  %-24s %s\n", "--json", "write JSON", "--help", "write this");
}

static int seconds_read(const char *text, unsigned *seconds)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value == 0 || value > 3600)
        return ctl_misuse("--timeout: expected seconds from 1 to 3600, got \"%s\"", text);
    *seconds = (unsigned)value;
    return 0;
}

static int repeated(const char **list, size_t *count, size_t limit, const char *name, const char *value)
{
    if (*count == limit)
        return ctl_misuse("--%s: expected at most %zu of them", name, limit);
    list[(*count)++] = value;
    return 0;
}

static int option_take(struct ctl_options *o, enum ctl_option bit, const char *value)
{
    switch (bit) {
    case CTL_DIRECTORY:
        return repeated(o->directories, &o->directory_count, CTL_DIRECTORIES_MAX, "directory", value);
    case CTL_KEYS:
        return repeated(o->keys, &o->key_count, CTL_KEYS_MAX, "keys", value);
    case CTL_TIMEOUT:
        return seconds_read(value, &o->timeout_s);
    case CTL_HTML:
        o->html = true;
        return 0;
    case CTL_ALL:
        o->all = true;
        return 0;
    case CTL_CONFIG:
        o->config = value;
        return 0;
    case CTL_TOKEN:
        o->token = value;
        return 0;
    case CTL_TRUST:
        o->trust = value;
        return 0;
    case CTL_CLIENT:
        o->client = value;
        return 0;
    case CTL_CLIENTS_DIRECTORY:
        o->clients_directory = value;
        return 0;
    case CTL_SOCKET:
        o->socket = value;
        return 0;
    case CTL_POLICY:
        o->policy = value;
        return 0;
    case CTL_ADDRESS:
        o->address = value;
        return 0;
    case CTL_HAS:
        o->has = value;
        return 0;
    case CTL_FILE:
        o->file = value;
        return 0;
    case CTL_DAYS:
        o->days = value;
        return 0;
    case CTL_SERVER:
        o->server = value;
        return 0;
    case CTL_OUTPUT:
        o->output = value;
        return 0;
    case CTL_ROOT:
        o->root = value;
        return 0;
    case CTL_FORCE:
        o->force = true;
        return 0;
    case CTL_EVERY:
        o->every = true;
        return 0;
    case CTL_FOLLOW:
        o->follow = true;
        return 0;
    case CTL_CONNECTION:
        o->connection = value;
        return 0;
    case CTL_EVENT:
        o->event = value;
        return 0;
    case CTL_SERVE:
        o->serve = value;
        return 0;
    }
    return CTL_USAGE;
}

/* Options that the command does not have are as unknown as those that do not exist. */
static void longs_make(const struct ctl_command *command, struct option longs[ARRAY_SIZE(rows) + 3])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (command->options & rows[i].bit)
            longs[n++] = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument,
                                         NULL, (int)(256 + i)};
    longs[n++] = (struct option){"json", no_argument, NULL, 'j'};
    longs[n++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n] = (struct option){0};
}

/* argv[0] is the command's name. */
static int options_read(const struct ctl_command *command, const char *path, int argc, char **argv,
                        struct ctl_options *o)
{
    struct option longs[ARRAY_SIZE(rows) + 3];
    static char program[PATH_MAX_WORDS]; /* argv[0] points to it from here on */
    int option, status = 0;
    snprintf(program, sizeof program, "%s %s", path, command->name);
    longs_make(command, longs);
    argv[0] = program; /* what getopt_long() begins its complaints with */
    while (status == 0 && (option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (option == 'j')
            o->json = true;
        else if (option == 'h')
            o->help = true;
        else if (option >= 256)
            status = option_take(o, rows[option - 256].bit, optarg);
        else
            status = CTL_USAGE;
    }
    if (status == 0 && o->help)
        return 0;
    for (; status == 0 && optind < argc; optind++)
        status =
            repeated(o->arguments, &o->argument_count, command->arguments_max, "arguments", argv[optind]);
    if (status == 0 && o->argument_count < command->arguments_min)
        status = CTL_USAGE;
    if (status)
        usage_command(command, path, stderr);
    return status;
}

static int found_write(const struct ctl_command *command, const struct ctl_options *o, const json_t *found)
{
    if (!o->json) {
        command->show(o, found);
        return 0;
    }
    if (json_dumpf(found, stdout, JSON_INDENT(2)) < 0)
        return CTL_FAILED;
    putchar('\n');
    return 0;
}

static int command_call(const struct ctl_command *command, const char *path, int argc, char **argv)
{
    struct ctl_options o = {.timeout_s = 10};
    int status = options_read(command, path, argc, argv, &o);
    if (status)
        return status;
    if (o.help) {
        usage_command(command, path, stdout);
        return CTL_OK;
    }
    if (o.json && o.html)
        return ctl_misuse("--json and --html: expected one of them");
    status = command->stream ? command->stream(&o) : CTL_GO_ON;
    if (status != CTL_GO_ON)
        return status;
    json_t *found = json_object();
    if (!found)
        return ctl_fail("out of memory");
    status = command->find(&o, found);
    if ((status <= CTL_FINDING || status == CTL_DOWN) && found_write(command, &o, found))
        status = CTL_FAILED;
    json_decref(found);
    return status;
}

int command_run(const struct ctl_command *table, const char *path, int argc, char **argv)
{
    char longer[PATH_MAX_WORDS];
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        usage_group(table, path, stdout);
        return CTL_OK;
    }
    for (const struct ctl_command *command = table; argc > 0 && command->name; command++) {
        if (strcmp(command->name, argv[0]) != 0)
            continue;
        if (!command->commands && !command->run)
            return command_call(command, path, argc, argv);
        snprintf(longer, sizeof longer, "%s %s", path, command->name);
        if (command->run)
            return command->run(longer, argc - 1, argv + 1);
        return command_run(command->commands, longer, argc - 1, argv + 1);
    }
    if (argc > 0)
        fprintf(stderr, "%s: there is no command \"%s\"\n", path, argv[0]);
    usage_group(table, path, stderr);
    return CTL_USAGE;
}
