/* sallyportd -t and -T: a configuration looked at, nothing started. Needs neither root nor a token. */
#pragma once

#include "monitor/monitor.h"

/* Exit codes of sshd: what is wrong is said on standard error. */
int check_configuration(const struct monitor_options *options);
/* connection: "user=u,addr=a,laddr=l,lport=p,listener=n" as sshd -C, or NULL: what holds for everybody. */
int show_configuration(const struct monitor_options *options, const char *connection);
