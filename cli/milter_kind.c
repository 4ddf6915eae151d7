/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_kind - what a mail filter is. See milter_kind.h.
 */
#define _GNU_SOURCE /* strcasestr */
#include "milter_kind.h"

#include <string.h>

int
milter_kind_signs(const char *address)
{
	/* OpenDKIM and dkimpy; rspamd signs, too. sendmail writes PORT@HOST. */
	static const char *const marks[] = {
	    "dkim", "rspamd", ":8891", ":8892", ":8893", ":11332"};
	size_t i;

	for (i = 0; address != NULL && i < sizeof(marks) / sizeof(marks[0]);
	     i++)
		if (strcasestr(address, marks[i]) != NULL)
			return 1;
	return 0;
}
