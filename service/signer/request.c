/* Lists of requests, first in, first out. */
#include "signer/request.h"

void request_append(struct request_list *list, struct request *request)
{
    request->next = NULL;
    request->previous = list->last;
    if (list->last)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
    list->count++;
}

void request_prepend(struct request_list *list, struct request *request)
{
    request->previous = NULL;
    request->next = list->first;
    if (list->first)
        list->first->previous = request;
    else
        list->last = request;
    list->first = request;
    list->count++;
}

void request_remove(struct request_list *list, struct request *request)
{
    if (request->previous)
        request->previous->next = request->next;
    else
        list->first = request->next;
    if (request->next)
        request->next->previous = request->previous;
    else
        list->last = request->previous;
    request->previous = request->next = NULL;
    list->count--;
}

struct request *request_by_ticket(const struct request_list *list, uint64_t ticket)
{
    struct request *request = list->first;
    while (request && request->ticket != ticket)
        request = request->next;
    return request;
}
