/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - see journal.h. It is of this machine only: numbers are as the
 * processor has them.
 *
 * Not mapped into memory, which would spare the write(2): a disk that is full
 * or fails then ends the process with SIGBUS instead of an errno.
 */
#define _GNU_SOURCE /* fallocate, memmem */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "map.h"
#include "mem.h"

/* What the disk gives beforehand: the usual second's records. */
#define ROOM (256 * 1024)
#define BLOCK 4096 /* read one at a time where a longer read fails */

struct head {
	uint64_t generation;
	uint64_t len;
	uint64_t sum; /* of both and the data */
};

static uint64_t
sum_of(const struct head *head, const void *data)
{
	uint64_t sum =
	    map_mix(MAP_HASH_START, head, offsetof(struct head, sum));

	return map_mix(sum, data, head->len);
}

/* Locks of fcntl(2) end with the process, however that ends. */
static int
lock(int fd)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_SETLK, &all) == 0)
		return 0;
	return errno == EACCES ? EAGAIN : errno;
}

int
journal_open(struct journal *journal, const char *directory)
{
	int rc;

	*journal = (struct journal){.fd = -1};
	buf_init(&journal->unsaved, JOURNAL_UNSAVED_MAX);
	journal->path = mem_printf("%s/journal", directory);
	journal->fd = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	rc = journal->fd < 0 ? errno : lock(journal->fd);
	if (rc != 0) {
		journal_close(journal);
		return rc;
	}
	/* So that a disk that others filled is none of ours. Where a file
	 * system cannot, it takes the records one by one. */
	(void)fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, 0, ROOM);
	return 0;
}

void
journal_close(struct journal *journal)
{
	if (journal->fd >= 0)
		(void)close(journal->fd);
	journal->fd = -1;
	free(journal->path);
	journal->path = NULL;
	buf_clear(&journal->unsaved);
}

void
journal_begin(struct journal *journal, uint64_t generation)
{
	journal->generation = generation;
	journal->end = 0;
	buf_clear(&journal->unsaved);
}

/* --- adding --------------------------------------------------------------- */

static int
write_at(
    const struct journal *journal, const void *data, size_t len, int64_t offset)
{
	ssize_t n;

	do
		n = pwrite(journal->fd, data, len, offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	/* The next record goes over what was written of this one. */
	return (size_t)n < len ? ENOSPC : 0;
}

static int
write_record(struct journal *journal, const void *data, size_t len)
{
	struct head head = {.generation = journal->generation, .len = len};
	char bytes[sizeof(head) + JOURNAL_RECORD_MAX];
	int rc;

	head.sum = sum_of(&head, data);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), data, len);
	len += sizeof(head);
	rc = write_at(journal, bytes, len, journal->end);
	if (rc == 0)
		journal->end += (int64_t)len;
	else
		journal->failed_at = journal->end + (int64_t)len;
	journal->failed = rc;
	return rc;
}

/* Whole or not at all. */
static int
keep(struct buf *unsaved, const void *data, uint64_t len)
{
	if (unsaved->len + sizeof(len) + len > JOURNAL_UNSAVED_MAX ||
	    buf_add(unsaved, &len, sizeof(len)) < 0 ||
	    buf_add(unsaved, data, len) < 0)
		return ENOBUFS;
	return 0;
}

int
journal_add(struct journal *journal, const void *data, size_t len)
{
	if (len > JOURNAL_RECORD_MAX)
		return EMSGSIZE;
	/* In order: once one is in memory, all that follow are. */
	if (journal->unsaved.len == 0 && write_record(journal, data, len) == 0)
		return 0;
	return keep(&journal->unsaved, data, len);
}

int
journal_probe(struct journal *journal)
{
	const struct head none = {.generation = 0};
	int rc = 0;

	/* Behind all records, if need be, where no record is read. */
	if (journal->failed != 0)
		rc = write_at(journal, &none, sizeof(none),
		    journal->failed_at > journal->end ? journal->failed_at
						      : journal->end);
	if (rc == 0)
		journal->failed = 0;
	return rc;
}

/* --- reading again -------------------------------------------------------- */

/* The file's bytes, and what was found wrong with them. */
struct reading {
	char *bytes;
	size_t len;
	size_t damaged_at; /* the first time */
	size_t passed;	   /* bytes that were passed over */
	size_t found;	   /* records behind damage */
	int unreadable;	   /* the errno of a block, or 0 */
};

/* A block that cannot be read is zeroes, which no record is. */
static void
read_blocks(const struct journal *journal, struct reading *r)
{
	size_t at, len;
	ssize_t n;

	for (at = 0; at < r->len; at += len) {
		len = r->len - at < BLOCK ? r->len - at : BLOCK;
		n = pread(journal->fd, r->bytes + at, len, (off_t)at);
		if (n < 0)
			r->unreadable = errno;
		if (n < 0)
			n = 0;
		memset(r->bytes + at + n, 0, len - (size_t)n);
	}
}

static int
read_all(const struct journal *journal, struct reading *r)
{
	struct stat st;

	memset(r, 0, sizeof(*r));
	if (fstat(journal->fd, &st) < 0)
		return errno;
	r->len = (size_t)st.st_size;
	r->bytes = mem_zalloc(r->len + 1, 1);
	if (pread(journal->fd, r->bytes, r->len, 0) != st.st_size)
		read_blocks(journal, r);
	return 0;
}

/*
 * The length of the record of the generation that is there, or 0; 0 in *whole
 * if it is not as it was written.
 */
static size_t
look_at(const struct reading *r, size_t at, uint64_t generation, int *whole)
{
	struct head head;

	*whole = 0;
	if (r->len - at < sizeof(head))
		return 0;
	memcpy(&head, r->bytes + at, sizeof(head));
	if (head.generation != generation || head.len > JOURNAL_RECORD_MAX ||
	    head.len > r->len - at - sizeof(head))
		return 0;
	*whole = head.sum == sum_of(&head, r->bytes + at + sizeof(head));
	return sizeof(head) + (size_t)head.len;
}

/* The length of the whole record of the generation that is there, or 0. */
static size_t
record_at(const struct reading *r, size_t at, uint64_t generation)
{
	int whole;
	size_t len = look_at(r, at, generation, &whole);

	return whole ? len : 0;
}

/* Where the next record is, or the end of the file. */
static size_t
next_record(const struct reading *r, size_t at, uint64_t generation)
{
	const char *found;

	while (at < r->len) {
		found = memmem(r->bytes + at, r->len - at, &generation,
		    sizeof(generation));
		if (found == NULL)
			break;
		at = (size_t)(found - r->bytes);
		if (record_at(r, at, generation) > 0)
			return at;
		at++;
	}
	return r->len;
}

/*
 * From the next whole record on, what is between is damaged. Without one this
 * is the end, behind it an older time, unless a record can still be made out.
 * Returns where to go on, the end of the file if nowhere.
 */
static size_t
pass_over(struct reading *r, size_t at, uint64_t generation)
{
	size_t next = next_record(r, at, generation), passed = next - at;
	int whole;

	if (next == r->len)
		passed = look_at(r, at, generation, &whole);
	if (r->passed == 0)
		r->damaged_at = at;
	r->passed += passed;
	return next;
}

static void
say_damage(const struct journal *journal, const struct reading *r)
{
	if (r->passed > 0)
		log_warn(NULL,
		    "the counters' journal is damaged, what some messages "
		    "counted is lost: file=%s offset=%zu bytes=%zu "
		    "records_behind=%zu",
		    journal->path, r->damaged_at, r->passed, r->found);
	else if (r->unreadable != 0)
		log_warn(NULL,
		    "the counters' journal cannot be read to its end: file=%s "
		    "offset=%lld reason=%s",
		    journal->path, (long long)journal->end,
		    strerror(r->unreadable));
}

static int
replay_file(struct journal *journal, journal_each each, void *arg)
{
	struct reading r;
	size_t at = 0, len;
	int rc = read_all(journal, &r);

	while (rc == 0 && at < r.len) {
		len = record_at(&r, at, journal->generation);
		if (len == 0) {
			at = pass_over(&r, at, journal->generation);
			continue;
		}
		r.found += r.passed > 0;
		rc = each(r.bytes + at + sizeof(struct head),
		    len - sizeof(struct head), arg);
		at += len;
		journal->end = (int64_t)at;
	}
	say_damage(journal, &r);
	free(r.bytes);
	return rc;
}

static int
replay_unsaved(const struct buf *unsaved, journal_each each, void *arg)
{
	size_t at = 0;
	uint64_t len;
	int rc = 0;

	while (rc == 0 && at < unsaved->len) {
		memcpy(&len, unsaved->data + at, sizeof(len));
		at += sizeof(len);
		rc = each(unsaved->data + at, len, arg);
		at += len;
	}
	return rc;
}

int
journal_replay(
    struct journal *journal, uint64_t generation, journal_each each, void *arg)
{
	int rc;

	if (generation != journal->generation)
		journal_begin(journal, generation);
	journal->end = 0;
	rc = replay_file(journal, each, arg);
	return rc == 0 ? replay_unsaved(&journal->unsaved, each, arg) : rc;
}
