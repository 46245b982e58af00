/*
 * Writes what people read about events. Input: service/monitor/events.def, and a template of the manual page. Output, on
 * standard output: `catalog`, the journal's message catalog (journalctl -x), or `manual TEMPLATE`, sallyport-events(7). Runs
 * while the project is built.
 */
#include <stdio.h>
#include <string.h>

struct event {
    const char *group; /* of those that follow, and nothing else */
    const char *name, *programs, *levels, *id, *fields, *what, *help;
};

static const struct event events[] = {
#define GROUP(title_) {.group = title_},
#define EVENT(name_, programs_, levels_, id_, fields_, what_, help_)                                         \
    {NULL, #name_, programs_, levels_, id_, fields_, what_, help_},
#include "monitor/events.def"
#undef EVENT
#undef GROUP
};
#define EVENT_COUNT (sizeof events / sizeof events[0])

static void catalog_write(void)
{
    puts("# The journal's message catalog for sallyport; made from events.def. See systemd.journal-fields(7) "
         "and journalctl(1).");
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        const struct event *e = &events[i];
        if (e->group || e->help[0] == '\0')
            continue;
        printf("\n-- %s\nSubject: %s\nDefined-By: sallyport\nDocumentation: man:sallyport-events(7)\n\n%s\n",
               e->id, e->what, e->help);
    }
}

/* A blank-separated list as mdoc's arguments, each with a macro. */
static void list_write(const char *macro, const char *list)
{
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", list);
    for (char *word; (word = strsep(&rest, " "));)
        printf("%s%s %s%s\n", ".", macro, word, rest ? " ," : "");
}

static void event_write(const struct event *e)
{
    printf(".It Sy %s\n%s.\n.br\nSaid by:\n", e->name, e->what);
    list_write("Nm", e->programs);
    printf(";\n");
    list_write("Cm", e->levels);
    if (strcmp(e->fields, "*") == 0) {
        printf(";\nany fields\n");
    } else if (e->fields[0] != '\0') {
        printf(";\nfields:\n");
        list_write("Va", e->fields);
    }
    printf(".br\n.Li MESSAGE_ID=%s\n", e->id);
}

static void events_write(void)
{
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        if (!events[i].group) {
            event_write(&events[i]);
            continue;
        }
        printf("%s.Ss %s\n.Bl -tag -width Ds\n", i ? ".El\n" : "", events[i].group);
    }
    puts(".El");
}

/* The template's line `@events@` is where the list goes. */
static int manual_write(const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 1;
    }
    while (fgets(line, sizeof line, file)) {
        if (strcmp(line, "@events@\n") == 0)
            events_write();
        else
            fputs(line, stdout);
    }
    fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 2;
    if (argc == 2 && strcmp(argv[1], "catalog") == 0) {
        catalog_write();
        status = 0;
    } else if (argc == 3 && strcmp(argv[1], "manual") == 0) {
        status = manual_write(argv[2]);
    } else {
        fprintf(stderr, "usage: document_events catalog | manual TEMPLATE\n");
    }
    return fflush(stdout) == 0 ? status : 1;
}
