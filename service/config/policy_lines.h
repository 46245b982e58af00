/* The lines of a configuration that choose or change a policy, in blocks that apply and in those that do not. */
#pragma once

#include "config/source.h"
#include "policy/policy.h"

#define POLICY_LINES_MAX 4096u

enum policy_line_kind {
    POLICY_LINE_CHOICE, /* Policy SPEC */
    POLICY_LINE_REPORT, /* PolicyMode report SPEC */
    POLICY_LINE_NAMES,  /* PubkeyAcceptedAlgorithms LIST, CASignatureAlgorithms LIST, ... */
};

struct policy_line {
    enum policy_line_kind kind;
    enum policy_kind names;    /* POLICY_LINE_NAMES */
    char *text;                /* SPEC or LIST */
    struct config_place place; /* file: the source's */
    unsigned block;            /* 0: stands before any Match; else which Match it stands in */
};

struct policy_lines {
    struct policy_line *items;
    size_t count;
};

/* Only of lines that config_evaluate() has found right. 0, CONFIG_E_INVALID (too many) or -ENOMEM. */
int policy_lines_find(const struct config_source *source, struct policy_lines *lines,
                      struct config_error *error) MUST_USE;
void policy_lines_free(struct policy_lines *lines);

/* What Policy says in that block: the first such line, or NULL. */
const struct policy_line *policy_lines_choice(const struct policy_lines *lines, unsigned block);
