/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aadsts - Entra ID's error numbers in plain words. See aadsts.h.
 *
 * The rows are compiled in from aadsts.tsv, sorted once: the file is kept in
 * the order people maintain it in.
 */
#include "aadsts.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

#define N_ROWS (sizeof(source) / sizeof(source[0]))
#define NUMBER_DIGITS_MAX                                                      \
	9 /* fits a long everywhere; real ones have 4 to 7                     \
	   */

static const struct {
	long number;
	const char *class;
	const char *meaning;
	const char *remedy;
} source[] = {
#include "aadsts.inc"
};

static struct aadsts rows[N_ROWS];
static once_flag sorted = ONCE_FLAG_INIT;

static int
by_number(const void *a, const void *b)
{
	long left = ((const struct aadsts *)a)->number;
	long right = ((const struct aadsts *)b)->number;

	return left < right ? -1 : left > right;
}

static void
sort_rows(void)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++) {
		rows[i].number = source[i].number;
		rows[i].class = aadsts_class_parse(source[i].class);
		rows[i].meaning = source[i].meaning;
		rows[i].remedy = source[i].remedy;
	}
	qsort(rows, N_ROWS, sizeof(rows[0]), by_number);
}

const struct aadsts *
aadsts_find(long number)
{
	struct aadsts key = {.number = number};

	call_once(&sorted, sort_rows);
	return bsearch(&key, rows, N_ROWS, sizeof(rows[0]), by_number);
}

long
aadsts_in_text(const char *text)
{
	const char *p = text;
	long number;
	int digits;

	while (p != NULL && (p = strstr(p, "AADSTS")) != NULL) {
		p += strlen("AADSTS");
		number = 0;
		for (digits = 0; *p >= '0' && *p <= '9'; p++, digits++)
			if (digits < NUMBER_DIGITS_MAX)
				number = number * 10 + (*p - '0');
		if (digits > 0 && digits <= NUMBER_DIGITS_MAX)
			return number;
	}
	return 0;
}

enum err_kind aadsts_kind(enum aadsts_class class)
{
	if (class == AADSTS_TRANSIENT)
		return ERR_TEMPORARY;
	if (class == AADSTS_INTERACTION)
		return ERR_LOGIN;
	return ERR_CONFIG;
}

enum aadsts_class
aadsts_class_parse(const char *word)
{
	if (strcmp(word, "transient") == 0)
		return AADSTS_TRANSIENT;
	if (strcmp(word, "interaction") == 0)
		return AADSTS_INTERACTION;
	return AADSTS_PERMANENT;
}

const struct aadsts *
aadsts_all(unsigned int *count)
{
	call_once(&sorted, sort_rows);
	*count = N_ROWS;
	return rows;
}
