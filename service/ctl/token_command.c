/* Commands about tokens and keys. Input: tables of them and the words behind "sallyport token" or "sallyport key". Output:
 * the steps' calls in order, and what they found as text or JSON. */
#include "ctl/token_command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/key_log.h"
#include "ctl/key_rotate.h"
#include "ctl/token_child.h"

#define PATH_MAX_WORDS 64u

/* ---- tables ------------------------------------------------------------------------------------------------ */

static const struct token_command token_commands[] = {
    {.name = "list",
     .arguments = "",
     .summary = "the module's slots and tokens, and whether their PINs may be sent",
     .options = OPTIONS_TOKEN,
     .work = token_list_work,
     .show = token_list_show},
    {.name = "init",
     .arguments = " --label LABEL",
     .summary = "make a token ready: a label, a security officer's PIN and a user's PIN",
     .options = OPTIONS_TOKEN | OPTION_LABEL | OPTION_SO_PIN_FILE | OPTION_REINITIALISE,
     .before = token_init_before,
     .work = token_init_work,
     .show = token_init_show},
    {0},
};

#define KEYS_ROW .login = true, .arguments_max = TOKEN_ARGUMENTS_MAX

static const struct token_command key_commands[] = {
    {.name = "generate",
     .arguments = " --type TYPE --label LABEL",
     .summary =
         "make a key in the token: ed25519, ecdsa-p256, ecdsa-p384, ecdsa-p521, rsa-2048, rsa-3072, rsa-4096",
     .options = OPTIONS_TOKEN | OPTION_TYPE | OPTION_LABEL,
     .login = true,
     .read_write = true,
     .before = key_generate_before,
     .work = key_generate_work,
     .show = key_generate_show},
    {.name = "list",
     .arguments = "",
     .summary = "the token's keys: what each is, and whether the configuration uses it",
     .options = OPTIONS_TOKEN,
     .login = true,
     .work = key_list_work,
     .show = key_list_show},
    {.name = "import",
     .arguments = " FILE --label LABEL",
     .summary = "put an OpenSSH or PEM host key into the token",
     .options = OPTIONS_TOKEN | OPTION_LABEL,
     .arguments_min = 1,
     .arguments_max = 1,
     .login = true,
     .read_write = true,
     .before = key_import_before,
     .work = key_import_work,
     .show = key_import_show},
    {.name = "log", .summary = "the chain of signatures that the keys have made", .run = key_log_run},
    {.name = "public",
     .arguments = " [LABEL...]",
     .summary = "public keys, as in authorized_keys",
     .options = OPTIONS_TOKEN,
     KEYS_ROW,
     .work = key_public_work,
     .show = key_public_show},
    {.name = "sshfp",
     .arguments = " NAME",
     .summary = "resource records for the DNS (RFC 4255, RFC 7479), with SHA-256",
     .options = OPTIONS_TOKEN | OPTION_LABEL,
     .arguments_min = 1,
     .arguments_max = 1,
     .login = true,
     .work = key_blobs_work,
     .after = key_sshfp_after,
     .show = key_lines_show},
    {.name = "known-hosts",
     .arguments = " NAME[:PORT]...",
     .summary = "lines for clients' known_hosts",
     .options = OPTIONS_TOKEN | OPTION_LABEL | OPTION_HASH,
     .arguments_min = 1,
     KEYS_ROW,
     .before = key_known_hosts_before,
     .work = key_blobs_work,
     .after = key_known_hosts_after,
     .show = key_lines_show},
    {.name = "test",
     .arguments = " [LABEL...]",
     .summary = "sign and verify with every key and every algorithm of it",
     .options = OPTIONS_TOKEN,
     KEYS_ROW,
     .work = key_test_work,
     .show = key_test_show},
    {.name = "certify",
     .arguments = " --request FILE | --install CERTIFICATE",
     .summary = "a host certificate: the public key for the authority, and what it answers",
     .options = OPTIONS_TOKEN | OPTION_LABEL | OPTION_REQUEST | OPTION_INSTALL | OPTION_DIRECTORY,
     .login = true,
     .before = key_certify_before,
     .work = key_blobs_work,
     .after = key_certify_after,
     .show = key_certify_show},
    {.name = "rotate", .summary = "replacing a host key that clients know", .run = key_rotate_run},
    {.name = "retire",
     .arguments = " LABEL",
     .summary = "destroy a key that the configuration does not use any more",
     .options = OPTIONS_TOKEN | OPTION_YES,
     .arguments_min = 1,
     .arguments_max = 1,
     .login = true,
     .read_write = true,
     .reads_any_config = true,
     .work = key_retire_work,
     .show = key_retire_show},
    {.name = "attest",
     .arguments = "",
     .summary = "a statement about token, keys and policy, signed by every key",
     .options = OPTIONS_TOKEN | OPTION_NONCE | OPTION_OUTPUT | OPTION_VERIFY | OPTION_KEYS | OPTION_SOCKET,
     .login = true,
     .before = key_attest_before,
     .work = key_attest_work,
     .after = key_attest_after,
     .show = key_attest_show},
    {0},
};

static const struct {
    enum token_option bit;
    const char *name, *argument, *summary;
    size_t field; /* of struct token_options: const char * with an argument, else bool */
} rows[] = {
#define ROW(bit_, name_, argument_, field_, summary_)                                                        \
    {                                                                                                        \
        bit_, name_, argument_, summary_, offsetof(struct token_options, field_)                             \
    }
    ROW(OPTION_CONFIG, "config", "FILE", config, "the configuration (-f); " TOKEN_CONFIG " without --module"),
    ROW(OPTION_MODULE, "module", "PATH", module, "the PKCS#11 module, instead of TokenModule"),
    ROW(OPTION_TOKEN, "token", "LABEL", token, "the token, where there are several"),
    ROW(OPTION_PIN_FILE, "pin-file", "FILE", pin_file, "a file with the PIN, instead of TokenPIN"),
    ROW(OPTION_ENVIRONMENT, "environment", "NAME=VALUE", environment,
        "what the module wants in its environment, instead of TokenEnvironment; may be repeated"),
    ROW(OPTION_USER, "user", "UID:GID", user,
        "whom to become before the module is loaded, instead of the signer's user"),
    ROW(OPTION_AS_ROOT, "as-root", NULL, as_root, "stay root, for a token that nobody else can reach"),
    ROW(OPTION_STATE_DIR, "state-dir", "DIR", state_dir,
        "where the signer remembers refused PINs; " TOKEN_STATE_DIRECTORY),
    ROW(OPTION_SO_PIN_FILE, "so-pin-file", "FILE", so_pin_file,
        "a file with the security officer's PIN, which is made if it does not exist"),
    ROW(OPTION_LABEL, "label", "LABEL", label, "the name of the token, or of the key"),
    ROW(OPTION_TYPE, "type", "TYPE", type, "what key to make"),
    ROW(OPTION_REINITIALISE, "reinitialise", NULL, reinitialise,
        "even a token in use, which destroys all its keys"),
    ROW(OPTION_YES, "yes", NULL, yes, "do not ask for the label to be typed"),
    ROW(OPTION_HASH, "hash", NULL, hash, "hide the names, as ssh-keygen -H does"),
    ROW(OPTION_REQUEST, "request", "FILE", request, "write the public key for the certificate authority"),
    ROW(OPTION_INSTALL, "install", "CERTIFICATE", install, "check the authority's certificate, and copy it"),
    ROW(OPTION_DIRECTORY, "directory", "DIR", directory,
        "where it is copied to; /etc/sallyport/certificates"),
    ROW(OPTION_NONCE, "nonce", "TEXT", nonce, "what whoever asked for the statement wants to find in it"),
    ROW(OPTION_OUTPUT, "output", "DIR", output,
        "write the statement and its signatures as files for ssh-keygen"),
    ROW(OPTION_VERIFY, "verify", "FILE", verify, "check such a statement instead"),
    ROW(OPTION_KEYS, "keys", "FILE", keys, "the public keys that it has to be by"),
    ROW(OPTION_SOCKET, "socket", "PATH", socket, "the running server's control socket"),
#undef ROW
};

/* ---- options ----------------------------------------------------------------------------------------------- */

static void usage_group(const struct token_command *table, const char *path, FILE *to)
{
    fprintf(to, "usage: %s COMMAND ...\n\ncommands:\n", path);
    for (; table->name; table++)
        fprintf(to, "  %-12s %s\n", table->name, table->summary);
}

static void usage_command(const struct token_command *command, const char *path, FILE *to)
{
    fprintf(to, "usage: %s %s%s [OPTION...]\n\n%s\n\noptions:\n", path, command->name, command->arguments,
            command->summary);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char left[48];
        if (!(command->options & (unsigned)rows[i].bit))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        fprintf(to, "  %-26s %s\n", left, rows[i].summary);
    }
    fprintf(to, "  %-26s %s\n  %-26s %s\n", "--json", "write JSON", "--help", "write this");
}

static int option_take(struct token_options *o, size_t row, const char *value)
{
    char *field = (char *)o + rows[row].field;
    if (rows[row].bit == OPTION_ENVIRONMENT) {
        if (o->environment_count == TOKEN_ENVIRONMENT_MAX)
            return ctl_misuse("--environment: expected at most %u of them", TOKEN_ENVIRONMENT_MAX);
        o->environment[o->environment_count++] = value;
        return 0;
    }
    if (!rows[row].argument) {
        *(bool *)(void *)field = true;
        return 0;
    }
    if (!*value)
        return ctl_misuse("--%s: expected %s, got nothing", rows[row].name, rows[row].argument);
    *(const char **)(void *)field = value;
    return 0;
}

static void longs_make(const struct token_command *command, struct option longs[ARRAY_SIZE(rows) + 3])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (command->options & (unsigned)rows[i].bit)
            longs[n++] = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument,
                                         NULL, (int)(256 + i)};
    longs[n++] = (struct option){"json", no_argument, NULL, 'j'};
    longs[n++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n] = (struct option){0};
}

/* getopt_long() takes the beginning of a name for the name: --pin would be --pin-file, with a PIN for all to see. */
static int names_check(const struct option *longs, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + 2;
        size_t size = strcspn(name, "=");
        const struct option *known = longs;
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        while (known->name && (strlen(known->name) != size || strncmp(known->name, name, size) != 0))
            known++;
        if (!known->name)
            return ctl_misuse("there is no option --%.*s here", (int)size, name);
        i += known->has_arg == required_argument && name[size] == 0;
    }
    return 0;
}

/* argv[0] is the command's name. */
static int options_read(const struct token_command *command, const char *path, int argc, char **argv,
                        struct token_options *o)
{
    struct option longs[ARRAY_SIZE(rows) + 3];
    static char program[PATH_MAX_WORDS]; /* argv[0] points to it from here on */
    int option, status;
    snprintf(program, sizeof program, "%s %s", path, command->name);
    longs_make(command, longs);
    argv[0] = program;
    status = names_check(longs, argc, argv);
    while (status == 0 && (option = getopt_long(argc, argv, "hf:", longs, NULL)) != -1) {
        if (option == 'j')
            o->json = true;
        else if (option == 'h')
            o->help = true;
        else if (option == 'f')
            o->config = optarg;
        else if (option >= 256)
            status = option_take(o, (size_t)option - 256, optarg);
        else
            status = CTL_USAGE;
    }
    if (status == 0 && o->help)
        return 0;
    for (; status == 0 && optind < argc; optind++) {
        if (o->argument_count == command->arguments_max)
            status =
                ctl_misuse("\"%s\": expected at most %zu arguments", argv[optind], command->arguments_max);
        else
            o->arguments[o->argument_count++] = argv[optind];
    }
    if (status == 0 && o->argument_count < command->arguments_min)
        status = CTL_USAGE;
    if (status)
        usage_command(command, path, stderr);
    return status;
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

static int steps_run(const struct token_command *command, struct token_run *run, json_t *found)
{
    /* A statement is checked where there is no token, and no configuration. */
    int status = run->o.verify ? 0 : token_setup_open(&run->o, command->reads_any_config, &run->setup);
    if (status == 0 && command->before)
        status = command->before(run, found);
    if (run->done || status > CTL_FINDING)
        return status;
    status = token_child_run(command, run, found);
    if (status <= CTL_FINDING && command->after) {
        int after = command->after(run, found);
        status = after > status ? after : status;
    }
    return status;
}

/* PIN files of a token that was not touched are of no use to anybody; of any other they may be all that there is. */
static void run_end(struct token_run *run, int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(run->made); i++)
        if (status != CTL_OK && run->made[i][0] && !(run->begun && *run->begun))
            unlink(run->made[i]);
    if (run->begun)
        munmap(run->begun, sizeof *run->begun);
    if (run->input_fd >= 0)
        close(run->input_fd);
    secret_wipe(&run->so_pin);
    json_decref(run->given);
    token_setup_free(&run->setup);
}

static int found_write(const struct token_command *command, const struct token_run *run, const json_t *found)
{
    if (!run->o.json) {
        command->show(run, found);
        return 0;
    }
    if (json_dumpf(found, stdout, JSON_INDENT(2)) < 0)
        return CTL_FAILED;
    putchar('\n');
    return 0;
}

static int command_call(const struct token_command *command, const char *path, int argc, char **argv)
{
    CLEANUP_FREE struct token_run *run = calloc(1, sizeof *run);
    json_t *found = json_object();
    if (!run || !found)
        return ctl_fail("out of memory");
    run->input_fd = -1;
    int status = options_read(command, path, argc, argv, &run->o);
    if (status == 0 && run->o.help) {
        usage_command(command, path, stdout);
    } else if (status == 0) {
        status = steps_run(command, run, found);
        if (status <= CTL_FINDING && found_write(command, run, found))
            status = CTL_FAILED;
    }
    run_end(run, status);
    json_decref(found);
    return status;
}

static int group_run(const struct token_command *table, const char *path, int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        usage_group(table, path, stdout);
        return CTL_OK;
    }
    for (const struct token_command *command = table; argc > 0 && command->name; command++) {
        if (strcmp(command->name, argv[0]) != 0)
            continue;
        if (!command->run)
            return command_call(command, path, argc, argv);
        char longer[64];
        snprintf(longer, sizeof longer, "%s %s", path, command->name);
        return command->run(longer, argc - 1, argv + 1);
    }
    if (argc > 0)
        fprintf(stderr, "%s: there is no command \"%s\"\n", path, argv[0]);
    usage_group(table, path, stderr);
    return CTL_USAGE;
}

int token_commands_run(const char *path, int argc, char **argv)
{
    return group_run(token_commands, path, argc, argv);
}

int key_commands_run(const char *path, int argc, char **argv)
{
    return group_run(key_commands, path, argc, argv);
}
