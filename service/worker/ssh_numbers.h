/* Message numbers (RFC 4250 section 4.1.2): those of ssh_messages.def, and the ones that only a server sends. */
#pragma once

enum ssh_number {
#define SSH_MESSAGE(number_, name_, handler_, allowed_, section_) SSH_MSG_##name_ = (number_),
#include "worker/ssh_messages.def"
#undef SSH_MESSAGE
    SSH_MSG_SERVICE_ACCEPT = 6,
    SSH_MSG_KEX_REPLY = 31,
    SSH_MSG_KEX_GEX_GROUP = 31,
    SSH_MSG_KEX_GEX_REPLY = 33,
    SSH_MSG_PONG = 193,
};

/* Numbers 30 to 49 belong to the key exchange method. */
#define SSH_KEX_FIRST 30u
#define SSH_KEX_LAST 49u
