/*
 * What a monitor finds in the service manager's store, any octets: the first says what the rest is, a file or a body of one
 * kind. Besides memory errors: what is taken is within its bounds, and is the same when it is written again.
 */
#include <stdlib.h>

#include <sallyport/wire.h>

#include "ipc/codec.h"

#include "monitor/admission.h"
#include "monitor/known_keys.h"
#include "monitor/report.h"
#include "monitor/stored.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1000000u

static uint8_t written[2 * STORED_SIZE_MAX];

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void require_same(const struct sp_out *out, struct sp_span body)
{
    require(!sp_put_end(out) && sp_span_equal(sp_written(out), body));
}

static void try_connection(struct sp_span body, struct sp_out *out)
{
    const struct stored stored = {.kind = STORED_CONNECTION, .body = body};
    struct msg_stored_connection c;
    if (stored_connection_read(&stored, &c))
        return;
    require(c.session_id.size != 0 && c.session_id.size <= 64 && c.source.size == 16);
    require(c.phase == PHASE_LOGIN || c.phase == PHASE_CLOSING);
    require(message_encode(message_find(MSG_stored_connection), &c, out) == 0);
    struct stored again = {.kind = STORED_CONNECTION, .body = sp_written(out)};
    require(stored_connection_read(&again, &c) == 0);
}

static void try_generation(struct sp_span body, struct sp_out *out)
{
    const struct stored stored = {.kind = STORED_GENERATION, .body = body};
    struct msg_stored_generation g;
    if (stored_generation_read(&stored, &g))
        return;
    require(message_encode(message_find(MSG_stored_generation), &g, out) == 0);
    require_same(out, body);
}

static void try_known_keys(struct sp_span body, struct sp_out *out)
{
    static struct known_keys known;
    size_t none;
    if (known_keys_read(&known, body)) {
        require(known.clients == 0 && !known.newest);
        return;
    }
    require(known.clients <= KNOWN_CLIENTS_MAX);
    require(known_keys_count(&known, NULL, INT64_MIN, &none) == known.clients);
    known_keys_write(&known, out);
    known_keys_free(&known);
    known = (struct known_keys){0};
    require(known_keys_read(&known, sp_written(out)) == 0);
    known_keys_free(&known);
    known = (struct known_keys){0};
}

static void try_report(struct sp_span body, struct sp_out *out)
{
    static struct report report;
    if (report_read(&report, body)) {
        require(report.clients == 0 && !report.newest);
        return;
    }
    require(report.clients <= REPORT_CLIENTS_MAX);
    report_write(&report, out);
    require_same(out, body);
    report_free(&report);
    report = (struct report){0};
}

static void try_penalties(struct sp_span body, struct sp_out *out)
{
    static struct admission admission;
    (void)out;
    (void)!admission_read(&admission, body, NOW_MS);
    require(admission.penalties <= ADMISSION_PENALTIES_MAX && admission.startups == 0);
    admission_free(&admission);
    admission = (struct admission){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct sp_span body, struct sp_out * out) = {
        try_connection, try_generation, try_known_keys, try_report, try_penalties};
    struct sp_out out = {.data = written, .capacity = sizeof written};
    struct stored stored;
    if (size == 0)
        return 0;
    struct sp_span rest = sp_span_of(data + 1, size - 1);
    if (data[0] % 6 != 0)
        tries[data[0] % 6 - 1](rest, &out);
    else if (stored_parse(rest, &stored) == 0)
        require(stored.kind < STORED_KINDS && stored.body.size <= rest.size);
    return 0;
}
