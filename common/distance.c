/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distance - see distance.h.
 */
#include "distance.h"

#include <string.h>

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
distance(const char *a, const char *b)
{
	size_t row[DISTANCE_WORD_MAX + 1], i, j, above, above_left;
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > DISTANCE_WORD_MAX || b_len > DISTANCE_WORD_MAX)
		return DISTANCE_WORD_MAX + 1;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 0; i < a_len; i++) {
		above_left = row[0];
		row[0] = i + 1;
		for (j = 0; j < b_len; j++) {
			above = row[j + 1];
			row[j + 1] = least(least(above, row[j]) + 1,
			    above_left + (a[i] == b[j] ? 0 : 1));
			above_left = above;
		}
	}
	return row[b_len];
}
