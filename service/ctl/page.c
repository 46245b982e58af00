/*
 * A policy as one page of HTML for auditors: no script, nothing loaded from anywhere, readable on paper and in the dark.
 * Input: what `show` found. Everything that comes from files is escaped.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/policy.h"

/* clang-format off */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c2127;--soft:#5a6470;--page:#fff;--panel:#f5f7f9;"
    "--line:#d5dbe1;--pq:#0b6b3a;--pq-bg:#dff3e6;--cl:#1f4e8c;--cl-bg:#e3edf9;--old:#7a4a00;"
    "--old-bg:#fcefd2;--bad:#a11220;--bad-bg:#fbe1e3;--off:#5a6470;--off-bg:#eceff2}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--soft:#9ca7b3;--page:#15191e;"
    "--panel:#1d232a;--line:#343d47;--pq:#8fe0b0;--pq-bg:#12351f;--cl:#a9cbf7;--cl-bg:#16293f;"
    "--old:#f2cd85;--old-bg:#3b2c0c;--bad:#ff9aa3;--bad-bg:#451a1e;--off:#9ca7b3;--off-bg:#262d35}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:82rem;background:var(--page);"
    "color:var(--ink);font:15px/1.5 system-ui,'DejaVu Sans',sans-serif}"
    "h1{font-size:1.7rem;margin:0}"
    "h2{font-size:1.2rem;margin:2.4rem 0 .6rem;border-bottom:1px solid var(--line);"
    "padding-bottom:.25rem}"
    "h3{font-size:1rem;margin:1.4rem 0 .4rem}"
    "p{margin:.4rem 0}"
    ".soft{color:var(--soft)}"
    "code,.name{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.87em;"
    "overflow-wrap:anywhere}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1rem 0;"
    "background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem}"
    "dt{color:var(--soft)}"
    "dd{margin:0;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%;font-size:.93em}"
    "th{text-align:left;color:var(--soft);font-weight:600}"
    "th,td{padding:.32rem .55rem;border-bottom:1px solid var(--line);vertical-align:top}"
    ".list{table-layout:fixed}"
    ".list th:nth-child(1){width:3rem}"
    ".list th:nth-child(2){width:38%}"
    ".list th:nth-child(3){width:9.5rem}"
    ".tag{display:inline-block;border-radius:4px;padding:0 .45rem;font-size:.85em;white-space:nowrap}"
    ".post-quantum{color:var(--pq);background:var(--pq-bg)}"
    ".classical{color:var(--cl);background:var(--cl-bg)}"
    ".legacy,.exception{color:var(--old);background:var(--old-bg)}"
    ".broken,.refused{color:var(--bad);background:var(--bad-bg)}"
    ".off{color:var(--off);background:var(--off-bg)}"
    "tr.out .name{color:var(--soft);text-decoration:line-through}"
    "td.classical{background:none;color:inherit}"
    ".wide{overflow-x:auto}"
    ".matrix td{min-width:8.2rem}"
    ".matrix td:first-child{min-width:11rem}"
    ".matrix .name{display:block;font-size:.8em;overflow-wrap:break-word}"
    ".legend{display:flex;flex-wrap:wrap;gap:.5rem;margin:.6rem 0}"
    "ul{margin:.3rem 0;padding-left:1.2rem}"
    "footer{margin-top:3rem;color:var(--soft);font-size:.87em;border-top:1px solid var(--line);"
    "padding-top:.7rem}"
    "small{font-size:.78em}"
    "@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--page:#fff;--panel:#fff;"
    "--line:#999;--pq:#0b6b3a;--pq-bg:#fff;--cl:#1f4e8c;--cl-bg:#fff;--old:#7a4a00;--old-bg:#fff;"
    "--bad:#a11220;--bad-bg:#fff;--off:#444;--off-bg:#fff}body{padding:0;max-width:none;"
    "font-size:10px}.wide{overflow:visible}details{display:none}.tag{border:1px solid currentColor}.matrix td,.matrix "
    "td:first-child{min-width:0}tr,dl{break-inside:avoid}h2,h3{break-after:avoid}thead{"
    "display:table-header-group}}";
/* clang-format on */

static void escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            /* Other control characters are no part of a document. */
            if ((unsigned char)*text >= 0x20 && *text != 0x7f)
                fputc(*text, out);
        }
    }
}

static void element(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    escape(out, text);
    fputs(after, out);
}

/* A pair of the list at the top, if there is something to say. */
static void pair(FILE *out, const char *term, const char *text, bool code)
{
    if (!*text)
        return;
    element(out, "<dt>", term, "</dt><dd>");
    element(out, code ? "<code>" : "", text, code ? "</code></dd>\n" : "</dd>\n");
}

static void head_write(FILE *out, const json_t *found)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\"/>\n",
          out);
    element(out, "<title>SSH policy ", found_get(found, "policy"), "</title>\n<style>");
    fputs(style, out);
    element(out, "</style></head><body>\n<header><h1>SSH policy ", found_get(found, "policy"), "</h1>\n");
    element(out, "<p>", found_get(found, "description"), "</p></header>\n<dl>\n");
    pair(out, "Digest (SHA-256)", found_get(found, "digest"), true);
    if (found_number(found, "serial")) {
        char serial[24];
        snprintf(serial, sizeof serial, "%lld", (long long)found_number(found, "serial"));
        pair(out, "Serial", serial, false);
    }
    pair(out, "Expires", found_get(found, "expires"), false);
    element(out, "<dt>Made</dt><dd>", found_get(found, "made"), " by sallyport ");
    element(out, "", found_get(found, "version"), "</dd>\n");
    const char *token = found_get(found, "token");
    pair(out, "Host keys", *token ? token : "one of every kind is assumed", false);
    pair(out, "Machine",
         found_is(found, "all") ? "any whose libraries have every algorithm"
                                : "the one that this was made on",
         false);
    fputs("</dl>\n", out);
}

/* ---- lists ------------------------------------------------------------------------------------------------- */

static bool entry_is_in(const json_t *entry)
{
    const char *verdict = found_get(entry, "verdict");
    return strcmp(verdict, "in") == 0 || strcmp(verdict, "exception") == 0;
}

/* The class that a name is coloured by, and what the tag says. */
static void tag_write(FILE *out, const json_t *entry)
{
    const char *class = found_get(entry, "class"), *verdict = found_get(entry, "verdict"),
               *until = found_get(entry, "not_after");
    if (!entry_is_in(entry))
        element(out, "<span class=\"tag off\">", verdict, "</span>");
    else if (strcmp(verdict, "exception") == 0)
        element(out, "<span class=\"tag exception\">exception", *until ? "" : " by address", "</span>");
    else
        fprintf(out, "<span class=\"tag %s\">%s</span>", class, class);
}

static void entry_write(FILE *out, const json_t *entry, unsigned *rank)
{
    const char *until = found_get(entry, "not_after"), *addresses = found_get(entry, "addresses");
    bool in = entry_is_in(entry);
    if (in)
        fprintf(out, "<tr><td>%u</td>", ++*rank);
    else
        fputs("<tr class=\"out\"><td></td>", out);
    element(out, "<td class=\"name\">", found_get(entry, "name"), "</td><td>");
    tag_write(out, entry);
    fputs("</td><td>", out);
    element(out, "", found_get(entry, "origin"), "");
    if (*until)
        element(out, "<br/>until ", until, "");
    if (*addresses)
        element(out, "<br/>for <code>", addresses, "</code>");
    if (!in)
        element(out, "<br/><span class=\"soft\">", found_get(entry, "why"), "</span>");
    fputs("</td></tr>\n", out);
}

static void lists_write(FILE *out, const json_t *lists)
{
    fputs("<h2>Algorithms</h2>\n<p class=\"soft\">In order of preference. Entries without a number are "
          "listed by the policy and "
          "do not count on this machine; the reason stands beside them.</p>\n"
          "<div class=\"legend\"><span class=\"tag post-quantum\">post-quantum</span><span class=\"tag "
          "classical\">classical</span>"
          "<span class=\"tag legacy\">legacy or exception</span><span class=\"tag off\">does not "
          "count</span></div>\n",
          out);
    for (size_t i = 0; i < json_array_size(lists); i++) {
        const json_t *list = json_array_get(lists, i), *names = json_object_get(list, "names");
        unsigned rank = 0;
        element(out, "<h3>", found_get(list, "keyword"), "</h3>\n");
        fputs("<table class=\"list\"><thead><tr><th>#</th><th>Algorithm</th><th>Kind</th><th>Let in "
              "by</th></tr></thead><tbody>\n",
              out);
        for (size_t j = 0; j < json_array_size(names); j++)
            entry_write(out, json_array_get(names, j), &rank);
        fputs("</tbody></table>\n", out);
    }
}

static void rules_write(FILE *out, const json_t *rules)
{
    fputs("<h2>Rules</h2>\n", out);
    if (json_array_size(rules) == 0) {
        fputs("<p>None.</p>\n", out);
        return;
    }
    fputs("<table><thead><tr><th>In words</th><th>As it is written</th><th>Set by</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        element(out, "<tr><td>", found_get(rule, "words"), "</td><td class=\"name\">");
        element(out, "", found_get(rule, "keyword"), " ");
        element(out, "", found_get(rule, "value"), "</td><td>");
        element(out, "", found_get(rule, "origin"), "</td></tr>\n");
    }
    fputs("</tbody></table>\n", out);
}

/* ---- clients ----------------------------------------------------------------------------------------------- */

/* The columns: key exchange, host key, cipher and MAC of what the client sends, compression. */
static const char *const columns[] = {"key exchange method", "host key algorithm",
                                      "cipher (client to server)", "MAC (client to server)",
                                      "compression (client to server)"};

static const json_t *list_of(const json_t *client, const char *name)
{
    const json_t *lists = json_object_get(client, "lists");
    for (size_t i = 0; i < json_array_size(lists); i++)
        if (strcmp(found_get(json_array_get(lists, i), "list"), name) == 0)
            return json_array_get(lists, i);
    return NULL;
}

static void cell_write(FILE *out, const json_t *row)
{
    const char *chosen = found_get(row, "chosen"), *until = found_get(row, "not_after");
    if (json_object_get(row, "reasons"))
        fputs("<td class=\"refused\">nothing in common</td>", out);
    else if (!*chosen)
        fputs("<td class=\"soft\">the cipher&#39;s own</td>", out);
    else {
        element(out, "<td class=\"", found_get(row, "class"), "\">");
        element(out, "<span class=\"name\">", chosen, "</span>");
        if (*until)
            fprintf(out, "<small>until %.10s</small>", until); /* a date of ours */
        fputs("</td>", out);
    }
}

/* Why the client's names are not in the list that failed first. */
static void reasons_write(FILE *out, const json_t *client)
{
    const json_t *lists = json_object_get(client, "lists");
    for (size_t i = 0; i < json_array_size(lists); i++) {
        const json_t *reasons = json_object_get(json_array_get(lists, i), "reasons");
        if (!reasons)
            continue;
        fputs("<details><summary>why</summary><ul>", out);
        for (size_t j = 0; j < json_array_size(reasons); j++)
            element(out, "<li>", found_get(json_array_get(reasons, j), "why"), "</li>");
        fputs("</ul></details>", out);
        return;
    }
}

/* The list that failed first, as the policy has it: in one line what the client would have to learn. */
static void wanted_write(FILE *out, const json_t *client)
{
    const json_t *lists = json_object_get(client, "lists");
    for (size_t i = 0; i < json_array_size(lists); i++) {
        const json_t *server = json_object_get(json_array_get(lists, i), "server");
        if (!server)
            continue;
        CLEANUP_FREE char *names = found_join(server, ", ");
        element(out, "; the policy has <span class=\"name\">", names ? names : "", "</span>");
        return;
    }
}

static void client_write(FILE *out, const json_t *client)
{
    const char *description = found_get(client, "description");
    element(out, "<tr><td>", *description ? description : found_get(client, "client"), "</td>");
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
        cell_write(out, list_of(client, columns[i]));
    if (found_is(client, "refused")) {
        element(out, "<td class=\"refused\">refused: ", found_get(client, "why"), "");
        wanted_write(out, client);
        reasons_write(out, client);
        fputs("</td></tr>\n", out);
    } else {
        fprintf(out, "<td class=\"%s\">accepted%s</td></tr>\n",
                found_is(client, "post_quantum") ? "post-quantum" : "classical",
                found_is(client, "strict_kex") ? "" : "; no strict key exchange");
    }
}

static void clients_write(FILE *out, const json_t *clients)
{
    size_t refused = 0;
    for (size_t i = 0; i < json_array_size(clients); i++)
        refused += found_is(json_array_get(clients, i), "refused") ? 1u : 0u;
    fputs("<h2>Clients</h2>\n", out);
    if (json_array_size(clients) == 0) {
        fputs("<p>No client is described on this machine.</p>\n", out);
        return;
    }
    fprintf(out,
            "<p class=\"soft\">What each known client would agree on with default settings, by the "
            "server&#39;s own code for "
            "that: %zu accepted, %zu refused.</p>\n",
            json_array_size(clients) - refused, refused);
    fputs("<div class=\"wide\"><table class=\"matrix\"><thead><tr><th>Client</th><th>Key "
          "exchange</th><th>Host key</th>"
          "<th>Cipher</th><th>MAC</th><th>Compression</th><th>Result</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < json_array_size(clients); i++)
        client_write(out, json_array_get(clients, i));
    fputs("</tbody></table></div>\n", out);
}

/* ---- the rest ---------------------------------------------------------------------------------------------- */

static void sources_write(FILE *out, const json_t *sources)
{
    fputs("<h2>Sources</h2>\n<table><thead><tr><th>File</th><th>Made after</th></tr></thead><tbody>\n", out);
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i), *citations = json_object_get(source, "citations");
        element(out, "<tr><td class=\"name\">", found_get(source, "file"), "</td><td>");
        for (size_t j = 0; j < json_array_size(citations); j++)
            element(out, j ? "<br/>" : "", json_string_value(json_array_get(citations, j)), "");
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

static void subs_write(FILE *out, const json_t *policies)
{
    fputs("<h2>Sub-policies</h2>\n<p class=\"soft\">What can be put behind this policy with a colon.</p>\n"
          "<table><thead><tr><th>Name</th><th>Makes it</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *row = json_array_get(policies, i);
        if (!found_is(row, "sub_policy"))
            continue;
        element(out, "<tr><td class=\"name\">", found_get(row, "name"), "</td>");
        element(out, "<td>", found_get(row, "description"), "</td></tr>\n");
    }
    fputs("</tbody></table>\n", out);
}

void page_write(const json_t *found, FILE *out)
{
    head_write(out, found);
    clients_write(out, json_object_get(found, "clients"));
    lists_write(out, json_object_get(found, "lists"));
    rules_write(out, json_object_get(found, "rules"));
    sources_write(out, json_object_get(found, "sources"));
    subs_write(out, json_object_get(found, "policies"));
    element(out, "<footer>Made by sallyport ", found_get(found, "version"), "");
    element(out, " at ", found_get(found, "made"),
            ". The digest is that of what counts here: a server with other "
            "libraries or host keys logs another.</footer>\n");
    fputs("</body></html>\n", out);
}
