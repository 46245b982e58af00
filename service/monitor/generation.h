/*
 * Generations of the configuration. A new one is read, sealed and made current in four steps, each of which can refuse:
 *
 *   read and checked here -> configure: signer proves every key -> prepare: zygote is ready to serve it -> current
 *
 * Connections keep the generation they began with; one that nobody uses is forgotten. A refused one changes nothing. A first
 * one whose host keys are all away is not refused: it waits with the signer until one has been found.
 */
#pragma once

#include <sallyport/types.h>

#include <systemd/sd-event.h>

#include "config/config.h"

#include "monitor/admission.h"

struct monitor;

enum generation_state {
    GENERATION_CONFIGURING, /* the signer has it */
    GENERATION_PREPARING,   /* the zygote has it */
    GENERATION_CURRENT,
    GENERATION_OLD, /* open connections still use it */
};

struct generation {
    struct generation *next;
    uint64_t number;
    enum generation_state state;
    int snapshot_fd; /* owned, sealed */
    struct config *config;
    struct config_source
        *source; /* to be evaluated for a connection; NULL: there is one policy for everybody */
    char policy[513], digest[65]; /* everybody's, as the signer has resolved it */
    struct admission_limits limits;
    uint8_t *offer; /* owned; the signer's answer */
    size_t offer_size;
    uint8_t *host_keys; /* owned; as the signer describes them */
    size_t host_keys_size;
    uint32_t users;    /* connections */
    int64_t loaded_s;  /* when it was read: seconds since the epoch */
    bool at_signer;    /* known on the signer's present link */
    bool waits;        /* no host key can sign yet: the signer looks for one, and answers when it has */
    unsigned refusals; /* by a signer that had accepted it before */
    uint16_t slot;     /* in the store; 0: none */
};

struct generations {
    struct generation *list;
    struct generation *current, *loading; /* in list; NULL: none */
    uint64_t last_number;
    uint64_t zygote_number;     /* what the zygote serves; 0: nothing */
    uint32_t prepares;          /* unanswered on the zygote's present link */
    uint64_t loads;             /* how often one was tried to be put in force */
    bool refused;               /* the last of these */
    bool again;                 /* a reload was asked for during one */
    sd_event_source *deadline;  /* of the loading one */
    sd_event_source *configure; /* delay before the signer is asked again */
};

/* Reads the configuration and sets the steps in motion. 0; or negative, said in the log, and nothing has changed. */
int generation_load(struct monitor *m) MUST_USE;
/* Reads and checks only: for generation_load() and `sallyportd -t`. *source and *config: the caller's. */
struct monitor_options;
int generation_read(const struct monitor_options *options, struct config_source **source,
                    struct config **config, struct config_error *error) MUST_USE;
/* SIGHUP. */
void generation_reload(struct monitor *m);
void generations_free(struct monitor *m);

/* A connection begins with the current one, which must exist; and ends. */
struct generation *generation_enter(struct monitor *m);
void generation_leave(struct monitor *m, struct generation *g);
/* The name of the policy that a client gets, by its addresses and the listener it came to: "" for everybody's, where there is but one. -errno: it
 * cannot be found now. */
struct address;
int generation_policy(const struct generation *g, const struct address *remote, const struct address *local,
                      const char *listener, char policy[513]) MUST_USE;
/* Whether the zygote serves the current one, and nothing is on its way to it. */
bool generation_is_served(const struct monitor *m);

/* One that another monitor had, for connections that go on. Nobody uses it yet. Takes *config and snapshot_fd on success. 0 or
 * -errno. */
struct msg_stored_generation;
int generation_take_over(struct monitor *m, const struct msg_stored_generation *record,
                         struct config **config, int snapshot_fd, struct generation **out) MUST_USE;
struct generation *generation_find(struct monitor *m, uint64_t number);

/* Links that came and went. */
void generations_signer_connected(struct monitor *m);
void generations_signer_lost(struct monitor *m);
void generations_zygote_connected(struct monitor *m);
void generations_zygote_lost(struct monitor *m);

/* Answers. A number that we do not know (any more) means nothing. */
struct msg_configured;
struct msg_unconfigured;
void generation_configured(struct monitor *m, const struct msg_configured *configured);
void generation_host_keys(struct monitor *m, uint64_t number, struct sp_span keys);
void generation_unconfigured(struct monitor *m, const struct msg_unconfigured *unconfigured);
void generation_prepared(struct monitor *m, uint64_t number);
void generation_unprepared(struct monitor *m, uint64_t number, struct sp_span why);
