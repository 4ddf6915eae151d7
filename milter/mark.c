/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark - see mark.h.
 *
 * Notes: "mark|HASH" with the fields of struct mark. Few accounts are marked at
 * a time, so that they are a list in memory; a message of an account that is
 * not costs nothing.
 */
#include "mark.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "map.h"
#include "mem.h"

#define DAY_S (24 * 3600)
#define PROBE_EVERY_S 3600

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mark *marks;
static size_t count;

const char *
mark_kind_name(enum mark_kind kind)
{
	return kind == MARK_FULL ? "full" : "blocked";
}

/* --- notes ---------------------------------------------------------------- */

static void
note_key(char key[COUNTERS_NOTE_KEY_MAX], const char *who)
{
	char name[COUNTERS_KEY_MAX];

	counters_key(name, "mark", who, "", 0);
	(void)snprintf(key, COUNTERS_NOTE_KEY_MAX, "mark|%016llx",
	    map_hash(name, strlen(name)));
}

/* Write it down, or remove it where data is NULL. In memory it counts anyway.
 */
static int
keep(struct counters *counters, const char *who, const struct mark *mark,
    struct err *err)
{
	char key[COUNTERS_NOTE_KEY_MAX];
	struct counters_note note = {
	    .key = key, .data = mark, .len = mark != NULL ? sizeof(*mark) : 0};

	note_key(key, who);
	return counters_note_write(counters, &note, 1, err);
}

static void
keep_or_say(struct counters *counters, const char *who, const struct mark *mark)
{
	struct err err;

	if (keep(counters, who, mark, &err) < 0)
		log_warn(who, "cannot write down whether it is blocked: %s",
		    err.text);
}

static int
is_sound(const struct counters_kept *kept, struct mark *mark)
{
	if (kept->len != sizeof(*mark))
		return 0;
	memcpy(mark, kept->data, sizeof(*mark));
	return memchr(mark->who, '\0', sizeof(mark->who)) != NULL &&
	       memchr(mark->text, '\0', sizeof(mark->text)) != NULL &&
	       memchr(mark->probe_id, '\0', sizeof(mark->probe_id)) != NULL;
}

static struct mark *
add(const struct mark *mark)
{
	marks = mem_grow(marks, count + 1, sizeof(*marks));
	marks[count] = *mark;
	return &marks[count++];
}

int
mark_open(struct counters *counters, struct err *err)
{
	struct counters_kept kept;
	struct mark mark;
	int rc;

	(void)pthread_mutex_lock(&lock);
	count = 0;
	strcpy(kept.key, "mark|");
	while ((rc = counters_note_next(counters, kept.key, &kept, err)) == 1 &&
	       strncmp(kept.key, "mark|", 5) == 0)
		if (is_sound(&kept, &mark))
			(void)add(&mark);
	(void)pthread_mutex_unlock(&lock);
	return rc < 0 ? -1 : 0;
}

/* --- under the lock ------------------------------------------------------- */

static struct mark *
find(const char *who)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcasecmp(marks[i].who, who) == 0)
			return &marks[i];
	return NULL;
}

static void
take_away(struct counters *counters, struct mark *mark, const char *why)
{
	log_info(mark->who, "sends again: reason=%s was=%s since=%lld", why,
	    mark_kind_name(mark->kind), (long long)mark->since_s);
	keep_or_say(counters, mark->who, NULL);
	*mark = marks[--count];
}

/* The clock was set back: nothing lasts longer than it would have. */
static void
bound(struct mark *mark, int64_t now_s)
{
	if (mark->until_s > now_s + DAY_S)
		mark->until_s = now_s + DAY_S;
	if (mark->probe_s > now_s + PROBE_EVERY_S)
		mark->probe_s = now_s + PROBE_EVERY_S;
}

/* --- what is asked -------------------------------------------------------- */

int
mark_set(struct counters *counters, const char *who, enum mark_kind kind,
    const char *text, int64_t now_s, struct err *err)
{
	struct mark fresh, *mark;
	int is_new, rc;

	(void)pthread_mutex_lock(&lock);
	mark = find(who);
	is_new = mark == NULL || now_s >= mark->until_s;
	if (mark == NULL) {
		memset(&fresh, 0, sizeof(fresh));
		(void)snprintf(fresh.who, sizeof(fresh.who), "%s", who);
		mark = add(&fresh);
	}
	if (is_new) {
		mark->since_s = now_s;
		mark->probe_s = now_s + PROBE_EVERY_S;
		mark->probe_id[0] = '\0';
	}
	mark->kind = kind;
	mark->until_s = now_s + DAY_S;
	(void)snprintf(mark->text, sizeof(mark->text), "%s", text);
	rc = keep(counters, who, mark, err);
	(void)pthread_mutex_unlock(&lock);
	return rc < 0 ? -1 : is_new;
}

enum mark_answer
mark_ask(struct counters *counters, const char *who, const char *id,
    int64_t now_s, struct mark *out)
{
	enum mark_answer answer = MARK_NONE;
	struct mark *mark;

	(void)pthread_mutex_lock(&lock);
	mark = count > 0 ? find(who) : NULL;
	if (mark != NULL)
		bound(mark, now_s);
	if (mark != NULL && now_s >= mark->until_s) {
		take_away(counters, mark, "a day has passed");
		mark = NULL;
	}
	if (mark != NULL) {
		answer = now_s >= mark->probe_s ? MARK_PROBES : MARK_WAITS;
		if (answer == MARK_PROBES && id != NULL) {
			mark->probe_s = now_s + PROBE_EVERY_S;
			(void)snprintf(
			    mark->probe_id, sizeof(mark->probe_id), "%s", id);
			keep_or_say(counters, who, mark);
		}
		*out = *mark;
	}
	(void)pthread_mutex_unlock(&lock);
	return answer;
}

void
mark_give_back(
    struct counters *counters, const char *who, const char *id, int64_t now_s)
{
	struct mark *mark;

	(void)pthread_mutex_lock(&lock);
	mark = find(who);
	if (mark != NULL && strcmp(mark->probe_id, id) == 0) {
		mark->probe_id[0] = '\0';
		mark->probe_s = now_s;
		keep_or_say(counters, who, mark);
	}
	(void)pthread_mutex_unlock(&lock);
}

int
mark_sent(struct counters *counters, const char *id)
{
	size_t i;
	int found = 0;

	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < count && !found; i++)
		found = id[0] != '\0' && strcmp(marks[i].probe_id, id) == 0;
	if (found)
		take_away(counters, &marks[i - 1], "its hourly try was sent");
	(void)pthread_mutex_unlock(&lock);
	return found;
}

int
mark_clear(struct counters *counters, const char *who)
{
	struct mark *mark;

	(void)pthread_mutex_lock(&lock);
	mark = find(who);
	if (mark != NULL)
		take_away(counters, mark, "an administrator said so");
	(void)pthread_mutex_unlock(&lock);
	return mark != NULL;
}

size_t
mark_count(int64_t now_s)
{
	size_t i, current = 0;

	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < count; i++)
		current += now_s < marks[i].until_s;
	(void)pthread_mutex_unlock(&lock);
	return current;
}
