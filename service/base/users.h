/* Whom the programs run as: entries of the user database, or numbers where there are none. */
#pragma once

#define USERS_MONITOR "sallyport"
#define USERS_SIGNER "sallyport-signer"
#define USERS_WORKER "sallyport-worker"

/* Below systemd's dynamic users, who begin at 61184: another service with the monitor's number would be taken for it. Nobody
 * allocates from here by himself, and no entries are needed to run. In the order above. */
#define USERS_FALLBACK 60744u
#define USERS_FALLBACK_SIGNER (USERS_FALLBACK + 1)
