/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unsaved - a record that waits for room on the disk. See unsaved.h.
 */
#define _GNU_SOURCE
#include "unsaved.h"

#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

#define RETRY_MS 30000LL

void
unsaved_forget(struct unsaved **unsaved)
{
	if (*unsaved == NULL)
		return;
	record_clear(&(*unsaved)->record);
	free(*unsaved);
	*unsaved = NULL;
}

/* *record is moved out of its struct. */
static void
replace(struct unsaved **unsaved, struct record *record, const struct err *why)
{
	struct unsaved *u;

	unsaved_forget(unsaved);
	u = *unsaved = mem_zalloc(1, sizeof(*u));
	u->record = *record;
	record_init(record);
	u->why = *why;
	u->retry_ms = clock_boot_ms() + RETRY_MS;
}

void
unsaved_take(struct unsaved **unsaved, const struct grant_order *order,
    struct grant_token *token)
{
	unsaved_forget(unsaved);
	if (token->unsaved == NULL)
		return;
	replace(unsaved, token->unsaved, &token->save_error);
	free(token->unsaved);
	token->unsaved = NULL;
	log_warn(grant_order_name(order),
	    "refresh token not saved, the one before stays on disk: %s",
	    token->save_error.text);
}

void
unsaved_refused(struct unsaved **unsaved, const struct grant_order *order,
    const struct grant_failure *failure)
{
	if (failure->saved)
		unsaved_forget(unsaved);
	if (failure->unsaved == NULL)
		return;
	replace(unsaved, failure->unsaved, &failure->save_error);
	log_warn(grant_order_name(order),
	    "refusal not saved, so a restart would forget it: %s",
	    failure->save_error.text);
}

void
unsaved_retry(struct unsaved **unsaved, const struct grant_order *order,
    struct store *store)
{
	struct unsaved *u = *unsaved;

	if (store_save(store, grant_order_kind(order), grant_order_name(order),
		&u->record, &u->why) == -1) {
		u->retry_ms = clock_boot_ms() + RETRY_MS;
		return;
	}
	log_info(grant_order_name(order), "saved after all");
	unsaved_forget(unsaved);
}
