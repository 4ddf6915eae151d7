/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HOLDQUEUE_H
#define POSTOAK_HOLDQUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * holdqueue - what the mail server holds, and letting it go, with the mail
 * server's own commands. Called by release; calls command.
 */

enum holdqueue_mta { HOLDQUEUE_POSTFIX, HOLDQUEUE_SENDMAIL };

/* One message that is asked about. */
struct holdqueue_item {
	const char *id;
	int64_t held_s; /* wall clock */
	int queue;	/* in which one it is; 0: in none */
};

/*
 * Set queue of each item that this queue holds, and that is not another
 * message by now which got the same id. Sorts the items by id. configuration:
 * Postfix' directory or sendmail's file; NULL: the default. 0 or -1.
 */
int holdqueue_look(enum holdqueue_mta mta, const char *configuration,
    struct holdqueue_item *items, size_t count, int queue, struct err *err);

/* Let them all go, in one call. 0, or -1: some may have gone. */
int holdqueue_release(enum holdqueue_mta mta, const char *configuration,
    const char *const *ids, size_t count, struct err *err);

#endif
