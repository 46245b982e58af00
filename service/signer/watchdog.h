/*
 * Being alive, for a signer, is to sign: the service manager hears that we are only while every token that is said to be ready
 * has made a signature that its public key verifies, a client's exchange or, when nobody comes, a proof asked for here. A
 * token that is known to be away, or is being started again, is no reason to be restarted: that would not bring it back.
 */
#pragma once

#include "base/loop.h"
#include "base/util.h"
#include "signer/spawn.h"

/* A token has to have signed within this many keep-alives' time; it is asked to when half of it has passed. With
 * WatchdogSec=60 those are ten minutes and five. */
#define WATCHDOG_SIGNATURE_PERIODS 20u

struct request;
struct signer;
struct token;

struct watchdog {
    struct loop_source *timer;
    struct {
        uint64_t signed_ms; /* the last signature that was right; 0: none */
        uint64_t asked_ms;  /* our own request is under way since then; 0: none is */
    } slots[SPAWNER_SLOTS];
    bool is_silent; /* we have stopped saying that we are alive */
};

/* Keeps the manager informed, if it wants to be. 0 or -errno. */
int watchdog_start(struct signer *s) MUST_USE;
/* A signature was verified, whoever asked for it. */
void watchdog_signed(struct signer *s, const struct request *request);
/* One that was asked for here has ended without. */
void watchdog_failed(struct signer *s, const struct request *request, const char *why);
/* Whether nothing is to be held against a token at this moment. */
bool watchdog_is_content(const struct signer *s, const struct token *t, uint64_t now_ms);
/* What is done at each turn: asks tokens that have long been idle, and says whether all is well. */
bool watchdog_look(struct signer *s, uint64_t now_ms);
