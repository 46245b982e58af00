/*
 * What messages.def declares, as C: the roles and phases, one struct per message, the numbers. Spans of a decoded
 * message point into the buffer it was received in and live until the next receive.
 */
#pragma once

#include <sallyport/types.h>

enum ipc_role {
    ROLE_NONE = 0,
    ROLE_MONITOR,
    ROLE_SIGNER,
    ROLE_TOKEN,
    ROLE_SPAWNER, /* starts the signer's token processes */
    ROLE_ZYGOTE,
    ROLE_WORKER,
    ROLE_ACCEPTOR, /* the session service's accept loop */
    ROLE_SESSION,  /* a login process */
    ROLE_HELPER,   /* its as-user helper */
    ROLE_LAUNCH,
    ROLE_CTL, /* the administrator's tool */
    ROLE_ANY,
};

enum ipc_phase {
    PHASE_START = 1 << 0,
    PHASE_READY = 1 << 1,
    PHASE_AUTH = 1 << 2,
    PHASE_LOGIN = 1 << 3,
    PHASE_CLOSING = 1 << 4,
    PHASE_ANY = (1 << 5) - 1,
};

/* How one authentication attempt ended, in login_attempt. */
enum login_result {
    LOGIN_FAILED = 0,
    LOGIN_PARTIAL,
    LOGIN_ACCEPTED,
    LOGIN_INVALID_USER,
    LOGIN_DENIED,      /* right credentials, but the account or a rule says no */
    LOGIN_NOT_ALLOWED, /* the user exists, and may not try: detail says why */
    LOGIN_TOO_MANY,    /* MaxAuthTries: it ends */
};

#define LOGIN_ROOT_REFUSED "PermitRootLogin no" /* as a detail of LOGIN_NOT_ALLOWED */

enum program_kind {
    PROGRAM_SHELL = 1,
    PROGRAM_EXEC,
    PROGRAM_SUBSYSTEM,
};

/* What a balancer says of a connection, in proxied. */
enum proxied_kind {
    PROXIED_LOCAL = 1, /* it is the balancer's own */
    PROXIED_UNKNOWN,   /* somebody's, whose address it does not know */
    PROXIED_CLIENT,
};

enum token_mechanism {
    TOKEN_EDDSA = 1,  /* data: the message */
    TOKEN_ECDSA,      /* data: the digest */
    TOKEN_RSA_SHA256, /* data: the SHA-256 digest; PKCS#1 v1.5 */
    TOKEN_RSA_SHA512,
};

enum helper_file_kind {
    HELPER_FILE_TRUSTED = 1, /* TrustedUserCAKeys */
    HELPER_FILE_REVOKED,     /* RevokedKeys */
};

enum helper_rules_kind {
    HELPER_RULES_IN_FORCE = 1,
    HELPER_RULES_REPORTED, /* PolicyMode report: they refuse nothing, and are told what they would */
};

#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_) struct msg_##name_ {
#define U8(field_) uint8_t field_;
#define U16(field_) uint16_t field_;
#define U32(field_) uint32_t field_;
#define U64(field_) uint64_t field_;
#define BOOL(field_) bool field_;
#define BYTES(field_, limit_) struct sp_span field_;
#define TEXT(field_, limit_) struct sp_span field_;
#define END(name_) };
#include "ipc/messages.def"
#include "ipc/messages_undef.h"

enum msg_number {
#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_) MSG_##name_ = (number_),
#define U8(field_)
#define U16(field_)
#define U32(field_)
#define U64(field_)
#define BOOL(field_)
#define BYTES(field_, limit_)
#define TEXT(field_, limit_)
#define END(name_)
#include "ipc/messages.def"
#include "ipc/messages_undef.h"
};

union msg_body {
#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_) struct msg_##name_ name_;
#define U8(field_)
#define U16(field_)
#define U32(field_)
#define U64(field_)
#define BOOL(field_)
#define BYTES(field_, limit_)
#define TEXT(field_, limit_)
#define END(name_)
#include "ipc/messages.def"
#include "ipc/messages_undef.h"
};
