/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes - the small state beside the tokens. See notes.h.
 *
 * The file is a run of blocks in the language of the token socket (wire.h), one
 * for each subject that was asked for since the start: who left the
 * configuration is dropped with the next save.
 */
#define _GNU_SOURCE
#include "notes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "timer.h"
#include "wire.h"

#define FILE_MAX_LEN (64 * 1024 * 1024)
#define SAVE_MS 1000

struct subject {
	struct notes notes; /* first: about is the key of the tree */
	int wanted;
};

static char *path, *temp_path;
static void *tree;
static struct timer save_timer;

static int
by_about(const void *a, const void *b)
{
	return strcmp(((const struct subject *)a)->notes.about,
	    ((const struct subject *)b)->notes.about);
}

static struct subject *
find(const char *about)
{
	struct subject *subject = mem_zalloc(1, sizeof(*subject));
	struct subject *known;

	subject->notes.about = mem_strdup(about);
	known = *(struct subject **)tsearch(subject, &tree, by_about);
	if (known != subject) {
		free(subject->notes.about);
		free(subject);
	}
	return known;
}

/* --- read ------------------------------------------------------------------
 */

static int64_t
number(const struct wire *wire, const char *name)
{
	struct err err;
	long long value = 0;

	(void)wire_get_int(wire, name, 0, LLONG_MAX / 16, &value, &err);
	return value;
}

/* "LEVEL TIME" */
static void
take_told(struct notes *notes, const struct wire *wire, enum warning warning)
{
	const char *text = wire_get(wire, warning_name(warning));
	char *end;
	long level;

	if (text == NULL)
		return;
	level = strtol(text, &end, 10);
	if (level < 0 || level > UINT8_MAX || *end != ' ')
		return;
	notes->told[warning] = (uint8_t)level;
	notes->told_at_s[warning] = strtoll(end + 1, NULL, 10);
}

static void
take_failure(struct notes *notes, const struct wire *wire)
{
	const char *kind = wire_get(wire, "failure_kind");
	const char *code = wire_get(wire, "failure_code");
	const char *text = wire_get(wire, "failure_text");
	struct notes_failure *failure;

	if (kind == NULL || code == NULL || text == NULL)
		return;
	failure = mem_zalloc(1, sizeof(*failure));
	err_set(&failure->err, err_kind_parse(kind), code, "%s", text);
	failure->at_s = number(wire, "failed_at");
	failure->settings = number(wire, "failure_settings");
	free(notes->failure);
	notes->failure = failure;
}

static void
take(const struct wire *wire)
{
	const char *about = wire_get(wire, "about");
	const char *state = wire_get(wire, "state");
	const char *seen = wire_get(wire, "addresses");
	const char *before = wire_get(wire, "address_before");
	struct notes *notes;
	int i;

	if (about == NULL)
		return;
	notes = &find(about)->notes;
	for (i = 0; i < WARNING_COUNT; i++)
		take_told(notes, wire, (enum warning)i);
	if (state != NULL)
		snprintf(notes->state, sizeof(notes->state), "%.15s", state);
	notes->state_at_s = number(wire, "state_at");
	notes->signed_in_at_s = number(wire, "signed_in_at");
	notes->sign_in_life_s = number(wire, "sign_in_life");
	notes->address_at_s = number(wire, "address_at");
	take_failure(notes, wire);
	/* The subject may be there already: a file that somebody edited. */
	if (seen != NULL && strlen(seen) < WARNING_ADDRESSES_MAX) {
		free(notes->addresses);
		notes->addresses = mem_strdup(seen);
	}
	if (before != NULL && strlen(before) < WARNING_ADDRESS_MAX) {
		free(notes->address_before);
		notes->address_before = mem_strdup(before);
	}
}

static int
read_file(struct buf *data)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got = 1;
	char *room;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	while (got > 0 && (room = buf_reserve(data, 65536)) != NULL) {
		got = read(fd, room, 65536);
		if (got > 0)
			buf_commit(data, (size_t)got);
	}
	close(fd);
	return got == 0 ? 0 : -1;
}

static void
load(void)
{
	struct wire wire;
	struct buf data;
	struct err err;
	size_t at = 0, len;
	int good;

	buf_init(&data, FILE_MAX_LEN);
	good = read_file(&data) == 0;
	while (good && at < data.len) {
		len = wire_complete(data.data + at, data.len - at);
		good = len > 0 &&
		       wire_parse(&wire, data.data + at, len, &err) == 0;
		if (good)
			take(&wire);
		at += len;
	}
	if (!good)
		log_warn(NULL,
		    "notes cannot be read, some warnings come once more: "
		    "file=%s",
		    path);
	buf_clear(&data);
}

/* --- write -----------------------------------------------------------------
 */

static void
put_number(struct buf *out, const char *name, int64_t value)
{
	if (value > 0)
		buf_addf(out, "%s=%lld\n", name, (long long)value);
}

static void
put_text(struct buf *out, const char *name, const char *text)
{
	struct err err;

	if (text != NULL && *text != '\0')
		(void)wire_put(out, name, text, &err);
}

static void
put_failure(struct buf *out, const struct notes_failure *failure)
{
	if (failure == NULL)
		return;
	put_text(out, "failure_kind", err_kind_name(failure->err.kind));
	put_text(out, "failure_code", failure->err.code);
	put_text(out, "failure_text", failure->err.text);
	put_number(out, "failed_at", failure->at_s);
	put_number(out, "failure_settings", failure->settings);
}

static int
is_worth(const struct notes *notes)
{
	int i;

	for (i = 0; i < WARNING_COUNT; i++)
		if (notes->told_at_s[i] != 0)
			return 1;
	return notes->failure != NULL || notes->state[0] != '\0' ||
	       notes->signed_in_at_s != 0 || notes->sign_in_life_s != 0 ||
	       notes->addresses != NULL;
}

static void
put_subject(const void *node, VISIT visit, void *arg)
{
	const struct subject *subject = *(struct subject *const *)node;
	const struct notes *notes = &subject->notes;
	struct buf *out = arg;
	int i;

	if ((visit != postorder && visit != leaf) || !subject->wanted ||
	    !is_worth(notes))
		return;
	put_text(out, "about", notes->about);
	for (i = 0; i < WARNING_COUNT; i++)
		if (notes->told_at_s[i] != 0)
			buf_addf(out, "%s=%u %lld\n",
			    warning_name((enum warning)i), notes->told[i],
			    (long long)notes->told_at_s[i]);
	put_text(out, "state", notes->state);
	put_number(out, "state_at", notes->state_at_s);
	put_number(out, "signed_in_at", notes->signed_in_at_s);
	put_number(out, "sign_in_life", notes->sign_in_life_s);
	put_text(out, "addresses", notes->addresses);
	put_text(out, "address_before", notes->address_before);
	put_number(out, "address_at", notes->address_at_s);
	put_failure(out, notes->failure);
	buf_adds(out, "\n");
}

static int
write_file(const struct buf *data)
{
	int fd = open(temp_path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t done = 0;
	ssize_t put = 0;
	int rc = 0;

	if (fd == -1)
		return -1;
	while (done < data->len && put >= 0) {
		put = write(fd, data->data + done, data->len - done);
		done += put > 0 ? (size_t)put : 0;
	}
	if (put < 0 || fsync(fd) == -1)
		rc = -1;
	if (close(fd) == -1 || rc == -1 || rename(temp_path, path) == -1)
		return -1;
	return 0;
}

static void
save(void *arg)
{
	struct buf data;

	(void)arg;
	buf_init(&data, FILE_MAX_LEN);
	twalk_r(tree, put_subject, &data);
	if (data.truncated || write_file(&data) == -1)
		log_warn(NULL,
		    "notes not saved, after a restart some warnings come once "
		    "more: file=%s reason=%s",
		    path, strerror(errno));
	buf_clear(&data);
}

/* --- the outside -----------------------------------------------------------
 */

void
notes_open(const char *store)
{
	path = mem_printf("%s/.notes", store);
	temp_path = mem_printf("%s/tmp.notes", store);
	timer_init(&save_timer, save, NULL);
	load();
}

struct notes *
notes_of(const char *kind, const char *name)
{
	char *about = mem_printf("%s %s", kind, name);
	struct subject *subject = find(about);

	free(about);
	subject->wanted = 1;
	return &subject->notes;
}

void
notes_changed(void)
{
	if (!timer_is_set(&save_timer))
		timer_set(&save_timer, clock_boot_ms() + SAVE_MS);
}

static void
free_subject(void *node)
{
	struct subject *subject = node;

	free(subject->notes.about);
	free(subject->notes.addresses);
	free(subject->notes.address_before);
	free(subject->notes.failure);
	free(subject);
}

void
notes_close(void)
{
	if (timer_is_set(&save_timer))
		save(NULL);
	timer_cancel(&save_timer);
	tdestroy(tree, free_subject);
	tree = NULL;
	free(path);
	free(temp_path);
}
