/*
 * The configuration: sshd_config's grammar (sshd_config(5)) with the keywords of options.def. Read once, whole, by the
 * monitor; every other program gets the same lines as a sealed snapshot and evaluates them with the same code.
 *
 *   file(s) --config_source_read--> struct config_source --config_evaluate(who)--> struct config
 *                                        | config_source_pack / unpack (the snapshot)
 */
#pragma once

#include <sallyport/module.h>

#include "base/util.h"

#define CONFIG_SNAPSHOT_MAX (1024u * 1024u) /* octets; also of all files read together */
#define CONFIG_LINE_MAX 8192u               /* octets; what the lexer takes (LEXER_LINE_MAX) */
#define CONFIG_INCLUDE_DEPTH_MAX 16u
#define CONFIG_CERTIFICATE_MAX 16384u /* octets of a HostCertificate's file */
#define CONFIG_MODULES_MAX 16u        /* LoadModule lines */
#define CONFIG_POLICY_MAX 512u        /* octets of what stands behind Policy, with a NUL (POLICY_SPEC_MAX) */

/* Where and what is wrong, for people: "/etc/sallyport/sallyport.conf line 3: ...". */
struct config_error {
    char text[1024];
};

/* All lines that mean something, Include resolved, each with its file and line; and what is in the other files that they
 * name and that everybody has to see alike: those of policies, host certificates, and what modules say of themselves. */
struct config_source;

enum {
    CONFIG_E_INVALID = 1, /* error->text says file, line and what was expected */
};

int config_source_read(const char *path, struct config_source **source, struct config_error *error) MUST_USE;
/* The same behind the lines of a command line (-o keyword=value), which count before the file's. */
int config_source_read_behind(const char *lines, const char *path, struct config_source **source,
                              struct config_error *error) MUST_USE;
/* `name` stands for the file in errors. */
int config_source_parse(const char *name, struct sp_span text, struct config_source **source,
                        struct config_error *error) MUST_USE;
void config_source_free(struct config_source *source);
/* The snapshot's bytes (free()), and back. */
int config_source_pack(const struct config_source *source, uint8_t **data, size_t *size) MUST_USE;
int config_source_unpack(struct sp_span data, struct config_source **source,
                         struct config_error *error) MUST_USE;

/* What the file of a HostCertificate had in it when the configuration was read; it lives as long as the source. */
bool config_certificate(const struct config_source *source, const char *path, struct sp_span *contents);

/* A line that took effect. */
struct config_line {
    char *file; /* NULL: no line did, the value is the default */
    uint32_t line;
};

/* Strings owned by the struct config they are in. */
struct config_list {
    char **items;
    size_t count;
};

/* What the file of a LoadModule line says that it is. SP_KIND_NONE: nobody has asked it, the lines are from memory. */
struct config_module {
    enum sp_module_kind kind;
    char name[SP_MODULE_NAME_SIZE];
};

/*
 * struct config: one field per row of options.def, plus what SPECIAL rows fill. Text fields are never NULL. NAMES
 * fields are the list as written ("" if the keyword is absent), for config_policy() to apply. An item of a LINES field
 * is the name, one blank and the rest of the line ("sftp /usr/lib/openssh/sftp-server -l INFO").
 */
struct config {
#define FLAG(keyword_, field_, default_, scope_) bool field_;
#define NUMBER(keyword_, field_, default_, min_, max_, scope_) uint32_t field_;
#define SECONDS(keyword_, field_, default_, min_, max_, scope_) uint32_t field_;
#define WORD(keyword_, field_, default_, scope_) char *field_;
#define CHOICE(keyword_, field_, default_, choices_, scope_) char *field_;
#define REST(keyword_, field_, default_, scope_) char *field_;
#define LIST(keyword_, field_, default_, scope_) struct config_list field_;
#define REPEAT(keyword_, field_, default_, scope_) struct config_list field_;
#define LINES(keyword_, field_, scope_) struct config_list field_;
#define NAMES(keyword_, field_, scope_) char *field_;
#define SPECIAL(keyword_, parser_, scope_)
#include "config/options.def"
#include "config/options_undef.h"
    uint32_t startups_begin, startups_rate, startups_full; /* MaxStartups 10:30:100 */
    uint32_t per_source_max;                               /* PerSourceMaxStartups; UINT32_MAX: none */
    uint32_t netblock_ipv4, netblock_ipv6;                 /* PerSourceNetBlockSize 32:128 */
    uint64_t rekey_octets;                                 /* RekeyLimit; 0: the cipher's own bound */
    uint32_t rekey_s;                                      /* 0: none */
    char policy_report[CONFIG_POLICY_MAX];                 /* PolicyMode report NAME; "": enforce */
    struct config_module modules[CONFIG_MODULES_MAX];      /* of each item of load_modules */
    struct config_line *lines;                             /* of each row of options.def, for config_line() */
};

/* Whom Match is evaluated for. NULL or 0: not known yet, and then no criterion on it matches (so the monitor, which
 * knows no user, sees only what holds for everybody on that address). */
struct config_who {
    const char *user;
    const char *const *groups; /* names; the caller has asked NSS */
    size_t group_count;
    const char *address;       /* numeric */
    const char *local_address; /* numeric */
    uint16_t local_port;
    const char *listener; /* the name of the listening socket; listeners.h */
};

/* The effective configuration; first value wins. Checks everything that needs no file, token or NSS, in every Match
 * block, whether it matches or not. */
int config_evaluate(const struct config_source *source, const struct config_who *who, struct config **config,
                    struct config_error *error) MUST_USE;
void config_free(struct config *config);
/* The line that gave a keyword its value: of several that add up, the first. NULL: none, it is the default. */
const struct config_line *config_line(const struct config *config, const char *keyword);

/* What `-C user=root,addr=10.0.0.1,laddr=...,lport=22,listener=front` says; fields that it does not name stay as they are, so that
 * several -C add up. host= and rdomain= are accepted and mean nothing here. The strings in *who live in *storage
 * (free()). Groups are the caller's to fill in. */
int config_who_parse(const char *text, struct config_who *who, char **storage,
                     struct config_error *error) MUST_USE;

/* The path of the module of that kind and name, owned by config; NULL: no LoadModule line names one. */
const char *config_module_find(const struct config *config, enum sp_module_kind kind, struct sp_span name);
/* What stands in front of the colon of a HostKey; empty if nothing does. */
struct sp_span config_host_key_scheme(const char *host_key);

/* The command line of a subsystem, owned by config; NULL: there is none of that name. */
const char *config_subsystem(const struct config *config, struct sp_span name);

#define CONFIG_HOST_MAX 80u
/* Takes a ListenAddress apart: "192.0.2.1", "192.0.2.1:22", "2001:db8::1", "[2001:db8::1%eth0]:22". port is 0 if the
 * text has none. CONFIG_E_INVALID: not one of these. */
int config_listen_address(const char *text, char host[CONFIG_HOST_MAX], uint16_t *port) MUST_USE;

/* Writes the effective configuration as `sallyportd -T` shows it: "keyword value" lines, lower-case keywords. */
int config_print(const struct config *config, int fd) MUST_USE;

/* Pattern lists of sshd_config(5) PATTERNS: *, ?, !; "a,!b*". -1: a negated pattern matched; 0: none; 1: matched. */
int config_match_patterns(const char *value, const char *patterns);
/* One item of AllowUsers or DenyUsers: USER or USER@ADDRESSES, each a pattern. address may be NULL: not known. */
bool config_match_user(const char *user, const char *address, const char *pattern);
