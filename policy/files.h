/* Where the text of a policy comes from. */
#pragma once

#include "policy/policy.h"

/* The file of that name, or the DEFAULT that is in the program; NULL: there is none. path NULL: the program's. */
const struct policy_file *files_source(const struct policy_files *files, const char *key);
/* What policy_files_add_name() has added of a kind, comma-separated; NULL: nothing. */
const char *files_loaded(const struct policy_files *files, enum policy_kind kind);
