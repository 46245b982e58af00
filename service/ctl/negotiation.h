/* What a client and a policy would agree on, by the code that worker and signer use. */
#pragma once

#include "ctl/capture.h"
#include "ctl/found.h"
#include "ctl/subject.h"

/*
 * address: the client's, or NULL. Adds to `into`: "refused" and "why"; "lists", each with what is chosen ("chosen"), or
 * with the client's names and why the policy has none of them; "strict_kex", "post_quantum". True: they would agree.
 */
bool negotiation_describe(const struct subject *s, const struct kexinit *client, const char *address,
                          json_t *into);

/* The policy's kind of list that a list of a KEXINIT is negotiated from. */
enum policy_kind negotiation_kind(enum kexinit_list list);
