/*
 * "PolicyMode report NAME": what the named policy would have refused of what the policy in force lets pass. It is said to
 * the monitor, which logs and counts it, and to nobody else; a login goes on as without it. Nothing is looked at before a
 * credential has been right, so that who gets in nowhere waits for none of it.
 */
#pragma once

#include "base/util.h"

struct login;
struct publickey_result;

/* "": nothing against it. */
struct report {
    char what[65]; /* the keyword */
    char detail[1024];
};

/* The key of the request in login->inbox, whose signature was right. */
void report_key(const struct login *login, const struct publickey_result *result, struct report *report);
/* An attempt has passed: sends login_policy_report for its method or, if that is allowed, for `credential`. */
void report_send(struct login *login, const char *method, const struct report *credential);
