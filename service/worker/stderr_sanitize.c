/* A build with sanitizers, for tests only: their reports go to standard error. */
#include "worker/confine.h"

const bool confine_keeps_stderr = true;
