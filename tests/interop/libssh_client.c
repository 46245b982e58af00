/*
 * A client of libssh for the interop suite, driven by its arguments and, for `matrix`, by lines on standard input.
 *
 *   libssh_client matrix HOST PORT USER KNOWN_HOSTS KEY           lines "kex hostkey cipher mac" in, "ok" or why not out
 *   libssh_client exec   HOST PORT USER KNOWN_HOSTS METHOD SECRET REKEY COMMAND
 *   libssh_client shell  (as exec; COMMAND is what is typed into a shell on a pseudo-terminal)
 *   libssh_client put    (as exec; COMMAND is the remote file, its content is standard input; by SFTP)
 *   libssh_client get    (as exec; the remote file goes to standard output; by SFTP)
 *
 * METHOD: publickey (SECRET is a private key file), password, keyboard-interactive. REKEY: octets, 0 for the default.
 * Environment: COMPRESSION=yes.
 * Exit status: the program's own; 255 for a failed connection, 254 for refused credentials.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/libssh.h>
#include <libssh/sftp.h>

enum { STATUS_CONNECT = 255, STATUS_REFUSED = 254, PIECE = 32 * 1024 };

struct choice {
    const char *kex, *host_key, *cipher, *mac;
};

struct login {
    const char *host, *port, *user, *known_hosts, *method, *secret;
    uint64_t rekey;
};

static int option_set(ssh_session session, enum ssh_options_e option, const void *value)
{
    return value && ssh_options_set(session, option, value) != SSH_OK ? -1 : 0;
}

static int options_choose(ssh_session session, const struct choice *choice)
{
    const struct {
        enum ssh_options_e option;
        const char *value;
    } rows[] = {
        {SSH_OPTIONS_KEY_EXCHANGE, choice->kex},   {SSH_OPTIONS_HOSTKEYS, choice->host_key},
        {SSH_OPTIONS_CIPHERS_C_S, choice->cipher}, {SSH_OPTIONS_CIPHERS_S_C, choice->cipher},
        {SSH_OPTIONS_HMAC_C_S, choice->mac},       {SSH_OPTIONS_HMAC_S_C, choice->mac},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (option_set(session, rows[i].option, rows[i].value) < 0)
            return -1;
    return 0;
}

static ssh_session session_connect(const struct login *login, const struct choice *choice, const char **why)
{
    bool no_config = false;
    long timeout_s = 60;
    *why = "cannot set options";
    ssh_session session = ssh_new();
    if (!session)
        return NULL;
    if (option_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no_config) < 0 ||
        option_set(session, SSH_OPTIONS_HOST, login->host) < 0 ||
        option_set(session, SSH_OPTIONS_PORT_STR, login->port) < 0 ||
        option_set(session, SSH_OPTIONS_USER, login->user) < 0 ||
        option_set(session, SSH_OPTIONS_TIMEOUT, &timeout_s) < 0 ||
        option_set(session, SSH_OPTIONS_KNOWNHOSTS, login->known_hosts) < 0 ||
        option_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") < 0 ||
        option_set(session, SSH_OPTIONS_COMPRESSION, getenv("COMPRESSION")) < 0 ||
        (login->rekey && option_set(session, SSH_OPTIONS_REKEY_DATA, &login->rekey) < 0) ||
        options_choose(session, choice) < 0)
        return session;
    *why = NULL;
    if (ssh_connect(session) != SSH_OK)
        *why = ssh_get_error(session);
    else if (ssh_session_is_known_server(session) != SSH_KNOWN_HOSTS_OK)
        *why = "the server's key is not the one in known_hosts";
    return session;
}

static int auth_by_key(ssh_session session, const char *path)
{
    ssh_key key = NULL;
    if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) != SSH_OK)
        return SSH_AUTH_ERROR;
    int result = ssh_userauth_publickey(session, NULL, key);
    ssh_key_free(key);
    return result;
}

static int auth_by_dialogue(ssh_session session, const char *answer)
{
    int result = ssh_userauth_kbdint(session, NULL, NULL);
    while (result == SSH_AUTH_INFO) {
        int prompts = ssh_userauth_kbdint_getnprompts(session);
        for (int i = 0; i < prompts; i++)
            if (ssh_userauth_kbdint_setanswer(session, (unsigned)i, answer) < 0)
                return SSH_AUTH_ERROR;
        result = ssh_userauth_kbdint(session, NULL, NULL);
    }
    return result;
}

static bool session_log_in(ssh_session session, const struct login *login)
{
    int result = SSH_AUTH_ERROR;
    if (!strcmp(login->method, "publickey"))
        result = auth_by_key(session, login->secret);
    else if (!strcmp(login->method, "password"))
        result = ssh_userauth_password(session, NULL, login->secret);
    else if (!strcmp(login->method, "keyboard-interactive"))
        result = auth_by_dialogue(session, login->secret);
    return result == SSH_AUTH_SUCCESS;
}

static void write_whole(int fd, const char *data, int length)
{
    for (int done = 0; done < length;) {
        ssize_t n = write(fd, data + done, (size_t)(length - done));
        if (n <= 0)
            exit(STATUS_CONNECT);
        done += (int)n;
    }
}

/* Both streams until the end of both; returns the exit status. */
static int channel_drain(ssh_channel channel)
{
    char piece[PIECE];
    while (!ssh_channel_is_eof(channel)) {
        for (int is_error = 0; is_error < 2; is_error++) {
            int n = ssh_channel_read_timeout(channel, piece, sizeof piece, is_error, 20);
            if (n == SSH_ERROR)
                return STATUS_CONNECT;
            if (n > 0)
                write_whole(is_error ? STDERR_FILENO : STDOUT_FILENO, piece, n);
        }
    }
    return ssh_channel_get_exit_status(channel);
}

static int run_exec(ssh_session session, const char *command)
{
    ssh_channel channel = ssh_channel_new(session);
    int status = STATUS_CONNECT;
    if (channel && ssh_channel_open_session(channel) == SSH_OK &&
        ssh_channel_request_exec(channel, command) == SSH_OK && ssh_channel_send_eof(channel) == SSH_OK)
        status = channel_drain(channel);
    ssh_channel_free(channel);
    return status;
}

static int run_shell(ssh_session session, const char *typed)
{
    ssh_channel channel = ssh_channel_new(session);
    int status = STATUS_CONNECT;
    if (channel && ssh_channel_open_session(channel) == SSH_OK &&
        ssh_channel_request_pty_size(channel, "xterm", 101, 31) == SSH_OK &&
        ssh_channel_request_shell(channel) == SSH_OK &&
        ssh_channel_write(channel, typed, (uint32_t)strlen(typed)) == (int)strlen(typed))
        status = channel_drain(channel);
    ssh_channel_free(channel);
    return status;
}

static int file_copy(sftp_file file, bool put)
{
    char piece[PIECE];
    for (;;) {
        ssize_t n = put ? read(STDIN_FILENO, piece, sizeof piece) : sftp_read(file, piece, sizeof piece);
        if (n <= 0)
            return n == 0 ? 0 : STATUS_CONNECT;
        if (!put)
            write_whole(STDOUT_FILENO, piece, (int)n);
        else if (sftp_write(file, piece, (size_t)n) != n)
            return STATUS_CONNECT;
    }
}

static int run_sftp(ssh_session session, const char *path, bool put)
{
    sftp_session sftp = sftp_new(session);
    int status = STATUS_CONNECT;
    if (sftp && sftp_init(sftp) == SSH_OK) {
        sftp_file file = sftp_open(sftp, path, put ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0600);
        if (file) {
            status = file_copy(file, put);
            if (sftp_close(file) != SSH_OK)
                status = STATUS_CONNECT;
        }
    }
    if (sftp)
        sftp_free(sftp);
    return status;
}

static int session_run(ssh_session session, const char *action, const char *argument)
{
    if (!strcmp(action, "exec"))
        return run_exec(session, argument);
    if (!strcmp(action, "shell"))
        return run_shell(session, argument);
    return run_sftp(session, argument, !strcmp(action, "put"));
}

static void session_end(ssh_session session)
{
    if (!session)
        return;
    ssh_disconnect(session);
    ssh_free(session);
}

/* One login and `exit 7` per line. */
static int run_matrix(const struct login *login)
{
    char line[512], kex[128], host_key[128], cipher[128], mac[128];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%127s %127s %127s %127s", kex, host_key, cipher, mac) != 4)
            return STATUS_CONNECT;
        const struct choice choice = {kex, host_key, cipher, mac};
        const char *why;
        ssh_session session = session_connect(login, &choice, &why);
        if (!why && !session_log_in(session, login))
            why = "not logged in";
        if (!why && run_exec(session, "exit 7") != 7)
            why = "the command's exit status is not 7";
        printf("%s\n", why ? why : "ok");
        fflush(stdout);
        session_end(session);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 7 && !strcmp(argv[1], "matrix")) {
        const struct login login = {argv[2], argv[3], argv[4], argv[5], "publickey", argv[6], 0};
        return run_matrix(&login);
    }
    if (argc != 10) {
        fprintf(stderr, "usage: see the first comment of libssh_client.c\n");
        return 64;
    }
    const struct login login = {
        argv[2], argv[3], argv[4], argv[5], argv[6], argv[7], strtoull(argv[8], NULL, 10)};
    const struct choice any = {NULL, NULL, NULL, NULL};
    const char *why;
    int status = STATUS_CONNECT;
    ssh_session session = session_connect(&login, &any, &why);
    if (why)
        fprintf(stderr, "%s\n", why);
    else if (!session_log_in(session, &login))
        status = STATUS_REFUSED;
    else
        status = session_run(session, argv[1], argv[9]);
    session_end(session);
    return status;
}
