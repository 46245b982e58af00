/*
 * The lines of a configuration in the order in which they count, with marks where a file begins and ends, because a
 * Match block ends with its file.
 */
#pragma once

#include "config/config.h"
#include "config/error.h"
#include "policy/policy.h"

enum source_entry_kind {
    SOURCE_LINE = 1,  /* text: a line that is neither empty nor a comment nor an Include */
    SOURCE_BEGIN = 2, /* text: the file's name; line: of the Include, in the file before */
    SOURCE_END = 3,   /* text: "" */
    /* In the snapshot only, behind all lines. */
    SOURCE_POLICY = 4,      /* text: a policy's path; its text and its signature follow */
    SOURCE_CERTIFICATE = 5, /* text: a host certificate's path; its contents follow */
    SOURCE_MODULE = 6,      /* text: a module's path; its kind and name follow */
};

struct source_certificate {
    char *path;
    uint8_t *data;
    size_t size;
};

struct source_module {
    char *path;
    enum sp_module_kind kind;
    char name[SP_MODULE_NAME_SIZE];
};

struct source_entry {
    enum source_entry_kind kind;
    uint32_t line;
    char *text;
};

struct config_source {
    struct source_entry *entries;
    size_t count, capacity;
    size_t packed_size; /* octets of its snapshot, kept within CONFIG_SNAPSHOT_MAX */
    struct policy_files *policies;
    struct source_certificate *certificates;
    size_t certificate_count;
    struct source_module modules[CONFIG_MODULES_MAX];
    size_t module_count;
};

#define SOURCE_NAME_MAX 4096u
#define SOURCE_CERTIFICATES_MAX 64u
#define SOURCE_HEAD_SIZE 8u       /* magic, version */
#define SOURCE_ENTRY_HEAD_SIZE 9u /* kind, line, the text's length */

enum {
    SOURCE_E_FULL = 1, /* would not fit into a snapshot */
};

int source_new(struct config_source **source) MUST_USE;
int source_add(struct config_source *source, enum source_entry_kind kind, uint32_t line,
               struct sp_span text) MUST_USE;
/* Copies. 0, SOURCE_E_FULL, CONFIG_E_INVALID (*error) or -ENOMEM. */
int source_add_policy(struct config_source *source, const struct policy_file *file,
                      struct config_error *error) MUST_USE;
int source_add_certificate(struct config_source *source, const char *path, struct sp_span contents) MUST_USE;
/* modules.c; the same. CONFIG_E_INVALID also: the name is taken. */
int source_add_module(struct config_source *source, const char *path, const struct sp_module_facts *facts,
                      struct config_error *error) MUST_USE;
/* attach.c: reads the files that the lines name. A configuration that is wrong otherwise is left to who evaluates it. */
int source_attach(struct config_source *source, struct config_error *error) MUST_USE;
static inline void source_cleanup(struct config_source **source)
{
    config_source_free(*source);
}

/* One reading of a file and what it includes. */
struct source_reading {
    struct config_source *source;
    struct config_error *error;
    size_t octets_left; /* of all files together */
    unsigned depth;
    bool has_files; /* false: text in memory, which cannot include */
    const char *root;      /* in front of the names of all files; NULL: nothing */
    const char *directory; /* where an Include that is not absolute looks; NULL: in ours */
};

/*
 * The lines of another server's configuration: the same grammar, and other keywords. `root`: where the root of its machine is
 * mounted, "" here; `directory`: where its Include lines look. Nothing else that the lines name is opened. 0, CONFIG_E_INVALID
 * or -ENOMEM.
 */
int source_read_foreign(const char *path, const char *root, const char *directory,
                        struct config_source **source, struct config_error *error) MUST_USE;

/* Adds a text's lines, and what its Include lines name. line: of the Include that led here, 0 for the first. */
int source_read_text(struct source_reading *reading, const char *name, uint32_t line,
                     struct sp_span text) MUST_USE;
