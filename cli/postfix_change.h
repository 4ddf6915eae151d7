/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_CHANGE_H
#define POSTOAK_POSTFIX_CHANGE_H

#include <stddef.h>

#include "buf.h"
#include "postfix_look.h"
#include "postfix_settings.h"

/*
 * postfix_change - what differs between how a Postfix is set up and how it is
 * to be, as a list of single changes. Pure. Called by postfix_apply and
 * postfix_undo.
 */

enum postfix_change_kind {
	POSTFIX_CHANGE_MAIN,	/* a parameter of main.cf */
	POSTFIX_CHANGE_SERVICE, /* a whole service of master.cf */
	POSTFIX_CHANGE_CHROOT,	/* of a service */
	POSTFIX_CHANGE_OPTION,	/* -o of a service */
	POSTFIX_CHANGE_KEPT	/* not made: somebody else changed it since */
};

struct postfix_change {
	enum postfix_change_kind kind;
	char *service; /* NULL: main.cf */
	char *name;
	char *from; /* NULL: not there */
	char *to;   /* NULL: goes away */
};

struct postfix_changes {
	size_t count;
	struct postfix_change *items;
};

/*
 * From what is set to what the plan wants. In a list that others use as well
 * (filters, routes by sender) their items stay, behind ours. Services and
 * parameters postoak_* that the plan does not know go away.
 */
void postfix_change_plan(struct postfix_changes *changes,
    const struct postfix_plan *plan, const struct postfix_look *now);

/*
 * Back from what is set to what was before, as far as that was changed on the
 * way to after and is still as it was left; else POSTFIX_CHANGE_KEPT.
 */
void postfix_change_back(struct postfix_changes *changes,
    const struct postfix_look *before, const struct postfix_look *after,
    const struct postfix_look *now);

/* How many are made, those that are kept aside. */
size_t postfix_change_count(const struct postfix_changes *changes);

/* Append the list for people: name, from, to. */
void postfix_change_show(struct buf *out, const struct postfix_changes *changes,
    const char *config_directory);

void postfix_change_clear(struct postfix_changes *changes);

#endif
