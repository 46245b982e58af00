/*
 * The load of the benches: connections to a server by libssh, with curve25519-sha256 and, by default, an Ed25519 host key. Input:
 * arguments; output: one line of figures. Its own cost is in no server's account.
 *
 *   load handshakes HOST PORT COUNT PROCESSES [ALGORITHM]        connect, exchange keys with that host key, close
 *   load logins     HOST PORT COUNT PROCESSES USER KEY COMMAND   the same and a login and a command
 *   load echo       HOST PORT COUNT TTY USER KEY                 one octet there and back, COUNT times
 *   load hold       HOST PORT COUNT - [USER KEY COMMAND]         COUNT connections, held until standard input ends
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libssh/libssh.h>

struct target {
    const char *host, *port, *user, *command, *host_key;
    ssh_key key; /* NULL: nobody logs in */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void give_up(const char *what, ssh_session session)
{
    fprintf(stderr, "%s: %s\n", what, session ? ssh_get_error(session) : "out of memory");
    exit(EXIT_FAILURE);
}

static void option_set(ssh_session session, enum ssh_options_e option, const void *value)
{
    if (ssh_options_set(session, option, value) != SSH_OK)
        give_up("option", session);
}

/* Connections come from ever other addresses of 127.0.0.0/8, because Dropbear bounds them by address. */
static void source_set(ssh_session session)
{
    static unsigned last;
    char source[32];
    last = (last + 1) % 200;
    snprintf(source, sizeof source, "127.0.%d.%u", (int)(getpid() % 250) + 1, last + 2);
    option_set(session, SSH_OPTIONS_BINDADDR, source);
}

static ssh_session session_open(const struct target *target)
{
    bool no_config = false;
    long timeout_s = 60;
    int no_delay = 1;
    ssh_session session = ssh_new();
    if (!session)
        give_up("session", NULL);
    option_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no_config);
    option_set(session, SSH_OPTIONS_HOST, target->host);
    option_set(session, SSH_OPTIONS_PORT_STR, target->port);
    option_set(session, SSH_OPTIONS_USER, target->user);
    source_set(session);
    option_set(session, SSH_OPTIONS_TIMEOUT, &timeout_s);
    option_set(session, SSH_OPTIONS_NODELAY, &no_delay);
    option_set(session, SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256");
    option_set(session, SSH_OPTIONS_HOSTKEYS, target->host_key);
    option_set(session, SSH_OPTIONS_CIPHERS_C_S, "aes128-ctr");
    option_set(session, SSH_OPTIONS_CIPHERS_S_C, "aes128-ctr");
    option_set(session, SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256");
    option_set(session, SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256");
    if (ssh_connect(session) != SSH_OK)
        give_up("connect", session);
    if (target->key && ssh_userauth_publickey(session, NULL, target->key) != SSH_AUTH_SUCCESS)
        give_up("login", session);
    return session;
}

static void session_close(ssh_session session)
{
    ssh_disconnect(session);
    ssh_free(session);
}

static ssh_channel channel_open(ssh_session session, const char *command, bool tty)
{
    ssh_channel channel = ssh_channel_new(session);
    if (!channel || ssh_channel_open_session(channel) != SSH_OK ||
        (tty && ssh_channel_request_pty(channel) != SSH_OK) ||
        ssh_channel_request_exec(channel, command) != SSH_OK)
        give_up("channel", session);
    return channel;
}

static void command_run(ssh_session session, const char *command)
{
    char piece[4096];
    ssh_channel channel = channel_open(session, command, false);
    while (ssh_channel_read(channel, piece, sizeof piece, 0) > 0)
        ;
    if (ssh_channel_get_exit_status(channel) != 0)
        give_up("command", session);
    ssh_channel_free(channel);
}

static void connect_often(const struct target *target, int count)
{
    for (int i = 0; i < count; i++) {
        ssh_session session = session_open(target);
        if (target->command)
            command_run(session, target->command);
        session_close(session);
    }
}

/* Each process takes its share; prints how long all of them took together. */
static void connect_parallel(const struct target *target, int count, int processes)
{
    uint64_t start = now_ns();
    for (int i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child < 0)
            give_up("fork", NULL);
        if (child == 0) {
            connect_often(target, count / processes);
            exit(EXIT_SUCCESS);
        }
    }
    for (int i = 0; i < processes; i++) {
        int status;
        if (wait(&status) < 0 || status != 0)
            give_up("a client failed", NULL);
    }
    printf("%d %.6f\n", count / processes * processes, (double)(now_ns() - start) / 1e9);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Prints the median and the 95th percentile in microseconds. */
static void measure_echo(const struct target *target, int count, bool tty)
{
    uint64_t *took = calloc((size_t)count, sizeof *took);
    ssh_session session = session_open(target);
    ssh_channel channel = channel_open(session, tty ? "stty raw -echo; exec cat" : "exec cat", tty);
    usleep(300000);
    for (int i = 0; took && i < count; i++) {
        char octet = 'x';
        uint64_t start = now_ns();
        if (ssh_channel_write(channel, &octet, 1) != 1 || ssh_channel_read(channel, &octet, 1, 0) != 1)
            give_up("echo", session);
        took[i] = now_ns() - start;
        usleep(1000);
    }
    if (!took)
        give_up("echo", NULL);
    qsort(took, (size_t)count, sizeof *took, compare_u64);
    printf("%.1f %.1f\n", (double)took[count / 2] / 1e3, (double)took[count * 95 / 100] / 1e3);
    free(took);
    ssh_channel_free(channel);
    session_close(session);
}

static void hold(const struct target *target, int count)
{
    for (int i = 0; i < count; i++) {
        ssh_session session = session_open(target);
        if (target->command)
            channel_open(session, target->command, false);
    }
    printf("ready\n");
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

static int usage(void)
{
    fprintf(stderr, "usage: see the first comment of load.c\n");
    return 64;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return usage();
    bool logs_in = argc > 6 && strcmp(argv[1], "handshakes") != 0;
    struct target target = {.host = argv[2],
                            .port = argv[3],
                            .user = logs_in ? argv[6] : "nobody",
                            .host_key = argc > 6 && !logs_in ? argv[6] : "ssh-ed25519"};
    int count = atoi(argv[4]), parameter = atoi(argv[5]);
    if (argc > 7 && ssh_pki_import_privkey_file(argv[7], NULL, NULL, NULL, &target.key) != SSH_OK)
        give_up("key", NULL);
    if (argc > 8)
        target.command = argv[8];
    if (count < 1 || parameter < 0)
        return usage();
    if (!strcmp(argv[1], "handshakes") || !strcmp(argv[1], "logins"))
        connect_parallel(&target, count, parameter > 0 ? parameter : 1);
    else if (!strcmp(argv[1], "echo"))
        measure_echo(&target, count, parameter != 0);
    else if (!strcmp(argv[1], "hold"))
        hold(&target, count);
    else
        return usage();
    return EXIT_SUCCESS;
}
