/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denials - what AppArmor and SELinux have forbidden. See denials.h.
 */
#define _GNU_SOURCE /* memmem */
#include "denials.h"

#include <stdio.h>
#include <string.h>

/* Where the interesting part of a line begins; NULL: it is no denial. */
static const char *
find_mark(const char *line, size_t len)
{
	static const char *const marks[] = {
	    "apparmor=\"DENIED\"", "avc:  denied"};
	const char *found = NULL;
	size_t i;

	for (i = 0; found == NULL && i < sizeof(marks) / sizeof(marks[0]); i++)
		found = memmem(line, len, marks[i], strlen(marks[i]));
	return found;
}

static int
is_about_us(const char *line, size_t len)
{
	static const char *const names[] = {
	    "postoak", "comm=\"smtp\"", "comm=\"smtpd\""};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (memmem(line, len, names[i], strlen(names[i])) != NULL)
			return 1;
	return 0;
}

void
denials_search(struct denials *denials, const char *text, size_t len)
{
	const char *end, *mark, *last = text + len;

	for (; text < last; text = end + 1) {
		end = memchr(text, '\n', (size_t)(last - text));
		if (end == NULL)
			end = last;
		mark = find_mark(text, (size_t)(end - text));
		if (mark == NULL || !is_about_us(text, (size_t)(end - text)))
			continue;
		denials->count++;
		snprintf(denials->last, sizeof(denials->last), "%.*s",
		    (int)(end - mark), mark);
	}
}
