/* How keys are named in the log. */
#pragma once

#include <sallyport/types.h>

#define FINGERPRINT_MAX 64u

/* "SHA256:..." as ssh-keygen -l shows it; "" if there is no such digest. */
void fingerprint_write(struct sp_span blob, char text[FINGERPRINT_MAX]);
