/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: cli/handover cli/handover_title cli/handover_line
 *
 * Fuzz the reader of hand-over texts: no value is longer than it may be, has a
 * blank around it or a line end in it, and what is said is said in lines.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/handover.h"

static void
check_value(const struct handover *handover, enum handover_field field)
{
	const char *value = handover_get(handover, field);
	size_t len;

	if (value == NULL)
		return;
	len = strlen(value);
	if (len == 0 || len > HANDOVER_VALUE_MAX ||
	    strchr(value, '\n') != NULL || handover->line[field] < 1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handover handover;
	struct buf text;
	int i, problems;

	buf_init(&text, HANDOVER_MAX);
	buf_add(&text, data, size);
	buf_adds(&text, "");
	handover_init(&handover);
	problems =
	    handover_parse(&handover, text.data != NULL ? text.data : "");
	if (problems > 0 &&
	    handover.problems.data[handover.problems.len - 1] != '\n')
		abort();
	for (i = 0; i < HANDOVER_FIELDS; i++)
		check_value(&handover, (enum handover_field)i);
	handover_clear(&handover);
	buf_clear(&text);
	return 0;
}
