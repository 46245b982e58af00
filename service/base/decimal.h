/* Numbers and durations as text. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Digits only, at most `max`. */
bool decimal_parse(const char *text, uint64_t max, uint64_t *number);
/* sshd_config(5) TIME FORMATS: 90, 2m, 1h30m, 1w2d. */
bool duration_parse(const char *text, uint32_t *seconds);
/* sshd_config(5) RekeyLimit: octets, perhaps with K, M or G behind them; at most `max`. */
bool octets_parse(const char *text, uint64_t max, uint64_t *octets);
