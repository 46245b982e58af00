/* `sallyport sessions`, `session` and `kill`. Input: the monitor's connections. Output: a table as of who(1), or all of one. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/question.h"
#include "ctl/status.h"
#include "ctl/terminal.h"

#define PAGES_MAX 256u
#define TRIES 3u      /* when the connection at the end of a page has gone meanwhile */
#define REPORT_MS 150 /* so long workers have to answer */

/* ---- asking ------------------------------------------------------------------------------------------------ */

/* A page of a table, and where the next begins. */
static int page_ask(const struct ctl_options *o, const char *question, char next[32], json_t **answer,
                    struct question_failure *failure)
{
    int r = question_try(o, question, next, answer, failure);
    if (r == 0)
        snprintf(next, 32, "%s", found_get(*answer, "next"));
    return r;
}

void workers_refresh(const struct ctl_options *o, const char *id)
{
    struct question_failure failure;
    char next[32] = "";
    int64_t asked = 0;
    if (id)
        snprintf(next, sizeof next, "=%.20s", id);
    for (unsigned page = 0; page == 0 || (next[0] && page < PAGES_MAX); page++) {
        json_t *answer = NULL;
        if (page_ask(o, "refresh", next, &answer, &failure))
            break;
        asked += found_number(answer, "asked");
        json_decref(answer);
    }
    if (asked != 0)
        poll(NULL, 0, REPORT_MS);
}

static int pages_collect(const struct ctl_options *o, json_t *rows, struct question_failure *failure)
{
    char next[32] = "";
    for (unsigned page = 0; page == 0 || (next[0] && page < PAGES_MAX); page++) {
        json_t *answer = NULL;
        int r = page_ask(o, "connections", next, &answer, failure);
        if (r)
            return r;
        (void)json_array_extend(rows, json_object_get(answer, "connections"));
        json_decref(answer);
    }
    return 0;
}

static bool is_session(const json_t *row)
{
    return strcmp(found_get(row, "phase"), "login") == 0;
}

int sessions_find(const struct ctl_options *o, json_t *found)
{
    struct question_failure failure;
    json_t *rows = found_make_array(found, o->every ? "connections" : "sessions");
    int64_t others = 0;
    int r = QUESTION_E_REFUSED;
    workers_refresh(o, NULL);
    for (unsigned tries = 0; tries < TRIES && r == QUESTION_E_REFUSED; tries++) {
        (void)json_array_clear(rows);
        r = pages_collect(o, rows, &failure);
    }
    if (r)
        return question_complain(o, &failure);
    for (size_t i = json_array_size(rows); i-- != 0 && !o->every;) {
        if (is_session(json_array_get(rows, i)))
            continue;
        (void)json_array_remove(rows, i);
        others++;
    }
    found_set_number(found, "others", others);
    return CTL_OK;
}

int session_find(const struct ctl_options *o, json_t *found)
{
    json_t *answer = NULL;
    workers_refresh(o, o->arguments[0]);
    int r = question_ask(o, "connection", o->arguments[0], &answer);
    if (r)
        return r;
    json_t *connection = json_object_get(answer, "connection");
    (void)json_object_del(connection, "client_kexinit"); /* `policy explain` is who reads it */
    (void)json_object_update(found, connection);
    json_decref(answer);
    return CTL_OK;
}

/* ---- showing ----------------------------------------------------------------------------------------------- */

static void cell(struct table *table, const char *text)
{
    char safe[600];
    table_add(table, terminal_text(text, safe, sizeof safe));
}

/* As w(1) says it; nothing if the worker has not said. */
static const char *idle_of(const json_t *row, char out[32])
{
    if (!json_object_get(row, "report_age"))
        return "-";
    return terminal_duration(found_number(row, "idle") + found_number(row, "report_age"), out);
}

static void algorithms_cell(struct table *table, const json_t *row)
{
    char text[400];
    const char *mac = found_get(row, "mac_in");
    bool own = strcmp(mac, "implicit") == 0;
    snprintf(text, sizeof text, "%s, %s%s%s", found_get(row, "kex"), found_get(row, "cipher_in"),
             own ? "" : ", ", own ? "" : mac);
    cell(table, *found_get(row, "kex") ? text : "-");
}

static void row_add(struct table *table, const struct ctl_options *o, const json_t *row)
{
    char from[80], since[32], idle[32];
    bool colon = strchr(found_get(row, "address"), ':') != NULL;
    snprintf(from, sizeof from, "%s%s%s:%lld", colon ? "[" : "", found_get(row, "address"), colon ? "]" : "",
             (long long)found_number(row, "port"));
    cell(table, found_get(row, "id"));
    cell(table, found_get(row, "user"));
    cell(table, from);
    if (o->every)
        cell(table, found_get(row, "phase"));
    cell(table,
         terminal_time(*found_get(row, "login") ? found_get(row, "login") : found_get(row, "since"), since));
    cell(table, idle_of(row, idle));
    cell(table, found_get(row, "methods"));
    algorithms_cell(table, row);
}

void sessions_show(const struct ctl_options *o, const json_t *found)
{
    static const char *const heads[] = {"ID",    "USER", "FROM",   "PHASE",
                                        "SINCE", "IDLE", "METHOD", "ALGORITHMS"};
    const json_t *rows = json_object_get(found, o->every ? "connections" : "sessions");
    CLEANUP(table_cleanup) struct table table = {.columns = ARRAY_SIZE(heads) - (o->every ? 0 : 1)};
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
        if (o->every || i != 3)
            table_add(&table, heads[i]);
    for (size_t i = 0; i < json_array_size(rows); i++)
        row_add(&table, o, json_array_get(rows, i));
    table_print(&table);
    printf("\n%zu %s listed", json_array_size(rows), o->every ? "connections" : "sessions");
    if (found_number(found, "others") != 0)
        printf("; %lld connections that are not logged in are not (--all)",
               (long long)found_number(found, "others"));
    printf(".\n");
}

static void line(const char *name, const char *text)
{
    char safe[2048];
    if (*text)
        printf("%16s: %s\n", name, terminal_text(text, safe, sizeof safe));
}

static void number_line(const char *name, const json_t *row, const char *key)
{
    if (json_object_get(row, key))
        printf("%16s: %lld\n", name, (long long)found_number(row, key));
}

static void time_line(const char *name, const char *utc)
{
    char at[32], ago[32];
    if (*utc)
        printf("%16s: %s (%s ago)\n", name, terminal_time(utc, at),
               terminal_duration(terminal_since(utc), ago));
}

static void pair_line(const char *name, const char *in, const char *out)
{
    char text[600];
    snprintf(text, sizeof text, "%s in, %s out", in, out);
    line(name, strcmp(in, out) == 0 ? in : text);
}

static void octets_line(const json_t *row)
{
    char in[16], out[16], age[32], idle[32];
    if (!json_object_get(row, "report_age"))
        return;
    printf("%16s: %s received, %s sent, %lld rekeys, %lld channels, as of %s ago\n", "Traffic",
           terminal_octets((uint64_t)found_number(row, "octets_in"), in),
           terminal_octets((uint64_t)found_number(row, "octets_out"), out),
           (long long)found_number(row, "rekeys"), (long long)found_number(row, "channels"),
           terminal_duration(found_number(row, "report_age"), age));
    printf("%16s: %s\n", "Idle", idle_of(row, idle));
}

static void endpoint_line(const char *name, const char *address, int64_t port)
{
    char text[100];
    snprintf(text, sizeof text, "%s port %lld", address, (long long)port);
    line(name, text);
}

void session_show(const struct ctl_options *o, const json_t *row)
{
    (void)o;
    line("Id", found_get(row, "id"));
    line("Phase", found_get(row, "phase"));
    line("User", found_get(row, "user"));
    number_line("Uid", row, "uid");
    endpoint_line("From", found_get(row, "address"), found_number(row, "port"));
    endpoint_line("To", found_get(row, "local_address"), found_number(row, "local_port"));
    line("Listener", found_get(row, "listener"));
    line("Through", found_get(row, "balancer"));
    time_line("Connected", found_get(row, "since"));
    time_line("Logged in", found_get(row, "login"));
    line("Methods", found_get(row, "methods"));
    line("Credential", found_get(row, "detail"));
    number_line("Login process", row, "login_pid");
    line("Session of logind", found_get(row, "session"));
    line("Client", found_get(row, "client_version"));
    line("Policy", found_get(row, "policy"));
    number_line("Generation", row, "generation");
    line("Key exchange", found_get(row, "kex"));
    line("Host key", found_get(row, "host_key"));
    pair_line("Cipher", found_get(row, "cipher_in"), found_get(row, "cipher_out"));
    pair_line("MAC", found_get(row, "mac_in"), found_get(row, "mac_out"));
    pair_line("Compression", found_get(row, "compression_in"), found_get(row, "compression_out"));
    octets_line(row);
}

/* ---- ending one -------------------------------------------------------------------------------------------- */

int kill_find(const struct ctl_options *o, json_t *found)
{
    char argument[1024];
    json_t *answer = NULL;
    size_t used = 0;
    for (size_t i = 0; i < o->argument_count; i++) {
        int size =
            snprintf(argument + used, sizeof argument - used, "%s%s", i == 0 ? "" : " ", o->arguments[i]);
        used += (size_t)size;
        if (used >= sizeof argument)
            return ctl_misuse("expected a shorter reason");
    }
    int r = question_ask(o, "kill", argument, &answer);
    if (r)
        return r;
    (void)json_object_update(found, answer);
    json_decref(answer);
    return CTL_OK;
}

void kill_show(const struct ctl_options *o, const json_t *found)
{
    const json_t *row = json_object_get(found, "connection");
    char user[600];
    (void)o;
    printf("Connection %s of %s from %s is told to end\n", found_get(row, "id"),
           *found_get(row, "user") ? terminal_text(found_get(row, "user"), user, sizeof user) : "nobody yet",
           found_get(row, "address"));
}
