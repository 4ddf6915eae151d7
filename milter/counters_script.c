/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_script - see counters_script.h.
 */
#include "counters_script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LEAP_MS (60 * 1000)
#define NUMBER_MAX ((int64_t)1 << 53) /* of Lua's whole numbers */

static const char script[] = {
#include "counters.lua.inc"
    '\0'};

/* --- asking --------------------------------------------------------------- */

/*
 * The words up to the keys. The script goes by its name first: EVAL carries it
 * whole, and hiredis makes no SHA-1, so the server is asked for the name.
 */
void
counters_script_begin(struct redis_words *words, const char *by,
    const char *body, size_t key_count)
{
	redis_words_init(words);
	redis_words_add(words, "%s", by);
	redis_words_add(words, "%s", body);
	redis_words_add(words, "%zu", key_count);
	redis_words_add(words, "%s", COUNTERS_SCRIPT_STATE);
}

void
counters_script_verb(struct redis_words *words,
    const struct counters_script_call *call, const char *verb)
{
	redis_words_add(words, "%s", verb);
	redis_words_add(words, "%s", call->host);
	redis_words_add(words, "%" PRId64, call->expected_ms);
}

void
counters_script_key(struct redis_words *words, const char *key)
{
	redis_words_add(words, COUNTERS_SCRIPT_TAG "%s", key);
}

/* --- reading the answer --------------------------------------------------- */

int
counters_script_absurd(struct counters_script_call *call, struct err *err)
{
	(void)call;
	return err_set(err, ERR_PROTOCOL, "absurd",
	    "the server's answer cannot be true: is it another program's "
	    "database?");
}

/* A number of an answer, then a blank, a line's end or the end. */
int
counters_script_number(const char **text, int64_t *number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	*number = strtoll(*text, &end, 10);
	if (errno != 0 || *number > NUMBER_MAX ||
	    (*end != ' ' && *end != '\n' && *end != '\0'))
		return -1;
	*text = end;
	return 0;
}

int
counters_script_blank(const char **text)
{
	if (**text != ' ')
		return -1;
	(*text)++;
	return 0;
}

int
counters_script_line_end(const char **text)
{
	if (**text == '\n') {
		(*text)++;
		return 0;
	}
	return **text == '\0' ? 0 : -1;
}

static int
take_head(struct counters_script_call *call, const char **text, int64_t *result)
{
	call->young = strncmp(*text, "young ", 6) == 0;
	if (!call->young && strncmp(*text, "ok ", 3) != 0)
		return -1;
	*text += call->young ? 6 : 3;
	if (counters_script_number(text, &call->now_ms) < 0 ||
	    call->now_ms == 0 || counters_script_blank(text) < 0 ||
	    counters_script_number(text, result) < 0)
		return -1;
	/* It goes on with ours; a leap would make what was counted too old. */
	if (call->expected_ms > 0 &&
	    (call->now_ms > call->expected_ms + LEAP_MS ||
		call->now_ms < call->expected_ms - LEAP_MS))
		return -1;
	return counters_script_line_end(text);
}

/* --- the call ------------------------------------------------------------- */

/* Complete words, sent. The answer's first line is read, *text behind it. */
static int
call_once(struct counters_script_call *call, struct redis_words *words,
    struct buf *answer, const char **text, int64_t *result, struct err *err)
{
	int rc =
	    redis_link_call(call->link, words, call->until_ms, answer, err);

	redis_words_clear(words);
	if (rc < 0)
		return -1;
	*text = answer->data != NULL ? answer->data : "";
	/* What was cut by a NUL was no text of ours. */
	if (strlen(*text) != answer->len || take_head(call, text, result) < 0)
		return counters_script_absurd(call, err);
	return 0;
}

/* By name, and with its text if the server does not know it. */
int
counters_script_run(struct counters_script_call *call,
    counters_script_fill fill, const void *with, struct buf *answer,
    const char **text, int64_t *result, struct err *err)
{
	struct redis_words words;

	buf_init(answer, REDIS_LINK_ANSWER_MAX);
	fill(&words, with, call, "EVALSHA", POSTOAK_COUNTERS_SHA);
	if (call_once(call, &words, answer, text, result, err) == 0)
		return 0;
	if (strcmp(err->code, "NOSCRIPT") != 0)
		return -1;
	fill(&words, with, call, "EVAL", script);
	return call_once(call, &words, answer, text, result, err);
}
