/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NOTIFY_H
#define POSTOAK_NOTIFY_H

#include "conf_account.h"

struct event_base;

/*
 * notify - run the administrator's command: one at a time, no shell, nothing of
 * ours inherited, ended after a time. Whatever becomes of it is logged and
 * disturbs nothing else. Called by watch; calls launch, which says what the
 * command gets.
 */

#define NOTIFY_QUEUE_MAX 1000

/* What happened; texts hold no secret. */
struct notify {
	const char *account;	 /* NULL: it concerns the application */
	const char *application; /* NULL: it concerns the host */
	const char *state;	 /* as in status, or "warning" */
	const char *code;	 /* of the error or the warning, or "" */
	const char *text;
};

/* Once, before the others. */
void notify_start(struct event_base *base);

/* The command from now on; borrowed. Empty or NULL: none. */
void notify_command(const struct conf_list *command);

/*
 * Run it with this, after those before. A waiting one about the same subject
 * and, among warnings, with the same code is replaced.
 */
void notify_add(const struct notify *notify);

/* 1 while one runs or waits. */
int notify_busy(void);

/* The one that runs is killed, those that wait are forgotten. */
void notify_stop(void);

#endif
