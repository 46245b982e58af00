/* `sallyport key rotate`: replacing a host key so that clients know the new one before it is used. */
#pragma once

#include "ctl/ctl.h"

int key_rotate_run(const char *path, int argc, char **argv) MUST_USE;
