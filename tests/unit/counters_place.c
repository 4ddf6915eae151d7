/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_place - where tests count. See counters_place.h.
 */
#include "counters_place.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../milter/counters.h"

char counters_place[64];
struct counters *counters;

struct counters *
counters_place_open(void)
{
	char address[100];
	struct conf_milter milter = {.counters = address};
	struct counters *opened;
	struct err err;

	(void)snprintf(address, sizeof(address), "lmdb:%s", counters_place);
	opened = counters_open(&milter, &err);
	if (opened == NULL)
		fail_msg("%s", err.text);
	return opened;
}

int
counters_place_setup(void **state)
{
	(void)state;
	strcpy(counters_place, "/tmp/postoak-counters-XXXXXX");
	assert_non_null(mkdtemp(counters_place));
	counters = counters_place_open();
	return 0;
}

int
counters_place_teardown(void **state)
{
	const struct dirent *entry;
	DIR *place;

	(void)state;
	counters_close(counters);
	counters = NULL;
	place = opendir(counters_place);
	assert_non_null(place);
	while ((entry = readdir(place)) != NULL)
		if (entry->d_name[0] != '.')
			assert_int_equal(
			    unlinkat(dirfd(place), entry->d_name, 0), 0);
	closedir(place);
	assert_int_equal(rmdir(counters_place), 0);
	counters_place[0] = '\0';
	return 0;
}
