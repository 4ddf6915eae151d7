/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply - the tables of replies and error words. See reply.h.
 */
#define _GNU_SOURCE /* strcasestr */
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The rows are generated flat, without the braces of the advice in them. */
#pragma GCC diagnostic ignored "-Wmissing-braces"

static const struct reply replies[] = {
#include "replies.inc"
};

static const struct reply_word words[] = {
#include "words.inc"
};

const struct reply *
reply_all(size_t *count)
{
	*count = sizeof(replies) / sizeof(replies[0]);
	return replies;
}

const struct reply_word *
reply_words(size_t *count)
{
	*count = sizeof(words) / sizeof(words[0]);
	return words;
}

int
reply_has_code(const struct reply *row, const struct reply_code *code)
{
	int class, subject, first, last;

	switch (sscanf(
	    row->enhanced, "%d.%d.%d-%d", &class, &subject, &first, &last)) {
	case 3:
		last = first;
		break;
	case 4:
		break;
	default:
		return 0;
	}
	if (code->part[0] != class || code->part[1] != subject ||
	    code->part[2] < first || code->part[2] > last)
		return 0;
	return row->basic == 0 || code->basic == 0 || row->basic == code->basic;
}

int
reply_has_words(const struct reply *row, const char *text)
{
	return !reply_is_general(row) && strcasestr(text, row->words) != NULL;
}

int
reply_is_general(const struct reply *row)
{
	return strcmp(row->words, "-") == 0;
}

const struct reply_word *
reply_word_find(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == len &&
		    strncasecmp(words[i].word, word, len) == 0)
			return &words[i];
	return NULL;
}
