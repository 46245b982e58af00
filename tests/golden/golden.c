/*
 * Prints every snapshot, each behind a line "==> FILE", for tests/golden/run to compare or to write.
 *
 *   golden POLICIES CLIENTS     directories with *.policy and *.client
 *
 *   NAME.TOKEN.DISTRIBUTION.txt   what a policy comes to, or why it comes to nothing
 *   subpolicies.txt               what each sub-policy changes of each policy
 *   clients.txt                   what each known client gets under each policy
 *   later.txt                     what changes of each policy when its exceptions are over
 *   within.txt                    whether a policy allows nothing that another does not, as for a Match block
 *
 * Input: those files, the registry and the tables of distributions.h; nothing of the running machine.
 */
#include "golden.h"

#include <dirent.h>
#include <stdarg.h>

#include "policy/source.h"

#define NAMES_MAX 64u

struct names {
    char *items[NAMES_MAX];
    size_t count;
};

struct golden {
    struct policy_files *files;
    struct names bases, subs;
    struct golden_client *clients[NAMES_MAX];
    size_t client_count;
};

void golden_fail(const char *format, ...)
{
    va_list args;
    fflush(stdout);
    va_start(args, format);
    fprintf(stderr, "golden: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- input ----------------------------------------------------------------------------------------------------- */

static char *read_text(const char *directory, const char *name, struct sp_span *text)
{
    char path[4096], *data = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *in = fopen(path, "re");
    if (!in)
        golden_fail("%s: %m", path);
    ssize_t got = getdelim(&data, &size, '\0', in);
    if (got < 0 || !feof(in))
        golden_fail("%s: expected a text", path);
    fclose(in);
    *text = sp_span_of(data, (size_t)got);
    return data;
}

static void names_add(struct names *names, const char *name, size_t size)
{
    if (names->count == NAMES_MAX || !(names->items[names->count++] = strndup(name, size)))
        golden_fail("too many names");
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
}

static void take_policy(struct golden *golden, const char *directory, const char *file, size_t stem)
{
    struct sp_span text;
    struct policy_error error;
    struct source_header header;
    char *data CLEANUP_FREE = read_text(directory, file, &text);
    if (policy_files_add(golden->files, file, text, (struct sp_span){0}, &error) != 0)
        golden_fail("%s", error.text);
    source_scan(text, &header);
    names_add(header.is_sub ? &golden->subs : &golden->bases, file, stem);
}

static void take_client(struct golden *golden, const char *directory, const char *file, size_t stem)
{
    struct sp_span text;
    char *data CLEANUP_FREE = read_text(directory, file, &text), *name CLEANUP_FREE = strndup(file, stem);
    if (!name || golden->client_count == NAMES_MAX)
        golden_fail("too many clients");
    golden->clients[golden->client_count++] = client_read(name, text);
}

static void take_directory(struct golden *golden, const char *directory, const char *suffix,
                           void (*take)(struct golden *, const char *, const char *, size_t))
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, versionsort);
    if (count < 0)
        golden_fail("%s: %m", directory);
    for (int i = 0; i < count; i++) {
        size_t size = strlen(entries[i]->d_name), end = strlen(suffix);
        if (size > end && strcmp(entries[i]->d_name + size - end, suffix) == 0)
            take(golden, directory, entries[i]->d_name, size - end);
        free(entries[i]);
    }
    free(entries);
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

bool golden_resolve(const struct policy_files *files, const char *spec,
                    const struct distribution *distribution, const struct token *token, int64_t now,
                    struct policy_effective *effective, struct policy_error *error)
{
    static struct golden_build golden;
    struct policy *policy = NULL;
    if (policy_load(files, spec, now, &policy, error) != 0)
        golden_fail("%s: %s", spec, error->text);
    if (policy->description[0] == '\0')
        golden_fail("%s: expected a Description", spec);
    golden_build_init(&golden, distribution, token);
    int result = policy_resolve(policy, &golden.build, now, effective, error);
    if (result < 0)
        golden_fail("%s: out of memory", spec);
    policy_free(policy);
    return result == 0;
}

/* FIPS can only be looked at where there is a provider; the others are the same there. */
static bool asks_for_provider(const struct golden *golden, const char *base)
{
    static struct policy_effective effective;
    struct policy_error error;
    return !golden_resolve(golden->files, base, &distributions[TRIXIE], &tokens[TOKEN_ALL], GOLDEN_NOW,
                           &effective, &error) &&
           strstr(error.text, "RequireFIPSProvider");
}

static const struct distribution *newest(const struct golden *golden, const char *base)
{
    return &distributions[asks_for_provider(golden, base) ? TRIXIE_FIPS : TRIXIE];
}

static void print_policy(const struct golden *golden, const char *base, const struct token *token,
                         const struct distribution *distribution)
{
    static struct policy_effective effective;
    struct policy_error error;
    printf("==> %s.%s.%s.txt\n", base, token->name, distribution->name);
    if (golden_resolve(golden->files, base, distribution, token, GOLDEN_NOW, &effective, &error))
        effective_print(&effective, stdout);
    else
        printf("error: %s\n", error.text);
}

static void print_policies(const struct golden *golden)
{
    for (size_t i = 0; i < golden->bases.count; i++) {
        const char *base = golden->bases.items[i];
        size_t count = asks_for_provider(golden, base) ? DISTRIBUTIONS : TRIXIE_FIPS;
        for (size_t t = 0; t < TOKENS; t++)
            for (size_t d = 0; d < count; d++)
                print_policy(golden, base, &tokens[t], &distributions[d]);
    }
}

/* What is different between two specifications or times, with all kinds of keys where most is available. */
static void print_changes(const struct golden *golden, const char *base, const char *spec, int64_t later)
{
    static struct policy_effective before, after;
    struct policy_error error;
    const struct distribution *distribution = newest(golden, base);
    const struct token *token = &tokens[TOKEN_ALL];
    printf("%s\n", spec);
    if (!golden_resolve(golden->files, base, distribution, token, GOLDEN_NOW, &before, &error) ||
        !golden_resolve(golden->files, spec, distribution, token, later, &after, &error))
        printf("    error: %s\n", error.text);
    else if (effective_print_changes(&before, &after, stdout) == 0)
        printf("    nothing\n");
}

static void print_subpolicies(const struct golden *golden)
{
    char spec[2 * POLICY_NAME_MAX + 2];
    printf("==> subpolicies.txt\n");
    for (size_t s = 0; s < golden->subs.count; s++)
        for (size_t b = 0; b < golden->bases.count; b++) {
            snprintf(spec, sizeof spec, "%s:%s", golden->bases.items[b], golden->subs.items[s]);
            print_changes(golden, golden->bases.items[b], spec, GOLDEN_NOW);
        }
}

static void print_clients(const struct golden *golden)
{
    static struct policy_effective effective;
    struct policy_error error;
    printf("==> clients.txt\n");
    for (size_t b = 0; b < golden->bases.count; b++) {
        const char *base = golden->bases.items[b];
        printf("%s\n", base);
        if (golden_resolve(golden->files, base, newest(golden, base), &token_plain, GOLDEN_NOW, &effective,
                           &error))
            for (size_t c = 0; c < golden->client_count; c++)
                client_print_negotiation(golden->clients[c], &effective, stdout);
        else
            printf("    error: %s\n", error.text);
    }
}

static void print_later(const struct golden *golden)
{
    printf("==> later.txt\n");
    for (size_t b = 0; b < golden->bases.count; b++)
        print_changes(golden, golden->bases.items[b], golden->bases.items[b], GOLDEN_LATER);
}

static struct policy *load(const struct golden *golden, const char *spec)
{
    struct policy *policy = NULL;
    struct policy_error error;
    if (policy_load(golden->files, spec, GOLDEN_NOW, &policy, &error) != 0)
        golden_fail("%s: %s", spec, error.text);
    return policy;
}

static void print_within(const struct golden *golden, const char *outer_name, const char *inner_name)
{
    struct policy_error error;
    struct policy *outer = load(golden, outer_name), *inner = load(golden, inner_name);
    int result = policy_compare(outer, inner, &error);
    if (result < 0)
        golden_fail("%s: out of memory", inner_name);
    printf("    %s: %s\n", inner_name, result == 0 ? "within" : error.text);
    policy_free(outer);
    policy_free(inner);
}

static void print_all_within(const struct golden *golden)
{
    printf("==> within.txt\n");
    for (size_t outer = 0; outer < golden->bases.count; outer++) {
        printf("%s\n", golden->bases.items[outer]);
        for (size_t inner = 0; inner < golden->bases.count; inner++)
            if (inner != outer)
                print_within(golden, golden->bases.items[outer], golden->bases.items[inner]);
    }
}

static void golden_free(struct golden *golden)
{
    names_free(&golden->bases);
    names_free(&golden->subs);
    for (size_t i = 0; i < golden->client_count; i++)
        client_free(golden->clients[i]);
    policy_files_free(golden->files);
}

int main(int argc, char **argv)
{
    struct golden golden CLEANUP(golden_free) = {0};
    if (argc != 3)
        golden_fail("expected the directories of policies and of clients");
    if (policy_files_new(&golden.files) != 0)
        golden_fail("out of memory");
    take_directory(&golden, argv[1], ".policy", take_policy);
    take_directory(&golden, argv[2], ".client", take_client);
    print_policies(&golden);
    print_subpolicies(&golden);
    print_clients(&golden);
    print_later(&golden);
    print_all_within(&golden);
    return 0;
}
