/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal - a store as it is after many sign-ins: a sealed refresh token for each
 * of N accounts, written by tokend's own code.
 *
 * usage: seal DIRECTORY KEY_FILE N
 * link: tokend/store tokend/aside tokend/storedir tokend/record tokend/sealkey
 * link: tokend/crypto meter
 * libs: tokend
 */
#define _GNU_SOURCE
#include "meter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "tokend/crypto.h"
#include "tokend/store.h"

#define REFRESH_TOKEN_LEN 900

/* In place of the C library's: all is synced at the end, at once. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

static void
save(struct store *store, int number)
{
	char name[64], token[REFRESH_TOKEN_LEN];
	struct record record;
	struct err err;

	snprintf(name, sizeof(name), "user%d@contoso.com", number);
	memset(token, 'R', sizeof(token));
	record_init(&record);
	meter_must(secret_set(&record.refresh_token, token, sizeof(token)) == 0,
	    "memory");
	/* Used within the last week, each at another time. */
	record.obtained_at_s = clock_wall_s() - 3600 - number % (4 * 86400);
	if (store_save(store, "account", name, &record, &err) == -1)
		meter_fatal(err.text);
	record_clear(&record);
}

int
main(int argc, char **argv)
{
	struct store *store;
	struct err err;
	int i, count, directory;

	meter_must(argc == 4, "usage: seal DIRECTORY KEY_FILE N");
	log_open("seal", 1, LOG_LEVEL_INFO);
	if (crypto_start(&err) == -1)
		meter_fatal(err.text);
	store = store_open(argv[1], argv[2], &err);
	if (store == NULL)
		meter_fatal(err.text);
	count = atoi(argv[3]);
	for (i = 0; i < count; i++)
		save(store, i);
	store_close(store);
	/* An old store: tokend's first sync does not wait for these files. */
	directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	meter_must(directory != -1 && syncfs(directory) == 0, argv[1]);
	close(directory);
	return 0;
}
