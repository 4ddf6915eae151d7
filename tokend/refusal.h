/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REFUSAL_H
#define POSTOAK_REFUSAL_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "flow.h"
#include "record.h"
#include "sentence.h"

/*
 * refusal - what an answer without a token means: its kind, the sentence for
 * the administrator (sentence), and what may be tried next. Pure; RFC 6749
 * section 5.2, Entra ID's numbers.
 */

/* What the sentence is about. */
struct refusal_subject {
	enum flow_kind kind;
	struct sentence_about about;
	const char *proof; /* words for the assertion used, "" or NULL: none */
	const char *endpoint;
	int64_t clock_off_s; /* how far this host's clock is ahead */
};

struct refusal {
	struct err err;
	enum record_refused refused; /* must not be shown again as it is */
	int64_t least_ms;	     /* wait at least so long, 0: as usual */
	int proof_refused;	     /* another secret or certificate may do */
	char error[40];		     /* the answer's error=, "" if absent */
};

struct refusal_answer {
	long status;
	const char *body;
	size_t body_len;
	const char *content_type;
	int64_t retry_after_s; /* 0: the header is absent */
};

void refusal_judge(struct refusal *refusal,
    const struct refusal_subject *subject, const struct refusal_answer *answer);

/*
 * There was no answer: put subject and endpoint before what http says.
 */
void refusal_no_answer(struct refusal *refusal,
    const struct refusal_subject *subject, const struct err *reason);

/* The endpoint is not known: put the subject before what discovery says. */
void refusal_discovery(struct refusal *refusal,
    const struct refusal_subject *subject, const struct err *reason);

/* Nobody has signed in yet. */
void refusal_login_required(
    struct err *err, const struct refusal_subject *subject);

#endif
