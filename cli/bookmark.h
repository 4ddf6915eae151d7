/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_BOOKMARK_H
#define POSTOAK_BOOKMARK_H

/*
 * bookmark - how far a log has been read, in a file of the directory that the
 * service manager gives this service (STATE_DIRECTORY, systemd.exec(5)). Called
 * by watch.
 */

#define BOOKMARK_MAX 1024

struct bookmark {
	char path[1024];	 /* "": there is no such directory */
	char text[BOOKMARK_MAX]; /* as it was written last; "": never */
	int failed;		 /* said once */
};

/*
 * Take up what was written last. One older than a day is forgotten: what the
 * provider said so long ago no longer counts.
 */
void bookmark_open(struct bookmark *bookmark);

/* Write it down, if it is another one than last time; one that does not fit or
 * cannot be written is said on standard error once. */
void bookmark_write(struct bookmark *bookmark, const char *text);

#endif
