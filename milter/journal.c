/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - see journal.h. It is of this machine only: numbers are as the
 * processor has them.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "mem.h"

struct head {
	uint64_t generation;
	uint64_t len;
	uint64_t sum; /* of both and the data */
};

static uint64_t
sum_of(const struct head *head, const void *data)
{
	uint64_t sum = map_hash(head, offsetof(struct head, sum));

	return map_hash_on(sum, data, head->len);
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
	char *path = mem_printf("%s/journal", directory);
	int rc;

	*journal = (struct journal){.fd = -1};
	journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (journal->fd < 0)
		return errno;
	rc = lock(journal->fd);
	if (rc != 0)
		journal_close(journal);
	return rc;
}

void
journal_close(struct journal *journal)
{
	if (journal->fd >= 0)
		(void)close(journal->fd);
	journal->fd = -1;
}

void
journal_begin(struct journal *journal, uint64_t generation)
{
	journal->generation = generation;
	journal->end = 0;
}

int
journal_add(struct journal *journal, const void *data, size_t len)
{
	struct head head = {.generation = journal->generation, .len = len};
	char bytes[sizeof(head) + JOURNAL_RECORD_MAX];
	ssize_t n;

	if (len > JOURNAL_RECORD_MAX)
		return EMSGSIZE;
	head.sum = sum_of(&head, data);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), data, len);
	len += sizeof(head);
	do
		n = pwrite(journal->fd, bytes, len, journal->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	/* The next record goes over what was written of this one. */
	if ((size_t)n < len)
		return ENOSPC;
	journal->end += (int64_t)len;
	return 0;
}

/* 1 if a whole record of the generation is there. */
static int
read_record(const struct journal *journal, struct head *head, char *data)
{
	int64_t at = journal->end;

	if (pread(journal->fd, head, sizeof(*head), at) != sizeof(*head) ||
	    head->generation != journal->generation ||
	    head->len > JOURNAL_RECORD_MAX)
		return 0;
	at += (int64_t)sizeof(*head);
	return pread(journal->fd, data, head->len, at) == (ssize_t)head->len &&
	       head->sum == sum_of(head, data);
}

int
journal_replay(
    struct journal *journal, uint64_t generation, journal_each each, void *arg)
{
	char data[JOURNAL_RECORD_MAX];
	struct head head;
	int rc = 0;

	journal_begin(journal, generation);
	while (rc == 0 && read_record(journal, &head, data)) {
		journal->end += (int64_t)(sizeof(head) + head.len);
		rc = each(data, head.len, arg);
	}
	return rc;
}
