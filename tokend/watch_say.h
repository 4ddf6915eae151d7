/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_WATCH_SAY_H
#define POSTOAK_WATCH_SAY_H

#include <stdint.h>

#include "conf.h"
#include "notes.h"
#include "warning.h"

/*
 * watch_say - the sentence of each warning. Pure. Called by watch.
 */

#define WATCH_TEXT_MAX 768

/*
 * What a warning or a state is about: an account, else an application, else
 * the host.
 */
struct watch_subject {
	const struct conf_application *application;
	const struct conf_account *account;
	struct notes *notes;
};

/* The account's or application's name, NULL for the host. Borrowed. */
const char *watch_name(const struct watch_subject *subject);

/* What is wrong, since or until when, and what to do. */
void watch_say(const struct watch_subject *subject, enum warning warning,
    int64_t now_s, char out[WATCH_TEXT_MAX]);

#endif
