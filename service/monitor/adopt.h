/* A new monitor takes over what the one before has left in the service manager's store. */
#pragma once

struct monitor;

/*
 * Before anybody is listened to, and before the services are connected. What is not what it should be is closed and said in the
 * log: a connection that is lost by it goes on without us, up to its next rekey. Never a reason not to start.
 */
void adopt_all(struct monitor *m);
