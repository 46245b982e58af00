/*
 * Reports of workers. Input: what a worker says of its own connection, which may be anything once a client has taken it over.
 * Output: figures for who asks. A worker that does not answer is not asked again; one that answers unasked is not heard.
 */
#include "monitor/progress.h"

#include "base/loop.h"

#include "monitor/monitor.h"
#include "monitor/on_connection.h"

bool connection_ask_report(struct connection *c)
{
    struct connection_known *known = &c->known;
    uint64_t now_ms = clock_ms();
    if (c->phase != PHASE_LOGIN || known->report_asked || !watch_is_open(&c->worker) ||
        (known->report_asked_ms != 0 && now_ms - known->report_asked_ms < PROGRESS_INTERVAL_MS))
        return false;
    known->report_asked = true;
    known->report_asked_ms = now_ms;
    if (watch_send(&c->worker, ask_report)) {
        connection_worker_gone(c);
        return false;
    }
    return true;
}

void connection_take_report(struct connection *c, const struct msg_report *report)
{
    struct connection_known *known = &c->known;
    if (!known->report_asked)
        return;
    known->report_asked = false;
    known->report_ms = clock_ms();
    known->octets_in = report->octets_in;
    known->octets_out = report->octets_out;
    known->rekeys = report->rekeys;
    known->channels = report->channels;
    known->idle_ms = report->idle_ms;
    observe_octets(c, report->octets_in, report->octets_out);
}
