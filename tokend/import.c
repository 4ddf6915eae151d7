/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import - a refresh token from elsewhere. See import.h.
 */
#define _GNU_SOURCE
#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "record.h"

static int
is_value(const char *text)
{
	const unsigned char *p;

	for (p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			return 0;
	return *text != '\0' && strlen(text) <= IMPORT_MAX;
}

int
import_check(const struct conf_account *account, const char *refresh_token,
    struct err *err)
{
	if (account->grant == CONF_GRANT_CLIENT_CREDENTIALS)
		return err_set(err, ERR_CONFIG, "grant",
		    "account %s: grant %s has no use for a refresh token; it "
		    "fetches its tokens by itself: postoak refresh %s",
		    account->name, conf_grant_name(account->grant),
		    account->name);
	if (!is_value(refresh_token))
		return err_set(err, ERR_PROTOCOL, "value",
		    "account %s: a refresh token has 1 to %d bytes and no "
		    "control characters",
		    account->name, IMPORT_MAX);
	return 0;
}

int
import_save(const struct grant_order *order, struct store *store,
    const char *refresh_token, struct err *err)
{
	const char *kind = grant_order_kind(order);
	const char *name = grant_order_name(order);
	struct record record;
	int rc;

	if (store_load(store, kind, name, &record, err) == -1)
		return -1;
	free(record.scope);
	record.scope = NULL;
	if (record.refused != RECORD_REFUSED_PASSWORD)
		record.refused = RECORD_REFUSED_NOTHING;
	record.obtained_at_s = clock_wall_s();
	/* Newer than the refusal, so that a restart still tries it. */
	if (record.refused != RECORD_REFUSED_NOTHING &&
	    record.obtained_at_s <= record.refused_at_s)
		record.obtained_at_s = record.refused_at_s + 1;
	if (secret_set(&record.refresh_token, refresh_token,
		strlen(refresh_token)) == -1)
		rc = err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	else
		rc = store_save(store, kind, name, &record, err);
	record_clear(&record);
	return rc;
}
