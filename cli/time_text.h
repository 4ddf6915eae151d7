/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TIME_TEXT_H
#define POSTOAK_TIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * time_text - times as people say them. Pure; "now" is an argument. Each
 * writes into out (TIME_TEXT_MAX bytes are enough) and returns it.
 */

#define TIME_TEXT_MAX 64

/* A length: "52 minutes", "1 hour", "3 days". Negative counts as 0. */
const char *time_text_span(char *out, size_t size, int64_t seconds);

/* A point in time seen from now: "in 52 minutes", "3 days ago", "now". */
const char *time_text_when(char *out, size_t size, int64_t at_s, int64_t now_s);

/*
 * A date "YYYY-MM-DD" with its distance in whole days (UTC): "2028-10-31, in
 * 707 days", "..., today", "..., 3 days ago". Anything else is left as it is.
 */
const char *time_text_date(
    char *out, size_t size, const char *date, int64_t now_s);

/* Days from now to the date, negative if it is over; 0 and *ok 0 if the date
 * is none. */
int64_t time_text_days(const char *date, int64_t now_s, int *ok);

#endif
