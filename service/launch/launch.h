/*
 * sallyport-launch: the service manager for machines, containers and tests without systemd. It binds the sockets, starts
 * the programs with them, starts again what dies, and ends everything when it is told to. Nothing else.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/listen.h"
#include "base/loop.h"
#include "base/util.h"
#include "config/config.h"

struct launch_options {
    const char *config_path;
    const char *runtime_dir; /* NULL: a fresh one, removed at the end */
    const char *ready_file;  /* NULL: none */
    const char *state_dir;   /* the signer's; made if it is not there */
    pid_t reload_pid;        /* --reload; 0: none */
    char overrides[8192];    /* -o, as lines of the configuration */
};

enum launch_user { USER_MONITOR, USER_SIGNER, USER_WORKER, USER_ROOT, USERS };

struct launch_ids {
    uid_t uid;
    gid_t gid;
    bool named; /* has an entry in the user database */
};

enum program_index { PROGRAM_SIGNER, PROGRAM_WORKER, PROGRAM_SESSION, PROGRAM_MONITOR, PROGRAMS };

struct launch;

/* fdstore.c: what the monitor has kept for the one after it (sd_notify(3), FDSTORE=1). */
#define FDSTORE_NAME_MAX 32u

struct fdstore_item {
    int fd; /* owned */
    char name[FDSTORE_NAME_MAX];
};

struct fdstore {
    struct fdstore_item *items;
    size_t count, room;
    size_t octets; /* of names, each with one more */
    bool refused;  /* something, and that was said */
};

/* One of the programs that are kept running. */
struct program {
    struct launch *launch;
    enum program_index index;
    pid_t pid;  /* 0: not running */
    int socket; /* its listening socket; -1 for the monitor, which has the network's */
    uint64_t started_ms;
    unsigned failures; /* quick deaths in a row */
    struct loop_source *retry;
};

struct launch {
    struct launch_options options;
    struct loop *loop;
    struct launch_ids ids[USERS];
    char runtime_dir[PATH_MAX];
    char program_dir[PATH_MAX]; /* where this program lies */
    int control_fd;             /* the monitor's control socket */
    int runtime_fd;
    bool runtime_made;              /* by us: to be removed */
    char policy_trust[PATH_MAX];    /* PolicyTrust at our start, for the signer; "": none */
    char policy[CONFIG_POLICY_MAX]; /* Policy then, which goes with it */
    char modules[CONFIG_MODULES_MAX]
                [PATH_MAX]; /* LoadModule at our start, as far as it is the workers' matter */
    size_t module_count;
    bool options_changed[PROGRAMS]; /* --prepare: what root says to it is not what it said before */
    int notify_fd;
    struct fdstore store;
    rlim_t descriptors, descriptors_max; /* our limits before we needed more */
    struct listen_sockets network;
    struct program programs[PROGRAMS];
    bool ready, stopping;
    int code; /* to exit with */
};

/* ids.c */
void ids_find(struct launch_ids ids[USERS]);
void ids_print(const struct launch_ids ids[USERS]);
/* The sentence about users that do not exist, on standard error. */
void ids_report(const struct launch_ids ids[USERS]);

/* configuration.c: reads the configuration as root, leaves it, packed, where the monitor can read it, and opens the
 * listening sockets. 0, or negative and said. */
int configuration_open(struct launch *l) MUST_USE;
/* The same without the sockets, for the monitor to reload; what is wrong with the new one is left there too, for its log. 0,
 * or negative: nothing has changed. */
int configuration_renew(struct launch *l);
/* For programs that a service manager starts: the snapshot, and what the programs are to be told by root, in files of options.
 * A configuration that cannot be used changes nothing: where one was prepared before, that one stays in force. 0, or negative
 * and said: there is none. */
int configuration_prepare(struct launch *l) MUST_USE;

/* runtime.c: the directory, and it with the sockets in it. 0, or negative and said. */
int runtime_directory(struct launch *l) MUST_USE;
int runtime_open(struct launch *l) MUST_USE;
void runtime_close(struct launch *l);
/* Lets the members of a group ask on the control socket; "none": root alone. 0, or negative and said. */
int runtime_share_control(const struct launch *l, const char *group) MUST_USE;
/* A file in the directory, renamed into place: who reads it reads the old one or the new one. 0 or -errno. */
int runtime_file(const struct launch *l, const char *name, const struct launch_ids *owner, mode_t mode,
                 struct sp_span contents) MUST_USE;
#define RUNTIME_SNAPSHOT "config.snapshot"
#define RUNTIME_REFUSED RUNTIME_SNAPSHOT ".refused" /* as the monitor calls it */
/* The signer's directory, where refused PINs are remembered. 0, or negative and said. */
int state_open(const struct launch *l) MUST_USE;
#define RUNTIME_NOTIFY "notify.sock"
#define RUNTIME_CONTROL "control.sock"

/* prepare.c: does what only root can do before a service manager starts a program, or has it reload: reads the configuration.
 * monitor: the process to be told afterwards; 0: none. An exit status. */
int prepare_main(struct launch *l, pid_t monitor);
/* verdict.c: how many configurations the monitor has tried to put in force; and whether the one after those is. 0,
 * VERDICT_E_REFUSED (its log says why) or -errno. */
int verdict_begin(const struct launch *l, uint64_t *loads) MUST_USE;
int verdict_await(const struct launch *l, uint64_t loads) MUST_USE;
enum { VERDICT_E_REFUSED = 1 };
/* options.c: what the programs are told by root besides the configuration, in a file for each that arguments_expand() reads. Notes
 * in options_changed which programs have been told something else before. 0 or -errno. */
int options_write(struct launch *l) MUST_USE;

/* ready.c: hears the monitor say READY=1, and passes it on; keeps what it wants kept. */
int ready_watch(struct launch *l) MUST_USE;
/* What the monitor has said before it died. */
void ready_drain(struct launch *l);

bool fdstore_name_valid(const char *name);
/* Takes fd. */
void fdstore_add(struct fdstore *store, const char *name, int fd);
void fdstore_remove(struct fdstore *store, const char *name);
void fdstore_free(struct fdstore *store);

/* programs.c */
int programs_start(struct launch *l) MUST_USE;
/* Collects children that have died. */
int programs_reap(struct launch *l) MUST_USE;
/* execution.c: forks and executes it. 0 or -errno. */
int program_execute(struct program *p) MUST_USE;
const char *program_name(enum program_index index);
/* Of our own descriptors: those that are kept are many. */
void limits_raise(struct launch *l);

/* stop.c: ends everything that descends from us, and waits until it is gone. */
void everything_stop(struct launch *l);

/* "sallyport: ..." on standard error. */
void launch_say(const char *format, ...) PRINTF_LIKE(1, 2);
