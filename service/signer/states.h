/*
 * What the monitor is told of the tokens (token_states), for who asks: at once when a condition changes, and about once in a
 * second while counters move. Nothing follows from it.
 */
#pragma once

#include "signer/signer.h"

/* A condition of a token, or what a key can, is another one. */
void states_changed(struct signer *s);
/* A counter has moved. */
void states_moved(struct signer *s);
/* Tells what is due. For signer_settle(). */
void states_pump(struct signer *s);
/* When that is to be looked at next: UINT64_MAX if there is nothing to tell. */
uint64_t states_due_ms(const struct signer *s, uint64_t now_ms);
