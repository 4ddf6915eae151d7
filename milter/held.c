/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held - see held.h.
 *
 * Notes: "held|WHO|LANE|NUMBER|ID" a message, "id|ID" the key of it, "release"
 * when one ran. WHO and LANE are hashes, NUMBER grows; all in hexadecimal.
 */
#include "held.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "map.h"
#include "ticks.h"

#define VERSION "1"
#define NUMBER_AT HELD_LANE_LEN
/* Noted no oftener: an idle relay leaves its disk alone. */
#define NOTE_MS (60 * 1000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long next_number;
static struct ticks ran; /* ticks_ms 0: never */
static int64_t ran_noted_ms;

/* --- is there a release? -------------------------------------------------- */

static long long
ran_ago_ms(void)
{
	struct ticks now, then;
	int64_t before;

	(void)pthread_mutex_lock(&lock);
	then = ran;
	(void)pthread_mutex_unlock(&lock);
	if (then.ticks_ms == 0)
		return -1;
	before = then.ticks_ms;
	ticks_read(&now);
	return ticks_advance(&then, &now) - before;
}

int
held_is_served(long long within_s)
{
	long long ago_ms = ran_ago_ms();

	return ago_ms >= 0 && ago_ms <= within_s * 1000;
}

long long
held_ran_ago(void)
{
	long long ago_ms = ran_ago_ms();

	return ago_ms < 0 ? -1 : ago_ms / 1000;
}

int
held_ran(struct counters *counters, struct err *err)
{
	unsigned char data[TICKS_BYTES];
	struct counters_note note = {
	    .key = "release", .data = data, .len = sizeof(data)};
	struct ticks now;
	int is_new;

	(void)pthread_mutex_lock(&lock);
	ticks_read(&now);
	(void)ticks_advance(&ran, &now);
	is_new = ran_noted_ms == 0 || ran.ticks_ms - ran_noted_ms >= NOTE_MS;
	if (is_new)
		ran_noted_ms = ran.ticks_ms;
	ticks_encode(&ran, data);
	(void)pthread_mutex_unlock(&lock);
	return is_new ? counters_note_write(counters, &note, 1, err) : 0;
}

static int
find_numbers(struct counters *counters, struct err *err)
{
	unsigned long long number;
	struct held held;
	int rc;

	next_number = 1;
	strcpy(held.key, "held|");
	while ((rc = held_next(counters, held.key, &held, err)) == 1) {
		number = strtoull(held.key + NUMBER_AT, NULL, 16);
		if (number >= next_number)
			next_number = number + 1;
	}
	return rc;
}

int
held_open(struct counters *counters, struct err *err)
{
	struct counters_kept kept;
	int rc = counters_note_get(counters, "release", &kept, err);

	memset(&ran, 0, sizeof(ran));
	ran_noted_ms = 0;
	if (rc == 1 && ticks_decode(&ran, kept.data, kept.len) < 0)
		memset(&ran, 0, sizeof(ran));
	return rc < 0 ? -1 : find_numbers(counters, err);
}

/* --- one message ---------------------------------------------------------- */

static void
copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from != NULL ? from : "");
}

void
held_fill(struct held *held, const char *id, const char *account,
    const struct limits_message *message)
{
	memset(held, 0, sizeof(*held));
	copy(held->id, sizeof(held->id), id);
	copy(held->account, sizeof(held->account), account);
	copy(held->who, sizeof(held->who), message->who);
	copy(held->login, sizeof(held->login), message->login);
	copy(held->client, sizeof(held->client), message->client);
	copy(held->sender, sizeof(held->sender), message->sender);
	held->recipients = message->recipients;
	held->external_recipients = message->external_recipients;
	held->bytes = message->bytes;
}

void
held_message(const struct held *held, struct limits_message *message)
{
	*message = (struct limits_message){
	    .who = held->who,
	    .login = held->login,
	    .client = held->client,
	    .sender = held->sender,
	    .recipients = held->recipients,
	    .external_recipients = held->external_recipients,
	    .bytes = held->bytes,
	};
}

void
held_lane(char lane[COUNTERS_NOTE_KEY_MAX], const char *who,
    const struct counters_item *items, size_t count)
{
	unsigned long long name, keys = MAP_HASH_START;
	char key[COUNTERS_KEY_MAX];
	size_t i;

	/* Through a key: in lower case, whatever its length. */
	counters_key(key, "held", who, "", 0);
	name = map_hash(key, strlen(key));
	for (i = 0; i < count; i++)
		keys =
		    map_hash_on(keys, items[i].key, strlen(items[i].key) + 1);
	(void)snprintf(
	    lane, COUNTERS_NOTE_KEY_MAX, "held|%016llx|%016llx|", name, keys);
}

void
held_place(struct held *held, const char *lane)
{
	unsigned long long number;

	(void)pthread_mutex_lock(&lock);
	number = next_number++;
	(void)pthread_mutex_unlock(&lock);
	(void)snprintf(held->key, sizeof(held->key), "%.*s%016llx|%s",
	    HELD_LANE_LEN, lane, number, held->id);
}

/* --- as bytes ------------------------------------------------------------- */

/* The texts, in their order in the record. */
static const struct field {
	size_t at;
	size_t size;
} texts[] = {
#define FIELD(name)                                                            \
	{                                                                      \
		offsetof(struct held, name), sizeof(((struct held *)0)->name)  \
	}
    FIELD(id),
    FIELD(account),
    FIELD(who),
    FIELD(login),
    FIELD(client),
    FIELD(sender),
    FIELD(reason),
};

#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static size_t
put_text(unsigned char *data, size_t used, const char *text)
{
	size_t len = strlen(text) + 1;

	if (used == 0 || used + len > COUNTERS_NOTE_MAX)
		return 0;
	memcpy(data + used, text, len);
	return used + len;
}

int
held_encode(const struct held *held, struct held_notes *out)
{
	char numbers[200];
	size_t i, used = sizeof(VERSION);

	memcpy(out->data, VERSION, sizeof(VERSION));
	for (i = 0; i < N_TEXTS; i++)
		used =
		    put_text(out->data, used, (const char *)held + texts[i].at);
	(void)snprintf(numbers, sizeof(numbers), "%llu %llu %llu %lld %lld %d",
	    (unsigned long long)held->recipients,
	    (unsigned long long)held->external_recipients,
	    (unsigned long long)held->bytes, (long long)held->held_s,
	    (long long)held->due_s, held->granted);
	used = put_text(out->data, used, numbers);
	(void)snprintf(out->id_key, sizeof(out->id_key), "id|%s", held->id);
	out->notes[0] = (struct counters_note){
	    .key = held->key, .data = out->data, .len = used};
	out->notes[1] = (struct counters_note){
	    .key = out->id_key, .data = held->key, .len = strlen(held->key)};
	return used > 0 ? 0 : -1;
}

/* The text at *data, moved behind it; NULL if it has no end. */
static const char *
take_text(const unsigned char **data, const unsigned char *end)
{
	const char *text = (const char *)*data;
	const unsigned char *stop = memchr(*data, '\0', (size_t)(end - *data));

	if (stop == NULL)
		return NULL;
	*data = stop + 1;
	return text;
}

static int
decode(const struct counters_kept *kept, struct held *held)
{
	const unsigned char *p = kept->data, *end = kept->data + kept->len;
	unsigned long long numbers[3];
	long long times[2];
	const char *text = take_text(&p, end);
	size_t i;

	memset(held, 0, sizeof(*held));
	if (text == NULL || strcmp(text, VERSION) != 0)
		return -1;
	for (i = 0; i < N_TEXTS; i++) {
		text = take_text(&p, end);
		if (text == NULL || strlen(text) >= texts[i].size)
			return -1;
		strcpy((char *)held + texts[i].at, text);
	}
	text = take_text(&p, end);
	if (text == NULL || sscanf(text, "%llu %llu %llu %lld %lld %d",
				&numbers[0], &numbers[1], &numbers[2],
				&times[0], &times[1], &held->granted) != 6)
		return -1;
	held->recipients = numbers[0];
	held->external_recipients = numbers[1];
	held->bytes = numbers[2];
	held->held_s = times[0];
	held->due_s = times[1];
	strcpy(held->key, kept->key);
	return 0;
}

/* --- in the store --------------------------------------------------------- */

static int
remove_key(struct counters *counters, const char *key, struct err *err)
{
	struct counters_note note = {.key = key};

	return counters_note_write(counters, &note, 1, err);
}

int
held_next(struct counters *counters, const char *key, struct held *held,
    struct err *err)
{
	struct counters_kept kept;
	int rc = counters_note_next(counters, key, &kept, err);

	while (rc == 1 && strncmp(kept.key, "held|", 5) == 0) {
		if (decode(&kept, held) == 0)
			return 1;
		log_warn(NULL,
		    "the note of a held message is damaged; release it with "
		    "postsuper -H: note=%s",
		    kept.key);
		if (remove_key(counters, kept.key, err) < 0)
			return -1;
		rc = counters_note_next(counters, kept.key, &kept, err);
	}
	return rc < 0 ? -1 : 0;
}

int
held_find(struct counters *counters, const char *id, struct held *held,
    struct err *err)
{
	struct counters_kept kept;
	char key[COUNTERS_NOTE_KEY_MAX];
	int rc;

	(void)snprintf(key, sizeof(key), "id|%.*s", HELD_ID_MAX, id);
	rc = counters_note_get(counters, key, &kept, err);
	if (rc != 1 || kept.len >= sizeof(key))
		return rc < 0 ? -1 : 0;
	memcpy(key, kept.data, kept.len);
	key[kept.len] = '\0';
	rc = counters_note_get(counters, key, &kept, err);
	if (rc == 1 && decode(&kept, held) < 0)
		rc = 0;
	return rc;
}

int
held_drop(struct counters *counters, const struct held *held, struct err *err)
{
	char id_key[COUNTERS_NOTE_KEY_MAX];
	struct counters_note notes[2] = {{.key = held->key}, {.key = id_key}};
	struct held newest;
	size_t count = 1;
	int rc = held_find(counters, held->id, &newest, err);

	if (rc < 0)
		return -1;
	(void)snprintf(id_key, sizeof(id_key), "id|%s", held->id);
	/* The queue id may be another message's by now. */
	if (rc == 1 && strcmp(newest.key, held->key) == 0)
		count = 2;
	return counters_note_write(counters, notes, count, err);
}
