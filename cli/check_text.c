/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_text - findings as text for people. See check_text.h.
 */
#include "check_text.h"

#include <stdio.h>
#include <string.h>

#include "show.h"

#define INDENT 8	 /* where the text of a finding begins */
#define REMEDY_INDENT 11 /* behind the arrow */
#define LINE_MAX_BYTES 20000

static const enum show_tone tones[] = {
    [FINDINGS_OK] = SHOW_GOOD,
    [FINDINGS_NOTE] = SHOW_PLAIN,
    [FINDINGS_WARN] = SHOW_WARN,
    [FINDINGS_FAIL] = SHOW_BAD,
};

/* What could not be checked is no verdict: a plain line. */
static const char *
mark(enum findings_verdict verdict)
{
	return verdict == FINDINGS_NOTE ? "-" : findings_word(verdict);
}

/* The lines of a table behind the first one keep their blanks. */
static void
put_table(struct buf *out, const char *text)
{
	struct buf line;
	size_t len;

	while (*text == '\n') {
		len = strcspn(++text, "\n");
		buf_init(&line, LINE_MAX_BYTES);
		buf_add(&line, text, len);
		buf_addf(out, "%*s", REMEDY_INDENT, "");
		show_text(out, line.data != NULL ? line.data : "");
		buf_adds(out, "\n");
		buf_clear(&line);
		text += len;
	}
}

void
check_text_item(struct buf *out, const struct findings_item *item, int colours)
{
	size_t table = strcspn(item->seen, "\n");
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (item->account != NULL)
		buf_addf(&line, "%s: ", item->account);
	buf_add(&line, item->seen, table);
	buf_adds(out, "  ");
	show_toned(out, mark(item->verdict), INDENT - 2, tones[item->verdict],
	    colours);
	show_wrapped(out, line.data, INDENT);
	put_table(out, item->seen + table);
	if (item->remedy != NULL) {
		buf_adds(out, "        -> ");
		show_wrapped(out, item->remedy, REMEDY_INDENT);
	}
	buf_clear(&line);
}

void
check_text_summary(
    struct buf *out, const size_t counts[FINDINGS_VERDICTS], int colours)
{
	static const enum findings_verdict order[] = {
	    FINDINGS_FAIL, FINDINGS_WARN, FINDINGS_OK};
	enum show_tone tone;
	char number[40];
	size_t i;

	buf_adds(out, "\n");
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		tone = counts[order[i]] > 0 ? tones[order[i]] : SHOW_PLAIN;
		snprintf(number, sizeof(number), "%zu %s", counts[order[i]],
		    findings_word(order[i]));
		buf_adds(out, i > 0 ? ", " : "");
		show_toned(out, number, strlen(number), tone, colours);
	}
	if (counts[FINDINGS_NOTE] > 0)
		buf_addf(out, "; %zu not checked", counts[FINDINGS_NOTE]);
	buf_adds(out, "\n");
}
