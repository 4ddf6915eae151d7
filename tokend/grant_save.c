/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_save - what of an exchange goes on disk. See grant_save.h.
 */
#define _GNU_SOURCE
#include "grant_save.h"

#include <stdlib.h>

#include "clock.h"
#include "mem.h"

struct record *
grant_save_record(const struct grant_order *order, struct store *store,
    struct record *record, struct err *err)
{
	struct record *unsaved;

	if (store_save(store, grant_order_kind(order), grant_order_name(order),
		record, err) == 0)
		return NULL;
	unsaved = mem_zalloc(1, sizeof(*unsaved));
	*unsaved = *record;
	record_init(record);
	return unsaved;
}

struct record *
grant_save_token(const struct grant_order *order, struct store *store,
    struct record *record, enum flow_kind how, struct flow_token *won,
    struct err *err)
{
	int worth = record->refused != RECORD_REFUSED_NOTHING;

	if (!secret_empty(&won->refresh)) {
		secret_take(&record->refresh_token, &won->refresh);
		worth = 1;
	}
	if (!secret_empty(&record->refresh_token) &&
	    (worth || how == FLOW_REFRESH)) {
		/* Its use renews it, also when it stays the same. */
		record->obtained_at_s = clock_wall_s();
		worth = 1;
	}
	free(record->scope);
	record->scope = mem_strdup(won->scope);
	record->refused = RECORD_REFUSED_NOTHING;
	return worth ? grant_save_record(order, store, record, err) : NULL;
}

void
grant_save_drop(struct record *unsaved)
{
	if (unsaved == NULL)
		return;
	record_clear(unsaved);
	free(unsaved);
}
