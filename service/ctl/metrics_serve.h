/*
 * An exporter on a unix socket: HTTP/1.1, GET /metrics, and nothing else. A process of its own, so that what reads strangers'
 * requests is not the monitor; what it can do there is what a member of ControlGroup can: ask.
 */
#pragma once

#include <sallyport/types.h>

#include "ctl/ctl.h"

#define SERVE_CLIENTS_MAX 8u /* at a time; others wait in the kernel's queue */
#define SERVE_HEAD_MAX 8192u /* octets of a request */
#define SERVE_TIME_MS 10000u /* for a request to come whole, and for an answer to be taken */
#define SERVE_FRESH_MS 1000u /* the server is asked at most so often: others get what it said last */

/* --serve unix:PATH or systemd (a socket that the service manager hands over). Serves until a signal ends it. */
int metrics_serve(const struct ctl_options *o);
/* metrics.c: *text is the caller's (free()). 0, or CTL_FAILED and said. */
int metrics_text(const struct ctl_options *o, char **text, size_t *size);

/*
 * What a request is answered with: 200, 404 for another path, 405 for another method, 400 for what is no request, 0 if it is not
 * whole yet. head_only: HEAD. Pure.
 */
unsigned serve_judge(struct sp_span request, bool *head_only);
