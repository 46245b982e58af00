/* `sallyport policy explain`: one algorithm, or one client. */
#include <stdio.h>
#include <string.h>

#include "policy/catalog.h"

#include "ctl/capture.h"
#include "ctl/clients.h"
#include "ctl/negotiation.h"
#include "ctl/policy.h"
#include "ctl/question.h"

/* ---- an algorithm ------------------------------------------------------------------------------------------ */

static void list_explain(const struct subject *s, enum policy_kind kind, struct sp_span name, json_t *lists)
{
    struct policy_verdict verdict;
    policy_explain(s->policy, &s->build.build, s->now, kind, name, &verdict);
    if (verdict.reason == POLICY_UNKNOWN)
        return;
    json_t *row = found_add_object(lists);
    found_set_string(row, "keyword", policy_keyword(kind));
    found_set_string(row, "verdict", policy_reason_word(verdict.reason));
    found_set_bool(row, "in", verdict.reason == POLICY_IN || verdict.reason == POLICY_IN_EXCEPTION);
    found_set_string(row, "why", verdict.text);
    found_set_string(row, "file", verdict.origin.file ? verdict.origin.file : "");
    if (verdict.origin.line != 0)
        found_set_number(row, "line", verdict.origin.line);
}

static int unknown(const char *name)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        const char *hint = catalog_hint(kind, sp_text(name));
        if (hint)
            return ctl_fail("%s: nobody has heard of such an algorithm; perhaps \"%s\" is meant", name, hint);
    }
    return ctl_fail("%s: nobody has heard of such an algorithm", name);
}

static int algorithm_find(const struct subject *s, const char *name, json_t *found)
{
    bool in = false;
    json_t *lists = found_make_array(found, "lists");
    found_set_string(found, "policy", s->spec);
    found_set_string(found, "algorithm", name);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        list_explain(s, kind, sp_text(name), lists);
    if (json_array_size(lists) == 0)
        return unknown(name);
    for (size_t i = 0; i < json_array_size(lists); i++)
        in = in || found_is(json_array_get(lists, i), "in");
    found_set_bool(found, "in", in);
    return in ? CTL_OK : CTL_FINDING;
}

#define ID_DIGITS 16u

/* ---- a client ---------------------------------------------------------------------------------------------- */

/* The id that the log shows. */
static bool is_connection(const char *name)
{
    const char *id = name[0] == '#' ? name + 1 : name;
    return strspn(id, "0123456789abcdef") == ID_DIGITS && id[ID_DIGITS] == '\0';
}

static bool is_file(const char *name)
{
    return strchr(name, '/') || strcmp(name, "-") == 0 || access(name, F_OK) == 0;
}

static int capture_new(struct capture **capture)
{
    *capture = calloc(1, sizeof **capture);
    return *capture ? 0 : ctl_fail("out of memory");
}

static int file_open(const char *path, struct capture **capture)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    unsigned line = 0;
    const char *why = "";
    int r = subject_read_file(path, CAPTURE_FILE_MAX, &data, &size);
    if (r == 0)
        r = capture_new(capture);
    if (r)
        return r;
    size_t length = strlen(path), suffix = strlen(CLIENTS_SUFFIX);
    bool described = length > suffix && strcmp(path + length - suffix, CLIENTS_SUFFIX) == 0;
    r = (described ? capture_read_client : capture_read)(sp_span_of(data, size), *capture, &line, &why);
    if (r && line)
        return ctl_fail("%s line %u: %s", path, line, why);
    return r ? ctl_fail("%s: %s", path, why) : 0;
}

/* The server keeps the KEXINIT of each connection, in hexadecimal here. */
static int connection_open(const struct ctl_options *o, const char *id, struct capture **capture,
                           json_t *found)
{
    json_t *answer = NULL;
    unsigned line;
    const char *why = "";
    int r = question_ask(o, "connection", id, &answer);
    if (r == 0)
        r = capture_new(capture);
    const json_t *connection = json_object_get(answer, "connection");
    const char *hex = found_get(connection, "client_kexinit");
    if (r == 0 && !*hex)
        r = ctl_fail("%s: the server has no KEXINIT of this connection (yet)", id);
    if (r == 0 && capture_read(sp_text(hex), *capture, &line, &why))
        r = ctl_fail("%s: %s", id, why);
    if (r == 0) {
        snprintf((*capture)->identification, sizeof(*capture)->identification, "%s",
                 found_get(connection, "client_version"));
        (void)json_object_set(found, "connection", json_object_get(answer, "connection"));
    }
    json_decref(answer);
    return r;
}

static int client_open(const struct ctl_options *o, struct capture **capture, json_t *found)
{
    if (is_connection(o->client))
        return connection_open(o, o->client + (o->client[0] == '#'), capture, found);
    return is_file(o->client) ? file_open(o->client, capture) : clients_find(o, o->client, capture);
}

static int client_find(const struct ctl_options *o, const struct subject *s, json_t *found)
{
    CLEANUP_FREE struct capture *capture = NULL;
    int r = client_open(o, &capture, found);
    if (r)
        return r;
    found_set_string(found, "policy", s->spec);
    found_set_string(found, "client", o->client);
    if (capture->description[0])
        found_set_string(found, "description", capture->description);
    if (capture->identification[0])
        found_set_string(found, "identification", capture->identification);
    const char *address = o->address;
    if (!address && json_object_get(found, "connection"))
        address = found_get(json_object_get(found, "connection"), "address");
    return negotiation_describe(s, &capture->kexinit, address, found) ? CTL_OK : CTL_FINDING;
}

int policy_explain_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP(subject_cleanup) struct subject *s = NULL;
    size_t wanted = o->client ? 0 : 1;
    if (o->argument_count != wanted && o->argument_count != wanted + 1)
        return ctl_misuse("explain: expected a policy and an algorithm, or a policy and --client");
    bool named = o->argument_count > wanted;
    int r = subject_need(o, named ? o->arguments[0] : NULL, &s);
    if (r)
        return r;
    return o->client ? client_find(o, s, found)
                     : algorithm_find(s, o->arguments[o->argument_count - 1], found);
}

/* ---- as text ----------------------------------------------------------------------------------------------- */

static void algorithm_show(const json_t *found)
{
    const json_t *lists = json_object_get(found, "lists");
    for (size_t i = 0; i < json_array_size(lists); i++) {
        const json_t *row = json_array_get(lists, i);
        printf("%s: %s\n", found_get(row, "keyword"), found_get(row, "why"));
    }
}

static void reasons_show(const json_t *reasons)
{
    for (size_t i = 0; i < json_array_size(reasons); i++)
        printf("      %s\n", found_get(json_array_get(reasons, i), "why"));
}

static void row_show(const json_t *row)
{
    const char *chosen = found_get(row, "chosen");
    if (json_object_get(row, "reasons")) {
        CLEANUP_FREE char *server = found_join(json_object_get(row, "server"), ",");
        printf("  %-32s nothing in common\n", found_get(row, "list"));
        printf("    the client offers:\n");
        reasons_show(json_object_get(row, "reasons"));
        printf("    the policy has: %s\n", server ? server : "");
    } else {
        printf("  %-32s %s\n", found_get(row, "list"), *chosen ? chosen : "(the cipher's own)");
    }
}

static void client_show(const json_t *found)
{
    const json_t *lists = json_object_get(found, "lists");
    const char *description = found_get(found, "description"),
               *identification = found_get(found, "identification");
    printf("Client %s%s%s%s%s under policy %s:\n", found_get(found, "client"), *description ? ", " : "",
           description, *identification ? ", " : "", identification, found_get(found, "policy"));
    for (size_t i = 0; i < json_array_size(lists); i++)
        row_show(json_array_get(lists, i));
    printf("  %-32s %s\n", "strict key exchange", found_is(found, "strict_kex") ? "yes" : "no");
    printf("  %-32s %s\n", "post-quantum", found_is(found, "post_quantum") ? "yes" : "no");
    if (found_is(found, "refused"))
        printf("Refused: %s\n", found_get(found, "why"));
    else
        printf("Accepted\n");
}

void policy_explain_show(const struct ctl_options *o, const json_t *found)
{
    if (o->client)
        client_show(found);
    else
        algorithm_show(found);
}
