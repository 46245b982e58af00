/*
 * Known clients against policies. Input: a .client file, what is in effect on a server. Output: what the two negotiate.
 */
#include <strings.h>

#include <sallyport/wire.h>

#include "base/lexer.h"
#include "golden.h"

#define STRICT_MARKER "kex-strict-c-v00@openssh.com"

enum fact {
    DESCRIPTION,
    VERSION,
    DATE,
    SOURCE,
    IDENTIFICATION,
    KEXES,
    HOST_KEYS,
    CIPHERS,
    MACS,
    COMPRESSIONS,
    FACTS
};

static const struct {
    const char *keyword;
    bool may_miss;
    bool may_repeat;
} facts[FACTS] = {
    [DESCRIPTION] = {"Description", false, false},
    [VERSION] = {"Version", false, false},
    [DATE] = {"Date", false, false},
    [SOURCE] = {"Source", false, true},
    [IDENTIFICATION] = {"Identification", true, false},
    [KEXES] = {"KexAlgorithms", false, false},
    [HOST_KEYS] = {"HostKeyAlgorithms", false, false},
    [CIPHERS] = {"Ciphers", false, false},
    [MACS] = {"MACs", false, false},
    [COMPRESSIONS] = {"Compression", false, false},
};

struct golden_client {
    char *name;
    char *facts[FACTS];
};

static enum fact fact_find(const char *keyword)
{
    enum fact fact = 0;
    while (fact < FACTS && strcmp(facts[fact].keyword, keyword) != 0)
        fact++;
    return fact;
}

static void take_line(struct golden_client *client, const struct lexer_line *line, unsigned number)
{
    enum fact fact = fact_find(line->keyword);
    if (fact == FACTS)
        golden_fail("%s.client line %u: unknown keyword \"%s\"", client->name, number, line->keyword);
    if (line->count != 1 || line->arguments[0][0] == '\0')
        golden_fail("%s.client line %u: %s: expected one argument", client->name, number, line->keyword);
    if (client->facts[fact] && !facts[fact].may_repeat)
        golden_fail("%s.client line %u: %s: expected it once", client->name, number, line->keyword);
    for (struct sp_span names = sp_text(line->arguments[0]); fact >= KEXES && names.size != 0;)
        if (sp_next_name(&names).size == 0)
            golden_fail("%s.client line %u: %s: expected a name between commas", client->name, number,
                        line->keyword);
    free(client->facts[fact]);
    client->facts[fact] = strdup(line->arguments[0]);
}

static void take_text(struct golden_client *client, struct sp_span text)
{
    struct lexer_line split;
    const char *why = "";
    for (unsigned number = 1; text.size != 0; number++) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        if (!end)
            golden_fail("%s.client line %u: expected a newline at its end", client->name, number);
        struct sp_span line = sp_span_of(text.data, (size_t)(end - text.data));
        text = sp_span_of(end + 1, text.size - line.size - 1);
        int result = lexer_split(line, &split, &why);
        if (result == LEXER_E_MALFORMED)
            golden_fail("%s.client line %u: %s", client->name, number, why);
        if (result == 0)
            take_line(client, &split, number);
    }
}

struct golden_client *client_read(const char *name, struct sp_span text)
{
    struct golden_client *client = calloc(1, sizeof *client);
    if (!client || !(client->name = strdup(name)))
        golden_fail("out of memory");
    take_text(client, text);
    for (enum fact fact = 0; fact < FACTS; fact++)
        if (!client->facts[fact] && !facts[fact].may_miss)
            golden_fail("%s.client: expected a line %s", name, facts[fact].keyword);
    return client;
}

void client_free(struct golden_client *client)
{
    for (enum fact fact = 0; fact < FACTS; fact++)
        free(client->facts[fact]);
    free(client->name);
    free(client);
}

/* For everybody, now: an exception for some addresses is for others than these clients. */
static bool server_has(const struct policy_effective *server, enum policy_kind kind, struct sp_span name)
{
    if (sp_list_has(sp_text(server->lists[kind]), name))
        return true;
    for (size_t i = 0; i < server->exception_count; i++) {
        const struct policy_exception *exception = &server->exceptions[i];
        if (exception->kind == kind && exception->addresses[0] == '\0' && sp_span_is(name, exception->name))
            return true;
    }
    return false;
}

/* The first name of the client's that the server has too; empty: there is none. */
static struct sp_span negotiate(const struct golden_client *client, enum fact fact,
                                const struct policy_effective *server, enum policy_kind kind)
{
    for (struct sp_span names = sp_text(client->facts[fact]); names.size != 0;) {
        struct sp_span name = sp_next_name(&names);
        if (server_has(server, kind, name))
            return name;
    }
    return (struct sp_span){0};
}

static bool is_aead(struct sp_span cipher)
{
    return memmem(cipher.data, cipher.size, "-gcm@", 5) || memmem(cipher.data, cipher.size, "-poly1305@", 10);
}

void client_print_negotiation(const struct golden_client *client, const struct policy_effective *server,
                              FILE *out)
{
    static const struct {
        enum fact fact;
        enum policy_kind kind;
    } steps[] = {{KEXES, POLICY_KEX},
                 {HOST_KEYS, POLICY_HOST_KEY},
                 {CIPHERS, POLICY_CIPHER},
                 {MACS, POLICY_MAC},
                 {COMPRESSIONS, POLICY_COMPRESSION}};
    struct sp_span chosen[ARRAY_SIZE(steps)];
    fprintf(out, "    %s:", client->name);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        bool is_implicit = steps[i].kind == POLICY_MAC && is_aead(chosen[i - 1]);
        chosen[i] =
            is_implicit ? sp_text("its own MAC") : negotiate(client, steps[i].fact, server, steps[i].kind);
        if (chosen[i].size == 0) {
            fprintf(out, " refused, nothing common in %s\n", policy_keyword(steps[i].kind));
            return;
        }
    }
    if (server->rules.strict_kex && !sp_list_has(sp_text(client->facts[KEXES]), sp_text(STRICT_MARKER))) {
        fprintf(out, " refused by RequireStrictKex\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        fprintf(out, "%s %.*s", i == 0 ? "" : ",", (int)chosen[i].size, (const char *)chosen[i].data);
    fputc('\n', out);
}
