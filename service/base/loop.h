/*
 * An event loop for the programs that do not use sd-event: descriptors, timers and signals (by signalfd, so that no
 * code ever runs in a signal handler). Single-threaded. Sources may be removed from inside any callback.
 */
#pragma once

#include <stdint.h>

#include "base/util.h"

struct loop;
struct loop_source;

/* events: EPOLLIN and friends, as they came. A negative result ends the loop with it; 0 goes on. */
typedef int (*loop_io_fn)(void *context, uint32_t events);
typedef int (*loop_timer_fn)(void *context);
typedef int (*loop_signal_fn)(void *context, int signal_number);

int loop_new(struct loop **loop) MUST_USE;
void loop_free(struct loop *loop);

/* The descriptor stays the caller's; remove the source before closing it. *source may be NULL if never removed. */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_io_fn on_io, void *context,
             struct loop_source **source) MUST_USE;
int loop_modify(struct loop_source *source, uint32_t events) MUST_USE;
/* One shot, at least after_ms from now; re-arm with loop_timer_set. */
int loop_add_timer(struct loop *loop, uint64_t after_ms, loop_timer_fn on_time, void *context,
                   struct loop_source **source) MUST_USE;
int loop_timer_set(struct loop_source *source, uint64_t after_ms) MUST_USE;
/* Blocks the signals and delivers them here. `signals` ends with 0. */
int loop_add_signals(struct loop *loop, const int *signals, loop_signal_fn on_signal, void *context) MUST_USE;
void loop_remove(struct loop_source *source);

/* Runs until loop_stop(), whose code it returns, or until a callback fails (negative). */
int loop_run(struct loop *loop) MUST_USE;
void loop_stop(struct loop *loop, int code);

uint64_t clock_ms(void); /* CLOCK_MONOTONIC */
uint64_t clock_us(void); /* likewise */
