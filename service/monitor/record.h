/* What is said about logins and ends, in words close to sshd's: log filters that know those keep working. */
#pragma once

#include "monitor/connections.h"

void record_accepted(struct connection *c);
void record_login_attempt(struct connection *c, const struct msg_login_attempt *attempt);
void record_login(struct connection *c, const struct msg_login_succeeded *login);
void record_end(struct connection *c);
