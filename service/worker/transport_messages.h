/* Handlers of the transport's own messages: 1 to 7 and ping. Those of the key exchange are in kex.h. */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"

struct connection;

int on_ssh_disconnect(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_ignore(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_unimplemented(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_debug(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_service_request(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_ext_info(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_ping(struct connection *c, struct sp_in *in) MUST_USE;

/* Our EXT_INFO, to a client that understands it: right after our first NEWKEYS (RFC 8308 section 2.4). */
int ext_info_send(struct connection *c) MUST_USE;
