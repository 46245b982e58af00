/* The program of a channel, as the login process tells of it: started, answered for, exited. channel_on_answer() of
 * channel.h is here too. */
#pragma once

#include "worker/channel.h"

/* Gives the terminal the size that waits for it, if it is ours already. */
void channel_resize(struct channel *ch);
