/* The first line of `sallyport status`. Input: the facts that the monitor tells. Output: whether clients are served, and what is
 * the matter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/status.h"
#include "ctl/terminal.h"

struct reasons {
    FILE *out;
    unsigned count;
};

static void reason_add(struct reasons *r, const char *text, const char *more)
{
    char safe[512];
    fprintf(r->out, "%s%s%s%s", r->count++ == 0 ? "" : "; ", text, *more ? ": " : "",
            terminal_text(more, safe, sizeof safe));
}

/* ---- what keeps clients out -------------------------------------------------------------------------------- */

static void services_judge(const json_t *answer, struct reasons *down)
{
    static const struct {
        const char *service, *text;
    } rows[] = {
        {"signer", "the signer is not there"},
        {"worker", "the worker service is not there"},
        {"session", "the session service is not there, and nobody can log in"},
    };
    const json_t *services = json_object_get(answer, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *service = json_array_get(services, i);
        for (size_t j = 0; j < ARRAY_SIZE(rows); j++)
            if (strcmp(found_get(service, "service"), rows[j].service) == 0 &&
                !found_is(service, "connected"))
                reason_add(down, rows[j].text, "");
    }
}

/* Of what somebody knows that it cannot sign. */
static size_t keys_lacking(const json_t *answer, bool staged, size_t *all)
{
    const json_t *keys = json_object_get(answer, "keys");
    size_t lacking = 0;
    *all = 0;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        if (found_is(key, "staged") != staged)
            continue;
        ++*all;
        lacking += json_is_false(json_object_get(key, "can_sign")) ? 1u : 0u;
    }
    return lacking;
}

/* Why the first token that is not ready is not. */
static const char *token_trouble(const json_t *answer)
{
    const json_t *tokens = json_object_get(answer, "tokens");
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *token = json_array_get(tokens, i);
        if (strcmp(found_get(token, "state"), "ready") != 0)
            return *found_get(token, "why") ? found_get(token, "why") : found_get(token, "state");
    }
    return "";
}

static void down_judge(const json_t *answer, struct reasons *down)
{
    const json_t *configuration = json_object_get(answer, "configuration");
    size_t all, lacking = keys_lacking(answer, false, &all);
    if (found_is(answer, "stopping")) {
        reason_add(down, "it is stopping, and stays for the sessions that are open", "");
        return;
    }
    bool waits = found_is(configuration, "waits");
    if (!json_object_get(configuration, "generation"))
        reason_add(down,
                   waits ? "no configuration is in force, as none of its host keys can sign yet"
                         : "no configuration is in force yet",
                   waits ? token_trouble(answer) : "");
    services_judge(answer, down);
    if (found_is(answer, "tokens_known") && all != 0 && lacking == all)
        reason_add(down, "no host key can sign", token_trouble(answer));
    if (down->count == 0 && !found_is(answer, "accepting"))
        reason_add(down, "new clients have to wait until the worker service is ready", "");
}

/* ---- what somebody should look at -------------------------------------------------------------------------- */

static void tokens_judge(const json_t *answer, struct reasons *but)
{
    size_t all, lacking = keys_lacking(answer, false, &all), staged = keys_lacking(answer, true, &all);
    char text[80];
    if (lacking + staged != 0) {
        snprintf(text, sizeof text, "%zu host key%s cannot sign", lacking + staged,
                 lacking + staged == 1 ? "" : "s");
        reason_add(but, text, token_trouble(answer));
    } else if (*token_trouble(answer)) {
        reason_add(but, "a token is not ready", token_trouble(answer));
    }
}

static void configuration_judge(const json_t *answer, struct reasons *but)
{
    const json_t *configuration = json_object_get(answer, "configuration"),
                 *refused = json_object_get(configuration, "refused");
    if (found_is(refused, "is_last"))
        reason_add(but, "the last configuration was refused", found_get(refused, "why"));
    if (found_is(configuration, "waits"))
        reason_add(but, "a new configuration waits until one of its host keys can sign", "");
    if (json_is_false(json_object_get(configuration, "at_signer")))
        reason_add(but, "the signer does not have the configuration yet", "");
}

static void limits_judge(const json_t *answer, struct reasons *but)
{
    const json_t *limits = json_object_get(answer, "limits");
    int64_t begin = found_number(limits, "startups_begin"), most = found_number(limits, "connections_max");
    if (begin != 0 && found_number(limits, "startups") >= begin)
        reason_add(but, "clients are turned away by MaxStartups", "");
    if (most != 0 && found_number(limits, "connections") >= most)
        reason_add(but, "clients are turned away by MaxConnections", "");
}

enum status_state status_verdict(const json_t *answer, char **text)
{
    char *list = NULL;
    size_t size;
    struct reasons reasons = {.out = open_memstream(&list, &size)};
    enum status_state state = STATUS_DOWN;
    *text = NULL;
    if (!reasons.out)
        return STATUS_DOWN;
    down_judge(answer, &reasons);
    if (reasons.count == 0) {
        tokens_judge(answer, &reasons);
        configuration_judge(answer, &reasons);
        limits_judge(answer, &reasons);
        state = reasons.count == 0 ? STATUS_SERVING : STATUS_BUT;
    }
    fclose(reasons.out);
    static const char *const words[] = {
        [STATUS_SERVING] = "serving", [STATUS_BUT] = "serving, but ", [STATUS_DOWN] = "not serving: "};
    if (asprintf(text, "%s%s", words[state], list) < 0)
        *text = NULL;
    free(list);
    return state;
}
