/* The tick of the signer's loop: see signer.h for the rest of settle.c. */
#pragma once

int on_tick(void *context);
