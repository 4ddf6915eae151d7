/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_FINDINGS_H
#define POSTOAK_FINDINGS_H

#include <stddef.h>

#include "json.h"

/*
 * findings - what "postoak check" has found: a list of verdicts, each with what
 * was seen and, unless all is well, what to do. Called by all checks.
 */

enum findings_verdict {
	FINDINGS_OK,
	FINDINGS_NOTE, /* could not be checked, and why: nobody's fault */
	FINDINGS_WARN,
	FINDINGS_FAIL,
};

#define FINDINGS_VERDICTS 4

struct findings_item {
	enum findings_verdict verdict;
	char *id;      /* stable short name, for programs: "jail_socket" */
	char *account; /* whom it is about, or NULL: all */
	char *seen;    /* a sentence without its full stop, or a short phrase;
			  behind it, the lines of a table */
	char *remedy;  /* what to do, or NULL */
};

struct findings {
	size_t count;
	struct findings_item *items;
	/* Told of each finding once its remedy is known; may be NULL. */
	void (*whole)(const struct findings_item *item, void *arg);
	void *arg;
	size_t told;
};

void findings_init(struct findings *findings,
    void (*whole)(const struct findings_item *item, void *arg), void *arg);

/*
 * Add one. id is [a-z0-9_]; account may be NULL. All texts are copied; they may
 * hold what came from outside, which is escaped when it is shown.
 */
void findings_add(struct findings *findings, enum findings_verdict verdict,
    const char *id, const char *account, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The remedy of the one added last. A warning or a FAIL needs one. */
void findings_remedy(struct findings *findings, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Add one from an error's text, "what is wrong; what to do"; without a second
 * part, otherwise is the remedy, unless it is NULL. A subject "account NAME: "
 * is left out where it is the account.
 */
void findings_add_text(struct findings *findings, enum findings_verdict verdict,
    const char *id, const char *account, const char *text,
    const char *otherwise);

/* No more will be added: whole is told of the last one. */
void findings_end(struct findings *findings);

/* "ok", "note", "warn", "FAIL". */
const char *findings_word(enum findings_verdict verdict);

/* One as an object: verdict, id, account, seen, remedy. */
struct json *findings_to_json(const struct findings_item *item);

/* The reverse; an object that is none is not added. */
void findings_from_json(struct findings *findings, const struct json *json);

/* Free all; the list may be used again. */
void findings_clear(struct findings *findings);

#endif
