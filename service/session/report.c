/*
 * Reports. Input: the reported rules, a credential that was right. Output: login_policy_report, with the first thing that
 * these rules would have refused, in the order in which those in force are asked.
 */
#include "session/report.h"

#include <stdio.h>

#include <sallyport/wire.h>

#include "session/login.h"

static void algorithm_report(const struct login *login, struct sp_span algorithm, const char *fingerprint,
                             struct report *report)
{
    char origin[LOGIN_RULES_ORIGIN_MAX];
    snprintf(report->what, sizeof report->what, LOGIN_RULES_USER_KEYS);
    snprintf(report->detail, sizeof report->detail, "%s%s", fingerprint,
             login_rules_origin(&login->reported, sp_text(LOGIN_RULES_USER_KEYS), algorithm, origin));
}

/* The helper's words begin with the keyword, which is said already. */
static struct sp_span without_keyword(struct sp_span detail, struct sp_span rule)
{
    bool begins = detail.size > rule.size + 2 && memcmp(detail.data, rule.data, rule.size) == 0;
    return begins ? sp_span_of(detail.data + rule.size + 2, detail.size - rule.size - 2) : detail;
}

static void helper_report(const struct login *login, const struct publickey_result *result,
                          struct report *report)
{
    char origin[LOGIN_RULES_ORIGIN_MAX];
    struct sp_span words = without_keyword(result->reported_detail, result->reported_rule);
    snprintf(report->what, sizeof report->what, "%.*s", (int)result->reported_rule.size,
             (const char *)result->reported_rule.data);
    snprintf(report->detail, sizeof report->detail, "%s: %.*s%s", result->fingerprint, (int)words.size,
             (const char *)words.data,
             login_rules_origin(&login->reported, result->reported_rule, result->reported_algorithm, origin));
}

void report_key(const struct login *login, const struct publickey_result *result, struct report *report)
{
    struct sp_span algorithm = login->inbox->body.auth_publickey.algorithm;
    if (!login->reported.known)
        return;
    if (!sp_list_has(sp_text(login->reported.user_key_algorithms), algorithm))
        algorithm_report(login, algorithm, result->fingerprint, report);
    else if (result->reported_rule.size)
        helper_report(login, result, report);
}

static void method_report(const struct login *login, const char *method, struct report *report)
{
    char origin[LOGIN_RULES_ORIGIN_MAX];
    snprintf(report->what, sizeof report->what, LOGIN_RULES_METHODS);
    snprintf(report->detail, sizeof report->detail, "%s is not allowed%s", method,
             login_rules_origin(&login->reported, sp_text(LOGIN_RULES_METHODS), (struct sp_span){0}, origin));
}

void report_send(struct login *login, const char *method, const struct report *credential)
{
    struct report report = *credential;
    if (!login->reported.known)
        return;
    if (!login_rules_allow_method(&login->reported, method))
        method_report(login, method, &report);
    if (report.what[0])
        (void)!link_send(&login->monitor, login_policy_report,
                         .policy = sp_text(login_rules_policy(&login->reported)),
                         .what = sp_text(report.what), .detail = sp_text(report.detail));
}
