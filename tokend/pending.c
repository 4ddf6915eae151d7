/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending - a request that waits for an exchange. See pending.h.
 */
#define _GNU_SOURCE
#include "pending.h"

#include <stdlib.h>

#include "mem.h"

struct pending {
	struct client *client;
	const struct pending_words *words;
	struct handout_wait *wait;
	char *user; /* while it waits */
};

static void
forget(void *arg)
{
	struct pending *pending = arg;

	handout_cancel(pending->wait);
	free(pending->user);
	free(pending);
}

struct pending *
pending_new(struct client *client, const struct pending_words *words)
{
	struct pending *pending = mem_zalloc(1, sizeof(*pending));

	pending->client = client;
	pending->words = words;
	return pending;
}

void
pending_done(void *arg, const struct handout *token, const struct err *err)
{
	struct pending *pending = arg;
	struct client *client = pending->client;

	pending->wait = NULL;
	client_set_pending(client, NULL, NULL);
	if (token != NULL)
		pending->words->token(client, pending->user, token);
	else
		pending->words->failure(client, err);
	forget(pending);
}

struct handout_wait **
pending_wait(struct pending *pending)
{
	return &pending->wait;
}

int
pending_settle(struct pending *pending, int rc, const char *user,
    const struct handout *token)
{
	const struct pending_words *words = pending->words;
	struct client *client = pending->client;

	if (rc == 1) {
		pending->user = mem_strdup(user);
		client_set_pending(client, pending, forget);
		return 0;
	}
	free(pending);
	if (rc == 0)
		words->token(client, user, token);
	return rc;
}
