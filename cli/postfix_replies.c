/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_replies - the reply filter. See postfix_replies.h.
 *
 * Made of the table of replies that "postoak explain" reads, so that both say
 * the same. Postfix shows the filter one line at a time, and the last line's
 * code counts.
 */
#include "postfix_replies.h"

#include <stdio.h>
#include <string.h>

#include "diagnose.h"
#include "reply.h"

/* RFC 4954: not logged in, mechanism too weak, refused, needs encryption. */
#define LOGIN_CODES "53[0458]"
#define LOGIN_ENDED "550([- ])5\\.7\\.30"

/* A block may need an administrator, as a refused login does; a quota that
 * does not come back by itself is no reason to wait. */
static int
is_deferred(const struct reply *row)
{
	if (row->enhanced[0] != '5' || (row->basic != 0 && row->basic < 500))
		return 0;
	if (strcmp(row->advice.class, "blocked") == 0)
		return 1;
	return strcmp(row->advice.class, "quota") == 0 &&
	       diagnose_ends(&row->advice);
}

static void
put_literally(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_addf(out, "%s%c",
		    strchr("\\.[]{}()*+?^$|/", *text) != NULL ? "\\" : "",
		    *text);
}

/* "5.7.501-503" as "5\.7\.(501|502|503)". */
static void
put_enhanced(struct buf *out, const char *enhanced)
{
	int class, subject, first, last, i;

	if (sscanf(enhanced, "%d.%d.%d-%d", &class, &subject, &first, &last) <
	    4) {
		put_literally(out, enhanced);
		return;
	}
	buf_addf(out, "%d\\.%d\\.(%d", class, subject, first);
	for (i = first + 1; i <= last; i++)
		buf_addf(out, "|%d", i);
	buf_adds(out, ")");
}

static void
put_row(struct buf *out, const struct reply *row)
{
	buf_addf(out, "# %s: %s\n/^(", row->enhanced, row->advice.meaning);
	if (row->basic != 0)
		buf_addf(out, "%d", row->basic);
	else
		buf_adds(out, "5[0-9][0-9]");
	buf_adds(out, "([- ])");
	put_enhanced(out, row->enhanced);
	if (reply_is_general(row)) {
		buf_adds(out, "([^0-9].*)?");
	} else {
		buf_adds(out, "[^0-9].*");
		put_literally(out, row->words);
		buf_adds(out, ".*");
	}
	buf_adds(out, ")$/\n    " POSTFIX_REPLIES_CODE
		      "${2}" POSTFIX_REPLIES_MARK "${1}\n");
}

void
postfix_replies_table(struct buf *out)
{
	const struct reply *rows;
	size_t count, i;

	buf_adds(out,
	    "# Refusals that mean the account and not the message: Postfix "
	    "keeps the mail and\n# tries again. Made by postoak mta postfix; "
	    "see smtp_reply_filter in postconf(5).\n"
	    "# The login was refused, or ended.\n"
	    "/^(" LOGIN_CODES "([- ]).*)$/\n    " POSTFIX_REPLIES_CODE
	    "${2}" POSTFIX_REPLIES_MARK "${1}\n"
	    "/^(" LOGIN_ENDED "([^0-9].*)?)$/\n    " POSTFIX_REPLIES_CODE
	    "${2}" POSTFIX_REPLIES_MARK "${1}\n");
	rows = reply_all(&count);
	for (i = 0; i < count; i++)
		if (is_deferred(&rows[i]))
			put_row(out, &rows[i]);
}
