/* The identification string of this server (RFC 4253 section 4.2), which worker and signer have to agree on. */
#pragma once

#define SALLYPORT_IDENT "SSH-2.0-sallyport_" SALLYPORT_VERSION
