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

void
unsaved_take(struct unsaved **unsaved, const struct grant_order *order,
    struct grant_token *token)
{
	struct unsaved *u;

	unsaved_forget(unsaved);
	if (token->unsaved == NULL)
		return;
	u = *unsaved = mem_zalloc(1, sizeof(*u));
	u->record = *token->unsaved;
	free(token->unsaved);
	token->unsaved = NULL;
	u->why = token->save_error;
	u->retry_ms = clock_boot_ms() + RETRY_MS;
	log_warn(grant_order_name(order),
	    "refresh token not saved, the one before stays on disk: %s",
	    u->why.text);
}

void
unsaved_refused(struct unsaved *unsaved, const struct grant_failure *failure)
{
	struct record *record;

	if (unsaved == NULL || failure->refused == RECORD_REFUSED_NOTHING)
		return;
	record = &unsaved->record;
	record->refused = failure->refused;
	free(record->refused_id);
	record->refused_id = mem_strdup(failure->refused_id);
	record->refused_at_s = clock_wall_s();
	record->refusal = failure->err;
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
	log_info(grant_order_name(order), "refresh token saved after all");
	unsaved_forget(unsaved);
}
