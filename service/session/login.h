/*
 * One login: everything that a login process knows. It is started for one connection, asks PAM, opens the user's
 * session, is the parent of that user's programs, closes the session and ends.
 *
 * What it believes, and why: open_login comes over the monitor's link, whose other end only the monitor ever held; it
 * states the user name, the session id and the addresses, and nothing from the worker can change them afterwards. The
 * worker is not trusted: its messages are requests on behalf of whoever is at the other end of the network.
 */
#pragma once

#include "config/config.h"
#include "config/listeners.h"
#include "ipc/link.h"
#include "ipc/log.h"

#include "session/account.h"
#include "session/authenticate.h"
#include "session/pam_stack.h"
#include "session/publickey.h"
#include "session/restrictions.h"
#include "session/rules.h"

/* The descriptors that the accept loop leaves open in a login process. */
enum {
    LOGIN_FD_MONITOR = 3,
    LOGIN_FD_WORKER = 4,
    LOGIN_FD_SNAPSHOT = 5,
};

/* Results of everything between here and main(): the login ends, and whoever had to be told has been told. */
enum {
    LOGIN_E_GONE = 32, /* the worker or, before login, the monitor has closed its link */
    LOGIN_E_OVER = 33, /* we have ended it: auth_over is sent, or a peer broke the protocol */
};

struct login {
    struct link monitor;
    struct link worker;
    struct link_inbox *inbox; /* what the worker sent last */
    struct link_inbox *side;  /* what the monitor or the as-user helper sent last */
    struct log log;
    uint64_t began_ms; /* when this process did (clock_ms()) */

    /* From open_login. */
    uint64_t connection;
    char user[256];
    uint8_t session_id[64];
    size_t session_id_size;
    uint8_t host_key[4096];
    size_t host_key_size;
    char remote_address[65], local_address[65];
    uint16_t remote_port, local_port;
    uint8_t negotiated[2048]; /* of the first exchange; for audit records, and no decision */
    size_t negotiated_size;
    char listener[CONFIG_LISTENER_MAX + 1];

    struct config *config; /* the user's own, after Match */
    struct login_rules rules;
    struct login_rules
        reported; /* those of PolicyMode report, which refuse nothing; not known: there are none */
    struct account account;
    struct authentication auth;
    struct pam_stack pam;
    struct publickey publickey;
    struct restrictions restrictions;
    bool unaudited; /* an audit record could not be written */
};

/* The exit status of a login process that has done everything but write its audit records. */
#define LOGIN_STATUS_UNAUDITED 3

/* `sallyport-session --login`: the process's exit status. */
int login_main(void);
