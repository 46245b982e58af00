/* What the signer may still do once it has everything it needs. */
#pragma once

#include "base/util.h"

/* The system calls of the signer's loop, and no other. 0 or -errno. */
int signer_lock_down(void) MUST_USE;
