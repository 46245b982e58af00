/* A build for valgrind, for tests only: its limits and namespaces would be the tool's as well. */
#include "base/sandbox_extra.h"

const struct sandbox_rule sandbox_extra_rules[] = {{.syscall = -1, .argument = -1}};
const size_t sandbox_extra_rule_count = 0;

const unsigned sandbox_extra_isolation = SANDBOX_NETWORK | SANDBOX_IPC;

bool sandbox_extra_limit_fits(int resource)
{
    (void)resource;
    return false;
}
