/* What is said about logins and ends, in words close to sshd's: log filters that know those keep working. */
#pragma once

#include "monitor/connections.h"
#include "monitor/events.h"

/* The name that the client claims, as one word of at most this size. */
struct record_name {
    char text[129];
};
struct record_name record_name(const struct connection *c);
struct record_number {
    char text[24];
};
struct record_number record_number(uint64_t value);

void record_accepted(struct connection *c);
/* A balancer has said whose it is. destination: where the client had connected to; "": not known. */
void record_proxied(struct connection *c, enum proxied_kind kind, const struct address *balancer,
                    const struct address *destination);
void record_login_attempt(struct connection *c, const struct msg_login_attempt *attempt);
void record_login(struct connection *c, const struct msg_login_succeeded *login);
void record_end(struct connection *c);
/* fields: what the signer said of it. */
/* reason: RFC 4250's, as the client is told. */
void record_exchange_refused(struct connection *c, uint32_t reason, const struct event_fields *fields,
                             struct sp_span why);
/* What the policy of "PolicyMode report" would have refused: written, and counted for the client's address. */
void record_policy_report(struct connection *c, struct sp_span policy, struct sp_span what,
                          struct sp_span detail);
/* An exception of the policy in force let an algorithm in. */
void record_policy_exception(struct connection *c, const struct msg_policy_exception *exception);
