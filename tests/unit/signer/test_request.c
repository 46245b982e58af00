/* Lists of requests keep their order whatever is taken out of them. */
#include "support.h"

#include "signer/request.h"

static struct request requests[5];

static void fill(struct request_list *list)
{
    *list = (struct request_list){0};
    memset(requests, 0, sizeof requests);
    for (size_t i = 0; i < 5; i++) {
        requests[i].ticket = i;
        request_append(list, &requests[i]);
    }
}

static void order_is(const struct request_list *list, const char *tickets)
{
    const struct request *forward = list->first, *back = list->last;
    size_t count = strlen(tickets);
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++, forward = forward->next, back = back->previous) {
        assert_int_equal(forward->ticket, tickets[i] - '0');
        assert_int_equal(back->ticket, tickets[count - 1 - i] - '0');
    }
    assert_null(forward);
    assert_null(back);
}

static void first_in_first_out(void **state)
{
    struct request_list list;
    fill(&list);
    order_is(&list, "01234");
}

static void removes_from_anywhere(void **state)
{
    struct request_list list;
    fill(&list);
    request_remove(&list, &requests[2]);
    order_is(&list, "0134");
    request_remove(&list, &requests[0]);
    request_remove(&list, &requests[4]);
    order_is(&list, "13");
    request_remove(&list, &requests[1]);
    request_remove(&list, &requests[3]);
    order_is(&list, "");
}

static void puts_back_in_front(void **state)
{
    struct request_list list;
    fill(&list);
    request_remove(&list, &requests[3]);
    request_prepend(&list, &requests[3]);
    order_is(&list, "30124");
    struct request_list empty = {0};
    request_remove(&list, &requests[3]);
    request_prepend(&empty, &requests[3]);
    order_is(&empty, "3");
}

static void finds_by_ticket(void **state)
{
    struct request_list list;
    fill(&list);
    assert_ptr_equal(request_by_ticket(&list, 4), &requests[4]);
    assert_null(request_by_ticket(&list, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(removes_from_anywhere),
        cmocka_unit_test(puts_back_in_front),
        cmocka_unit_test(finds_by_ticket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
