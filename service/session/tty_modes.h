/* The encoded terminal modes of pty-req: RFC 4254 section 8, RFC 8160 for IUTF8. */
#pragma once

#include <sallyport/types.h>
#include <termios.h>

/* Applies what it knows; what it does not know, and what follows an opcode it cannot skip, is left alone, as the RFC
 * says. SP_E_MALFORMED: an opcode without its argument; *modes is untouched. */
int tty_modes_apply(struct sp_span encoded, struct termios *modes) SP_MUST_USE;
