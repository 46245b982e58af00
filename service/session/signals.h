/* Signals by the names of RFC 4254 section 6.10, which are without "SIG". */
#pragma once

#include <sallyport/types.h>

/* 0: not one that a client may send. */
int signal_find(struct sp_span name);
/* Never NULL: a signal that the RFC does not name is one of its private names, as OpenSSH sends it. */
const char *signal_ssh_name(int number);
