/* SPDX-License-Identifier: Apache-2.0 */
/*
 * negotiated - see negotiated.h.
 *
 * When a connection is over nobody says, so that there are only so many places.
 * Its context's address, which it is known by, is another's afterwards, but
 * each negotiates first.
 */
#include "negotiated.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "map.h"

#define PLACES 1024

struct place {
	const void *connection; /* NULL: none */
	struct negotiated negotiated;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place places[PLACES];

static struct place *
place_of(const void *connection)
{
	unsigned long long hash = map_hash(&connection, sizeof(connection));

	return &places[hash % PLACES];
}

void
negotiated_keep(const void *connection, const struct negotiated *negotiated)
{
	struct place *place = place_of(connection);

	(void)pthread_mutex_lock(&lock);
	place->connection = connection;
	place->negotiated = *negotiated;
	(void)pthread_mutex_unlock(&lock);
}

int
negotiated_find(const void *connection, struct negotiated *negotiated)
{
	const struct place *place = place_of(connection);
	int found;

	memset(negotiated, 0, sizeof(*negotiated));
	(void)pthread_mutex_lock(&lock);
	found = place->connection == connection;
	if (found)
		*negotiated = place->negotiated;
	(void)pthread_mutex_unlock(&lock);
	return found;
}
