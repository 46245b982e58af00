/* What is said about logins and ends, in words close to sshd's: log filters that know those keep working. */
#pragma once

#include "monitor/connections.h"

void record_accepted(struct connection *c);
void record_login_attempt(struct connection *c, const struct msg_login_attempt *attempt);
void record_login(struct connection *c, const struct msg_login_succeeded *login);
void record_end(struct connection *c);
/* What the policy of "PolicyMode report" would have refused: written, and counted for the client's address. */
void record_policy_report(struct connection *c, struct sp_span policy, struct sp_span what, struct sp_span detail);
/* An exception of the policy in force let an algorithm in. */
void record_policy_exception(struct connection *c, const struct msg_policy_exception *exception);
