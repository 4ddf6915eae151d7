/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside - what of the store cannot be opened gets a name of its own, so that
 * nothing is written over it: NAME.damaged-TIME, or NAME.key-ID when another
 * key sealed it, with .2, .3 and so on behind it when that is taken.
 */
#ifndef POSTOAK_ASIDE_H
#define POSTOAK_ASIDE_H

#define ASIDE_ROOM 64 /* what it puts behind a name, NUL included */

/* Where a file of the store is; nothing is owned. */
struct aside_place {
	int dir;	  /* of the store, open */
	const char *path; /* of the store, for the log */
	const char *name; /* of the credential, for the log */
};

/*
 * Rename file and log it. id: of the key that sealed it; "": it is damaged.
 * -1 with errno and a line in the log: it is where it was.
 */
int aside_put(
    const struct aside_place *place, const char *file, const char *id);

/*
 * Give file, which is not there, what was put aside for the key id, and log it.
 * -1: there is nothing.
 */
int aside_bring_back(
    const struct aside_place *place, const char *file, const char *id);

#endif
