/*
 * sallyport, the administrator's tool: commands in tables, options in one place, and one way of saying what was found.
 * A command makes one JSON object of all that it found; text and HTML are made of that object, so that --json never
 * says less or something else.
 */
#pragma once

#include <jansson.h>
#include <sallyport/types.h>

#include "base/util.h"

#define CTL_DIRECTORIES_MAX 16u
#define CTL_KEYS_MAX 16u
#define CTL_ARGUMENTS_MAX 32u

enum {
    CTL_OK = 0,
    CTL_FINDING = 1,  /* a difference, a refusal, something that the policy does not allow */
    CTL_USAGE = 2,    /* the command line is wrong */
    CTL_DOWN = 3,     /* `status`: nobody is served */
    CTL_FAILED = 255, /* it could not be found out */
    CTL_GO_ON = -1,   /* of `stream` alone: this time there is one object, to be found and shown */
};

struct ctl_options {
    const char *directories[CTL_DIRECTORIES_MAX]; /* --directory */
    size_t directory_count;
    const char *keys[CTL_KEYS_MAX]; /* --keys */
    size_t key_count;
    const char *config, *token, *trust, *client, *clients_directory, *socket, *policy, *address, *has, *file,
        *days, *server, *output, *root, *connection, *event, *serve;
    const char *arguments[CTL_ARGUMENTS_MAX];
    size_t argument_count;
    unsigned timeout_s;
    bool json, html, help, all, force, every, follow;
};

/* Options besides --json and --help that a command takes, as bits. */
enum ctl_option {
    CTL_DIRECTORY = 1 << 0,
    CTL_CONFIG = 1 << 1,
    CTL_TOKEN = 1 << 2,
    CTL_HTML = 1 << 3,
    CTL_TRUST = 1 << 4,
    CTL_KEYS = 1 << 5,
    CTL_CLIENT = 1 << 6,
    CTL_CLIENTS_DIRECTORY = 1 << 7,
    CTL_SOCKET = 1 << 8,
    CTL_POLICY = 1 << 9,
    CTL_ADDRESS = 1 << 10,
    CTL_TIMEOUT = 1 << 11,
    CTL_ALL = 1 << 12,
    CTL_HAS = 1 << 13,
    CTL_FILE = 1 << 14,
    CTL_DAYS = 1 << 15,
    CTL_SERVER = 1 << 16,
    CTL_FORCE = 1 << 17,
    CTL_OUTPUT = 1 << 18,
    CTL_ROOT = 1 << 19,
    CTL_EVERY = 1 << 20,
    CTL_FOLLOW = 1 << 21,
    CTL_CONNECTION = 1 << 22,
    CTL_EVENT = 1 << 23,
    CTL_SERVE = 1 << 24,
};

/*
 * A row: either a group of commands, or a command. `find` fills *found (a JSON object, the caller's also when it fails)
 * and returns an exit status; for CTL_FAILED and CTL_USAGE it has said why on standard error. `show` writes what was found
 * as text.
 */
struct ctl_command {
    const char *name;      /* NULL behind the last row */
    const char *arguments; /* for the usage line */
    const char *summary;
    const struct ctl_command *commands;
    unsigned options;
    size_t arguments_min, arguments_max;
    int (*run)(const char *path, int argc,
               char **argv); /* instead of all behind it: a group with options of its own */
    int (*find)(const struct ctl_options *options, json_t *found);
    void (*show)(const struct ctl_options *options, const json_t *found);
    /* Before both, for what is not one object, or never ends: an exit status, or CTL_GO_ON. NULL: always one object. */
    int (*stream)(const struct ctl_options *options);
};

extern const struct ctl_command policy_commands[];

/* Runs what the rest of a command line asks for. */
int command_run(const struct ctl_command *table, const char *path, int argc, char **argv) MUST_USE;

/* "sallyport: ..." on standard error; returns CTL_FAILED, for the caller to return. */
int ctl_fail(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same, and CTL_USAGE. */
int ctl_misuse(const char *format, ...) PRINTF_LIKE(1, 2);
