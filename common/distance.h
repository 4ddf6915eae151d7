/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DISTANCE_H
#define POSTOAK_DISTANCE_H

#include <stddef.h>

/*
 * distance - how far a misspelt word is from a known one. Called by the
 * configuration's and the tool's "did you mean". Pure.
 */

#define DISTANCE_WORD_MAX 48 /* longer words are no slips of known ones */

/*
 * Levenshtein's distance of a and b in bytes, or DISTANCE_WORD_MAX + 1 if one
 * of them is longer than DISTANCE_WORD_MAX.
 */
size_t distance(const char *a, const char *b);

#endif
