/* Whether somebody lets a key in: a line of the user's files, or an authority that signs for everybody. */
#pragma once

#include "session/asuser/key_owner.h"
#include "session/asuser/key_subject.h"

/*
 * True: found without objection, and *options are those of its line and of its certificate together. False: detail says
 * why not; the last objection stands, as it belongs to a line with the right key. "": nobody lists it.
 */
bool key_search(const struct key_owner *owner, const struct key_subject *subject, struct key_options *options,
                char *detail, size_t detail_size) MUST_USE;
