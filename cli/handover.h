/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HANDOVER_H
#define POSTOAK_HANDOVER_H

#include "buf.h"
#include "handover_title.h"

/*
 * handover - read what an administrator of Microsoft 365 was asked to hand
 * over: a mail or note with a title and a value per line, as people write them.
 * Called by setup. Pure; what the values are worth, identity says.
 *
 * Titles come in any order and in their usual spellings, with or without
 * "Modern Auth" before them; bullets, numbers, emphasis and the marks of a
 * quoted mail are skipped. A colon of any script, an equals sign, a tab, a bar,
 * a dash or two blanks stand between title and value, or the value is on the
 * next line. Quotes around a value, a link's address behind its text and
 * characters that nobody sees are taken away.
 */

#define HANDOVER_MAX (256 * 1024)  /* bytes of a text */
#define HANDOVER_VALUE_MAX 2048	   /* bytes of a value */
#define HANDOVER_PROBLEMS_MAX 8192 /* bytes of what is said of a text */

struct handover {
	struct buf value[HANDOVER_FIELDS]; /* wiped when cleared */
	int line[HANDOVER_FIELDS];	   /* of the value; 0: not given */
	struct buf problems;		   /* sentences, a line each */
};

void handover_init(struct handover *handover);
void handover_clear(struct handover *handover);

/*
 * Read a text. The number of problems: values that contradict each other,
 * titles without a value, a text in another encoding; each says the lines it
 * means and none of them holds a value.
 */
int handover_parse(struct handover *handover, const char *text);

/* The value, owned by handover; NULL if it was not given. */
const char *handover_get(
    const struct handover *handover, enum handover_field field);

/* The title as the vendor's instruction or the portal has it. */
const char *handover_title(enum handover_field field);

#endif
