/* The text of OpenMetrics, and what an exporter answers. tests/lib/openmetrics.py reads a whole one strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/metrics_serve.h"
#include "ctl/openmetrics.h"

static void expect(const char *json, const char *wanted)
{
    json_error_t error;
    char *text = NULL;
    size_t size;
    json_t *found = json_loads(json, 0, &error);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(found);
    assert_non_null(out);
    openmetrics_write(found, out);
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(found);
}

static void each_type_has_its_suffix(void **state)
{
    (void)state;
    expect("{\"families\":[{\"name\":\"a\",\"type\":\"counter\",\"help\":\"A.\",\"samples\":[{\"labels\":{},"
           "\"value\":3}]},"
           "{\"name\":\"b_bytes\",\"type\":\"gauge\",\"unit\":\"bytes\",\"help\":\"B.\",\"samples\":[{"
           "\"labels\":{\"x\":\"y\"},"
           "\"value\":4}]},{\"name\":\"c\",\"type\":\"info\",\"help\":\"C.\",\"samples\":[{\"labels\":{\"v\":"
           "\"1\"},\"value\":1}]}]}",
           "# HELP a A.\n# TYPE a counter\na_total 3\n"
           "# HELP b_bytes B.\n# TYPE b_bytes gauge\n# UNIT b_bytes bytes\nb_bytes{x=\"y\"} 4\n"
           "# HELP c C.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n");
}

static void a_histogram_has_its_whole(void **state)
{
    (void)state;
    expect(
        "{\"families\":[{\"name\":\"h_seconds\",\"type\":\"histogram\",\"unit\":\"seconds\",\"help\":\"H.\","
        "\"samples\":"
        "[{\"labels\":{\"t\":\"x\"},\"buckets\":[[250,1],[1000000,2]],\"count\":3,\"sum_us\":12000250}]}]}",
        "# HELP h_seconds H.\n# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n"
        "h_seconds_bucket{t=\"x\",le=\"0.00025\"} 1\nh_seconds_bucket{t=\"x\",le=\"1.0\"} 2\n"
        "h_seconds_bucket{t=\"x\",le=\"+Inf\"} 3\nh_seconds_count{t=\"x\"} 3\nh_seconds_sum{t=\"x\"} "
        "12.00025\n# EOF\n");
}

static void values_of_labels_stay_inside(void **state)
{
    (void)state;
    expect("{\"families\":[{\"name\":\"a\",\"type\":\"gauge\",\"help\":\"A.\",\"samples\":"
           "[{\"labels\":{\"x\":\"q\\\"} 1\\nb\\\\ \\u001b[0m\"},\"value\":1}]}]}",
           "# HELP a A.\n# TYPE a gauge\na{x=\"q\\\"} 1\\nb\\\\ [0m\"} 1\n# EOF\n");
}

static void nothing_is_a_whole_text_too(void **state)
{
    (void)state;
    expect("{}", "# EOF\n");
}

static unsigned judge(const char *request, bool *head_only)
{
    return serve_judge(sp_text(request), head_only);
}

static void requests_are_judged(void **state)
{
    static const struct {
        const char *request;
        unsigned status;
    } rows[] = {
        {"", 0},
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n", 0},
        {"GET /metrics HTTP/1.1\r\n\r\n", 200},
        {"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\nmore", 200},
        {"GET /metrics?a=b HTTP/1.1\r\n\r\n", 200},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", 404},
        {"GET /metricsx HTTP/1.1\r\n\r\n", 404},
        {"GET ?/metrics HTTP/1.1\r\n\r\n", 404},
        {"GET / HTTP/1.1\r\n\r\n", 404},
        {"POST /metrics HTTP/1.1\r\n\r\n", 405},
        {"get /metrics HTTP/1.1\r\n\r\n", 405},
        {"GET /metrics\r\n\r\n", 400},
        {"GET /metrics HTTP/2\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1 \r\n\r\n", 400},
        {"GET\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {"GET /x\r\nGET /metrics HTTP/1.1\r\n\r\n", 400},
    };
    bool head_only;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (judge(rows[i].request, &head_only) != rows[i].status)
            fail_msg("%s: %u", rows[i].request, judge(rows[i].request, &head_only));
        assert_false(head_only);
    }
    assert_int_equal(judge("HEAD /metrics HTTP/1.1\r\n\r\n", &head_only), 200);
    assert_true(head_only);
}

static void a_head_without_end_is_refused_when_it_is_full(void **state)
{
    static uint8_t octets[SERVE_HEAD_MAX];
    bool head_only;
    (void)state;
    memset(octets, 'a', sizeof octets);
    assert_int_equal(serve_judge(sp_span_of(octets, sizeof octets - 1), &head_only), 0);
    assert_int_equal(serve_judge(sp_span_of(octets, sizeof octets), &head_only), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_suffix),
        cmocka_unit_test(a_histogram_has_its_whole),
        cmocka_unit_test(values_of_labels_stay_inside),
        cmocka_unit_test(nothing_is_a_whole_text_too),
        cmocka_unit_test(requests_are_judged),
        cmocka_unit_test(a_head_without_end_is_refused_when_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
