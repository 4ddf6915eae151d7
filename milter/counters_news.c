/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_news - see counters_news.h.
 *
 * A message is lines: "message", the channel, the host that counted, and for
 * each limit the width of its buckets, the sum, and the key.
 */
#include "counters_news.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "counters_redis.h"

#define NEWS_MAX 32 /* in one transaction */
#define WIDTH_MAX ((int64_t)1 << 50)

int
counters_news_listen(struct redis_link *link, int64_t until_ms, struct err *err)
{
	struct redis_words words;
	struct buf answer;
	int rc;

	redis_words_init(&words);
	redis_words_add(&words, "SUBSCRIBE");
	redis_words_add(&words, "%s", COUNTERS_SCRIPT_STATE);
	buf_init(&answer, REDIS_LINK_ANSWER_MAX);
	rc = redis_link_call(link, &words, until_ms, &answer, err);
	buf_clear(&answer);
	redis_words_clear(&words);
	return rc;
}

/* The next line, cut out of the text; NULL at the end. */
static char *
next_line(char **text)
{
	char *line = *text;
	size_t len = strcspn(line, "\n");

	if (*line == '\0')
		return NULL;
	*text += len + (line[len] == '\n');
	line[len] = '\0';
	return line;
}

/* "WIDTH TOTAL KEY". -1: not that. */
static int
take_line(const char *line, struct counters_own_news *news)
{
	const size_t tag_len = strlen(COUNTERS_SCRIPT_TAG);
	char *end;

	news->width_us = strtoll(line, &end, 10);
	if (*end != ' ' || news->width_us <= 0 || news->width_us > WIDTH_MAX)
		return -1;
	news->total = strtoull(end + 1, &end, 10);
	if (*end != ' ' ||
	    strncmp(end + 1, COUNTERS_SCRIPT_TAG, tag_len) != 0 ||
	    strlen(end + 1) - tag_len >= sizeof(news->key))
		return -1;
	memcpy(news->key, end + 1 + tag_len, strlen(end + 1) - tag_len + 1);
	return 0;
}

/* Further news of one message; it has no more than NEWS_MAX limits. */
static size_t
take_message(char *text, const char *host, struct counters_own_news *news)
{
	const char *kind = next_line(&text), *line;
	size_t count = 0;

	(void)next_line(&text);
	line = next_line(&text);
	/* This host knows what it did. */
	if (kind == NULL || line == NULL || strcmp(kind, "message") != 0 ||
	    strcmp(line, host) == 0)
		return 0;
	while (count < NEWS_MAX && (line = next_line(&text)) != NULL)
		if (take_line(line, &news[count]) == 0)
			count++;
	return count;
}

int
counters_news_read(struct redis_link *link, struct own_file *own,
    int64_t until_ms, struct err *err)
{
	struct counters_own_news news[NEWS_MAX * 2];
	struct buf answer;
	size_t count = 0;
	int rc;

	do {
		buf_init(&answer, REDIS_LINK_ANSWER_MAX);
		rc = redis_link_poll(link, &answer, err);
		if (rc == 1 && answer.data != NULL)
			count += take_message(
			    answer.data, own_file_name(own), &news[count]);
		buf_clear(&answer);
		if (count >= NEWS_MAX || (count > 0 && rc != 1)) {
			if (counters_own_hear(own, news, count, err) < 0)
				return -1;
			count = 0;
		}
	} while (rc == 1 && clock_boot_ms() < until_ms);
	if (count > 0 && counters_own_hear(own, news, count, err) < 0)
		return -1;
	return rc < 0 ? -1 : 0;
}
