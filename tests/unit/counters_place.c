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

void
counters_place_make(void)
{
	strcpy(counters_place, "/tmp/postoak-counters-XXXXXX");
	assert_non_null(mkdtemp(counters_place));
}

struct counters *
counters_place_open(void)
{
	char address[100];
	struct conf_milter milter = {.counters = address};
	struct counters *counters;
	struct err err;

	(void)snprintf(address, sizeof(address), "lmdb:%s", counters_place);
	counters = counters_open(&milter, &err);
	if (counters == NULL)
		fail_msg("%s", err.text);
	return counters;
}

void
counters_place_remove(void)
{
	DIR *place = opendir(counters_place);
	const struct dirent *entry;

	assert_non_null(place);
	while ((entry = readdir(place)) != NULL)
		if (entry->d_name[0] != '.')
			assert_int_equal(
			    unlinkat(dirfd(place), entry->d_name, 0), 0);
	closedir(place);
	assert_int_equal(rmdir(counters_place), 0);
	counters_place[0] = '\0';
}
