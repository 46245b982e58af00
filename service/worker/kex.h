/*
 * The key exchange (RFC 4253 sections 7 and 8), a straight line of steps (enum kex_step): our KEXINIT, the client's,
 * its request for a group and that group (RFC 4419 alone), its public value, the signer's answer, our reply with NEWKEYS, its NEWKEYS.
 */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"

struct connection;
struct msg_signature;
struct msg_transcript;

/* Ours: at the beginning, for a rekey, or in answer to the client's. */
int kexinit_send(struct connection *c) MUST_USE;

int on_ssh_kexinit(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_kex_init(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_kex_gex_request(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_kex_gex_init(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_newkeys(struct connection *c, struct sp_in *in) MUST_USE;

/* To the signer; nothing of the client is handled before it has answered. */
int kex_transcript_send(struct connection *c, const struct msg_transcript *transcript) MUST_USE;

/* Asks for the signature again that it waits for, if it does. */
int kex_resume(struct connection *c) MUST_USE;
struct kex;
void kex_forget_asked(struct kex *kex);
/* The signer's answer, by on_monitor.c. */
int kex_on_signature(struct connection *c, const struct msg_signature *signature) MUST_USE;
