/* What the files of the generations do for each other; generation.h is what others may know. */
#pragma once

#include "monitor/generation.h"

/* generation.c */
void generation_free(struct generation *g);
/* Out of the list, and forgotten by the signer. */
void generation_remove(struct monitor *m, struct generation *g);

/* generation_load.c */
void load_end(struct monitor *m);
/* A reload that was asked for meanwhile. */
void reload_again(struct monitor *m);
/* who: "Signer" or the like, for the log; the generation that was being loaded is gone afterwards. */
void load_refuse(struct monitor *m, const char *who, struct sp_span why);
void configure_send(struct monitor *m, struct generation *g);
/* Of the generation that is being loaded. 0 or -errno. */
int deadline_set(struct monitor *m) MUST_USE;
