/* The commands of `sallyport policy`, each in a file of its own: what it finds, and that as text. */
#pragma once

#include <stdio.h>

#include "ctl/found.h"
#include "ctl/subject.h"

int policy_list_find(const struct ctl_options *o, json_t *found);
void policy_list_show(const struct ctl_options *o, const json_t *found);
int policy_show_find(const struct ctl_options *o, json_t *found);
void policy_show_show(const struct ctl_options *o, const json_t *found);
int policy_check_find(const struct ctl_options *o, json_t *found);
void policy_check_show(const struct ctl_options *o, const json_t *found);
int policy_diff_find(const struct ctl_options *o, json_t *found);
void policy_diff_show(const struct ctl_options *o, const json_t *found);
int policy_explain_find(const struct ctl_options *o, json_t *found);
void policy_explain_show(const struct ctl_options *o, const json_t *found);
int policy_running_find(const struct ctl_options *o, json_t *found);
void policy_running_show(const struct ctl_options *o, const json_t *found);
int policy_scan_find(const struct ctl_options *o, json_t *found);
void policy_scan_show(const struct ctl_options *o, const json_t *found);
int policy_report_find(const struct ctl_options *o, json_t *found);
void policy_report_show(const struct ctl_options *o, const json_t *found);

/* page.c: one page of HTML about a policy, from what `show` found. */
void page_write(const json_t *found, FILE *out);

/* difference.c: what `after` adds and takes away, into "lists", "rules", "exceptions"; both as describe_effective() makes
 * them. True: there is a difference. */
bool difference_find(const json_t *before, const json_t *after, json_t *into);
void difference_show(const json_t *difference);
