/* `sallyport key log`: the chain of signatures. */
#pragma once

#include "ctl/ctl.h"

int key_log_run(const char *path, int argc, char **argv) MUST_USE;
