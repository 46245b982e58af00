/* The listening sockets that Port, ListenAddress and AddressFamily ask for. */
#pragma once

#include "base/listen.h"

#include "config/config.h"

/* Binds all of them, or none. 0; CONFIG_E_INVALID or -errno, with a sentence in `error`. */
int config_listen(const struct config *config, struct listen_sockets *sockets,
                  struct config_error *error) MUST_USE;
