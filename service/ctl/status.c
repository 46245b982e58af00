/* `sallyport status`. Input: what the monitor tells, or that none answers. Output: a verdict, and the facts under it. */
#include "ctl/status.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/question.h"
#include "ctl/terminal.h"

#define LABEL_WIDTH 14

/* ---- finding ----------------------------------------------------------------------------------------------- */

static int verdict_take(json_t *found)
{
    static const char *const states[] = {
        [STATUS_SERVING] = "serving", [STATUS_BUT] = "degraded", [STATUS_DOWN] = "down"};
    char *text;
    enum status_state state = status_verdict(found, &text);
    found_set_string(found, "verdict", text ? text : "out of memory");
    found_set_string(found, "state", states[state]);
    free(text);
    return (int)state;
}

/* There is none, or it does not answer: that is an answer as well. */
static int absence_take(const struct question_failure *failure, json_t *found)
{
    char text[1600];
    if (failure->kind == QUESTION_E_ABSENT)
        snprintf(text, sizeof text, "not serving: the server is not running (%s)", failure->text);
    else
        snprintf(
            text, sizeof text,
            "not serving: no server answers (%s); a service manager may be holding the socket for one that "
            "does not start",
            failure->text);
    found_set_string(found, "verdict", text);
    found_set_string(found, "state", "down");
    found_set_bool(found, "reachable", false);
    return STATUS_DOWN;
}

int status_find(const struct ctl_options *o, json_t *found)
{
    struct question_failure failure;
    json_t *answer = NULL;
    int r = question_try(o, "status", "", &answer, &failure);
    if (r == QUESTION_E_ABSENT || r == QUESTION_E_SILENT)
        return absence_take(&failure, found);
    if (r)
        return question_complain(o, &failure);
    (void)json_object_update(found, answer);
    json_decref(answer);
    found_set_bool(found, "reachable", true);
    return verdict_take(found);
}

/* ---- showing ----------------------------------------------------------------------------------------------- */

static void label(const char *text)
{
    printf("%*s%s ", LABEL_WIDTH, text, *text ? ":" : " ");
}

/* Text of tokens, of configurations, and of whoever sets a time: none of it moves the cursor. */
static void say(const char *text)
{
    char safe[2048];
    fputs(terminal_text(text, safe, sizeof safe), stdout);
}

static void time_say(const char *utc)
{
    char at[32], ago[32];
    printf("%s (%s ago)", terminal_time(utc, at), terminal_duration(terminal_since(utc), ago));
}

static void listeners_show(const json_t *found)
{
    const json_t *listeners = json_object_get(found, "listeners");
    for (size_t i = 0; i < json_array_size(listeners); i++) {
        const json_t *row = json_array_get(listeners, i);
        label(i == 0 ? "Listening" : "");
        say(found_get(row, "address"));
        if (*found_get(row, "name")) {
            printf(" ");
            say(found_get(row, "name"));
        }
        printf("%s\n", found_is(row, "proxied") ? " behind a balancer" : "");
    }
}

static void configuration_show(const json_t *found)
{
    const json_t *row = json_object_get(found, "configuration"), *refused = json_object_get(row, "refused");
    if (json_object_get(row, "generation")) {
        label("Configuration");
        printf("generation %lld, read ", (long long)found_number(row, "generation"));
        time_say(found_get(row, "loaded"));
        printf("\n");
        label("Policy");
        say(found_get(row, "policy"));
        printf(", %s, digest %.16s\n",
               strcmp(found_get(row, "policy_mode"), "report") == 0 ? "and another is reported about"
                                                                    : "enforced",
               found_get(row, "digest"));
    }
    if (refused) {
        label("Refused");
        time_say(found_get(refused, "at"));
        printf(", by the %s: ", found_get(refused, "by"));
        say(found_get(refused, "why"));
        printf("\n");
    }
}

static void services_show(const json_t *found)
{
    const json_t *services = json_object_get(found, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *row = json_array_get(services, i);
        long long connects = (long long)found_number(row, "connects");
        label(i == 0 ? "Programs" : "");
        printf("%s %s", found_get(row, "service"), found_is(row, "connected") ? "connected" : "not there");
        if (connects > 1)
            printf(", for the %lld. time", connects);
        if (*found_get(row, "lost")) {
            printf("; lost ");
            time_say(found_get(row, "lost"));
            printf(": it %s", found_get(row, "why"));
        }
        printf("\n");
    }
}

static void tokens_show(const json_t *found)
{
    const json_t *tokens = json_object_get(found, "tokens");
    char since[32];
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *row = json_array_get(tokens, i);
        label(i == 0 ? "Tokens" : "");
        say(found_get(row, "token"));
        if (found_number(row, "process") != 0)
            printf(" (process %lld)", (long long)found_number(row, "process"));
        printf(" %s since %s, %lld signatures", found_get(row, "state"),
               terminal_duration(found_number(row, "seconds"), since),
               (long long)found_number(row, "signatures"));
        if (found_number(row, "waiting") != 0)
            printf(", %lld waiting", (long long)found_number(row, "waiting"));
        if (*found_get(row, "why")) {
            printf("; ");
            say(found_get(row, "why"));
        }
        printf("\n");
    }
}

static void keys_show(const json_t *found)
{
    const json_t *keys = json_object_get(found, "keys");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *row = json_array_get(keys, i), *can = json_object_get(row, "can_sign");
        CLEANUP_FREE char *algorithms = found_join(json_object_get(row, "algorithms"), ", ");
        label(i == 0 ? "Host keys" : "");
        say(*found_get(row, "fingerprint") ? found_get(row, "fingerprint") : found_get(row, "uri"));
        printf(" ");
        say(algorithms ? algorithms : "");
        printf("%s%s\n", found_is(row, "staged") ? " staged" : "",
               json_is_true(can)    ? " can sign"
               : json_is_false(can) ? " cannot sign"
                                    : "");
    }
}

static void connections_show(const json_t *found)
{
    const json_t *phases = json_object_get(found, "connections"), *limits = json_object_get(found, "limits");
    label("Connections");
    printf("%lld logged in, %lld not yet, %lld ending; %lld of at most %lld\n",
           (long long)found_number(phases, "login"),
           (long long)(found_number(phases, "start") + found_number(phases, "ready") +
                       found_number(phases, "auth")),
           (long long)found_number(phases, "closing"), (long long)found_number(limits, "connections"),
           (long long)found_number(limits, "connections_max"));
    label("Startups");
    printf("%lld (MaxStartups %lld:%lld:%lld)", (long long)found_number(limits, "startups"),
           (long long)found_number(limits, "startups_begin"),
           (long long)found_number(limits, "startups_rate"),
           (long long)found_number(limits, "startups_full"));
    printf(", %lld sources have to wait\n", (long long)found_number(limits, "penalties"));
    label("Failures");
    printf("%lld in the last hour\n", (long long)found_number(found, "failures_last_hour"));
}

void status_show(const struct ctl_options *o, const json_t *found)
{
    static const enum terminal_colour colours[] = {
        [STATUS_SERVING] = TERMINAL_GOOD, [STATUS_BUT] = TERMINAL_DOUBTFUL, [STATUS_DOWN] = TERMINAL_BAD};
    const char *state = found_get(found, "state");
    enum status_state is = strcmp(state, "serving") == 0    ? STATUS_SERVING
                           : strcmp(state, "degraded") == 0 ? STATUS_BUT
                                                            : STATUS_DOWN;
    (void)o;
    terminal_say(colours[is], terminal_has_colours(), found_get(found, "verdict"));
    printf("\n");
    if (!found_is(found, "reachable"))
        return;
    label("Server");
    printf("sallyport %s, process %lld, since ", found_get(found, "version"),
           (long long)found_number(found, "pid"));
    time_say(found_get(found, "since"));
    printf("\n");
    listeners_show(found);
    configuration_show(found);
    services_show(found);
    tokens_show(found);
    keys_show(found);
    connections_show(found);
}
