/*
 * What happens, as it is counted (metrics.h) and remembered (failures.h) for who asks later. Called where it happens, beside
 * the log; nothing follows from it for anybody.
 */
#pragma once

#include "monitor/admission.h"
#include "monitor/failures.h"
#include "monitor/past.h"
#include "monitor/metrics.h"

#include "ipc/messages.h"

struct monitor;
struct connection;

/* The last configuration that was refused while another was in force. */
struct refused_reload {
    int64_t at_s; /* 0: none was */
    bool is_last; /* none has been taken since */
    char by[16];
    char why[1024];
};

struct observed {
    int64_t since_s; /* when this monitor began; seconds since the epoch */
    struct metrics metrics;
    struct failures failures;
    struct past past;
    struct refused_reload refused;
};

void observe_start(struct monitor *m);
void observe_stop(struct monitor *m);

/* verdict: why. Also for one that had to go for another. */
void observe_refused(struct monitor *m, const struct address *remote, const struct address_block *source,
                     enum admission_verdict verdict);
void observe_accepted(struct connection *c);
/* The first exchange; negotiated: as sign_done has it. */
void observe_negotiated(struct connection *c, struct sp_span negotiated);
/* The signer was asked for a signature, and has answered one. first: it was the first exchange. */
void observe_sign_asked(struct connection *c);
void observe_signed(struct connection *c, bool first);
/* ours: it is not the client's doing. offer: what it offered of the list that failed, if one did. */
void observe_exchange_refused(struct connection *c, bool ours, struct sp_span offer, struct sp_span why);
void observe_attempt(struct connection *c, const struct msg_login_attempt *attempt);
void observe_login(struct connection *c, const struct msg_login_succeeded *login);
void observe_timeout(struct connection *c, const char *what);
void observe_crash(struct connection *c, int signal_number);
void observe_login_crash(struct connection *c, int signal_number);
void observe_illegal(struct connection *c, const char *complaint);
void observe_ended(struct connection *c);
/* Octets that a worker tells of: the figures only ever grow. */
void observe_octets(struct connection *c, uint64_t in, uint64_t out);
/* again: not the first. */
void observe_configured(struct monitor *m, bool again);
void observe_reload_refused(struct monitor *m, const char *by, struct sp_span why);
