/* A worker has nobody to talk to but its client and its links. */
#include "worker/confine.h"

const bool confine_keeps_stderr = false;
