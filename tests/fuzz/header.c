/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/message milter/rewrite milter/rewrite_field milter/rewrite_edit
 * link: milter/notice milter/dkim milter/phrase milter/name milter/encoded
 * link: milter/charset milter/address milter/scan milter/map
 * link: tests/unit/block tests/unit/hostile tests/unit/judge
 *
 * Fuzz whole header blocks: "envelope\nname:value\nname:value...", a line that
 * begins with a blank belonging to the one before. What the milter makes of it
 * is from one allowed address.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/block.h"

/* The end of the line and its folded ones; it is made a string there. */
static char *
take_line(char *line)
{
	char *end = line;

	do {
		end += strcspn(end, "\n");
		if (*end == '\0')
			return end;
		end++;
	} while (*end == ' ' || *end == '\t');
	end[-1] = '\0';
	return end;
}

static void
read_block(struct hostile *hostile, const uint8_t *data, size_t size)
{
	char *line, *next, *colon;

	memset(hostile, 0, sizeof(*hostile));
	if (size >= HOSTILE_BYTES)
		size = HOSTILE_BYTES - 1;
	if (size > 0)
		memcpy(hostile->bytes, data, size);
	/* The policy and whether it is SMTPUTF8 depend on the length. */
	hostile->state = size;
	hostile->utf8 = size % 2 == 0;
	next = take_line(hostile->bytes);
	(void)snprintf(hostile->sender, sizeof(hostile->sender), "%.*s",
	    (int)sizeof(hostile->sender) - 1, hostile->bytes);
	for (line = next; *line != '\0' && hostile->count < HOSTILE_FIELDS;
	     line = next) {
		next = take_line(line);
		colon = strchr(line, ':');
		if (colon == NULL || colon == line || *line == ' ')
			continue;
		*colon = '\0';
		hostile->fields[hostile->count].name = line;
		hostile->fields[hostile->count++].value = colon + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hostile hostile;
	static struct block block;
	struct judge_rules rules = block_rules;
	enum block_mta mta;

	read_block(&hostile, data, size);
	block_init(&block);
	for (mta = BLOCK_POSTFIX;
	     block_decide(&block, &hostile) == 0 && mta <= BLOCK_SENDMAIL;
	     mta++) {
		rules.utf8 = block.message.utf8;
		block_edit(&block, &hostile, mta);
		if (judge_block(&rules, block.text, block.len) != NULL ||
		    judge_envelope(&rules, block.sender) != NULL)
			abort();
	}
	block_clear(&block);
	return 0;
}
