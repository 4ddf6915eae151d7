/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdqueue - see holdqueue.h.
 */
#include "holdqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "command.h"
#include "json.h"
#include "mem.h"

/* A message that came so much later than ours was held is another one. */
#define LATER_S 5
/* What the milter puts before the reason in sendmail's queue. */
#define OURS "QUARANTINE: postoak: "
#define ID_MAX 64
#define INPUT_MAX (60 * 1024)

struct looking {
	struct holdqueue_item *items;
	size_t count;
	int queue;
	char last_id[ID_MAX]; /* sendmail: the reason comes a line later */
};

static int
by_id(const void *a, const void *b)
{
	const struct holdqueue_item *left = a, *right = b;

	return strcmp(left->id, right->id);
}

static struct holdqueue_item *
find(struct looking *looking, const char *id)
{
	struct holdqueue_item key = {.id = id};

	return bsearch(&key, looking->items, looking->count,
	    sizeof(looking->items[0]), by_id);
}

/* --- Postfix -------------------------------------------------------------- */

/* One object of "postqueue -j". */
static void
postfix_line(void *arg, const char *line, size_t len)
{
	struct looking *looking = arg;
	struct json *entry = json_parse(line, len, NULL);
	struct holdqueue_item *item = NULL;
	const char *queue = NULL, *id = NULL;
	int64_t arrived_s = 0;

	if (entry != NULL) {
		queue = json_get_string(entry, "queue_name");
		id = json_get_string(entry, "queue_id");
		(void)json_get_int(entry, "arrival_time", &arrived_s);
	}
	if (queue != NULL && id != NULL && strcmp(queue, "hold") == 0)
		item = find(looking, id);
	if (item != NULL && arrived_s <= item->held_s + LATER_S)
		item->queue = looking->queue;
	json_free(entry);
}

static int
postfix_look(const char *directory, struct looking *looking, struct err *err)
{
	const char *argv[] = {"postqueue", "-j", NULL, NULL, NULL};

	if (directory != NULL) {
		argv[1] = "-c";
		argv[2] = directory;
		argv[3] = "-j";
	}
	return command_run(argv, NULL, postfix_line, looking, err);
}

/*
 * postsuper puts them among the deferred ones, which the queue manager looks at
 * every queue_run_delay (five minutes): then all that was let go in that time
 * would go at once. Should it not hear of it, that is what happens.
 */
static void
postfix_wake(const char *directory)
{
	const char *argv[] = {
	    "postkick", "public", "qmgr", "D", NULL, NULL, NULL};
	struct err err;

	if (directory != NULL) {
		memmove(argv + 3, argv + 1, 3 * sizeof(argv[0]));
		argv[1] = "-c";
		argv[2] = directory;
	}
	(void)command_run(argv, NULL, NULL, NULL, &err);
}

static int
postfix_release(const char *directory, const char *const *ids, size_t count,
    struct err *err)
{
	const char *argv[] = {"postsuper", "-H", "-", NULL, NULL, NULL};
	struct buf input;
	size_t i;
	int rc;

	if (directory != NULL) {
		argv[1] = "-c";
		argv[2] = directory;
		argv[3] = "-H";
		argv[4] = "-";
	}
	buf_init(&input, INPUT_MAX);
	for (i = 0; i < count; i++)
		(void)buf_addf(&input, "%s\n", ids[i]);
	rc = input.truncated
		 ? err_set(err, ERR_BUG, "input", "too many queue ids")
		 : command_run(argv, input.data, NULL, NULL, err);
	buf_clear(&input);
	if (rc == 0)
		postfix_wake(directory);
	return rc;
}

/* --- sendmail ------------------------------------------------------------- */

/*
 * "sendmail -bp -qQ": a line begins with the queue id, further ones of the same
 * message are indented. What an administrator quarantined anew has his reason.
 */
static void
sendmail_line(void *arg, const char *line, size_t len)
{
	struct looking *looking = arg;
	struct holdqueue_item *item;
	size_t id_len = strcspn(line, " \t*");

	(void)len;
	if (id_len > 0 && id_len < sizeof(looking->last_id)) {
		memcpy(looking->last_id, line, id_len);
		looking->last_id[id_len] = '\0';
		return;
	}
	if (strstr(line, OURS) == NULL)
		return;
	item = find(looking, looking->last_id);
	if (item != NULL)
		item->queue = looking->queue;
}

static int
sendmail_look(const char *file, struct looking *looking, struct err *err)
{
	const char *argv[] = {"sendmail", "-bp", "-qQ", NULL, NULL, NULL};

	if (file != NULL) {
		argv[1] = "-C";
		argv[2] = file;
		argv[3] = "-bp";
		argv[4] = "-qQ";
	}
	return command_run(argv, NULL, sendmail_line, looking, err);
}

/* One call: what -qI names is tried after the other. */
static int
sendmail_release(
    const char *file, const char *const *ids, size_t count, struct err *err)
{
	const char **argv = mem_zalloc(count + 6, sizeof(*argv));
	char **matches = mem_zalloc(count + 1, sizeof(*matches));
	size_t i, n = 0;
	int rc;

	argv[n++] = "sendmail";
	if (file != NULL) {
		argv[n++] = "-C";
		argv[n++] = file;
	}
	argv[n++] = "-qQ";
	argv[n++] = "-Q";
	for (i = 0; i < count; i++) {
		matches[i] = mem_printf("-qI%s", ids[i]);
		argv[n++] = matches[i];
	}
	rc = command_run(argv, NULL, NULL, NULL, err);
	for (i = 0; i < count; i++)
		free(matches[i]);
	free(matches);
	free(argv);
	return rc;
}

/* --- both ----------------------------------------------------------------- */

int
holdqueue_look(enum holdqueue_mta mta, const char *configuration,
    struct holdqueue_item *items, size_t count, int queue, struct err *err)
{
	struct looking looking = {
	    .items = items, .count = count, .queue = queue};

	qsort(items, count, sizeof(items[0]), by_id);
	return mta == HOLDQUEUE_POSTFIX
		   ? postfix_look(configuration, &looking, err)
		   : sendmail_look(configuration, &looking, err);
}

int
holdqueue_release(enum holdqueue_mta mta, const char *configuration,
    const char *const *ids, size_t count, struct err *err)
{
	return mta == HOLDQUEUE_POSTFIX
		   ? postfix_release(configuration, ids, count, err)
		   : sendmail_release(configuration, ids, count, err);
}
