/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DIAGNOSE_H
#define POSTOAK_DIAGNOSE_H

#include <stddef.h>

#include "reply.h"

/*
 * diagnose - find the error codes in a text and what they mean.
 *
 * The text may be a bare code, a log line, or a whole bounce. Pure, offline.
 * Called by explain; calls reply and sentence.
 */

#define DIAGNOSE_UNKNOWN_MAX 8
#define DIAGNOSE_MAX 32			/* findings kept */
#define DIAGNOSE_TEXT_MAX (1024 * 1024) /* bytes looked at */

struct finding {
	const char *source; /* "entra", "reply" or "word" */
	char code[40];	    /* as people write it: "550 5.2.252" */
	const char *words;  /* what else tells the reply, or NULL */
	int is_refusal; /* of a provider: sentence knows its code, and what is
			 * in the advice has braces to be filled */
	struct reply_advice advice;
};

struct diagnosis {
	size_t count;
	struct finding findings[DIAGNOSE_MAX];
	/* Codes that were seen, but are in no table. */
	size_t unknown_count;
	char unknown[DIAGNOSE_UNKNOWN_MAX][40];
};

/*
 * Look through len bytes of text. Each finding stands once, in the order of
 * the text within a source: Entra numbers, replies with their code, replies
 * known by their words. Codes of the MTA's own summary ("dsn=5.7.60") and
 * error words count only if nothing better is there.
 */
void diagnose(struct diagnosis *diagnosis, const char *text, size_t len);

/* 1 if the class of an advice ends without anybody doing something. */
int diagnose_ends(const struct reply_advice *advice);

#endif
