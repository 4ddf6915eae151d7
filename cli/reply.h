/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REPLY_H
#define POSTOAK_REPLY_H

#include <stddef.h>

/*
 * reply - what servers' replies mean and what to do about them.
 *
 * Two tables compiled in: replies.tsv (SMTP replies by code and words) and
 * words.tsv (error words of OAuth 2.0 and of postoak itself). Pure. Called by
 * diagnose.
 */

/* A reply code as it stands in a text. */
struct reply_code {
	int basic;   /* 550; 0 if the text has none */
	int part[3]; /* 5.7.60; RFC 3463 */
};

/* What a row says; all strings are static. */
struct reply_advice {
	const char *class; /* good transient quota blocked refresh permanent
			      interaction */
	const char *ends;  /* does it end by itself, in words */
	const char *meaning;
	const char *remedy;
};

struct reply {
	const char *enhanced; /* "5.7.60", "4.7.500-699", "-": no code */
	int basic;	      /* 0: any */
	const char *words;    /* that tell it from others; "-": none */
	struct reply_advice advice;
};

struct reply_word {
	const char *word;
	struct reply_advice advice;
};

/* All rows, in the file's order. */
const struct reply *reply_all(size_t *count);
const struct reply_word *reply_words(size_t *count);

/* 1 if the row speaks of this code. A code without its basic part fits rows
 * of any basic code; rows without a code fit none. */
int reply_has_code(const struct reply *row, const struct reply_code *code);

/* 1 if the row names words and they stand in the text (in any case). */
int reply_has_words(const struct reply *row, const char *text);

/* 1 if the row names no words. */
int reply_is_general(const struct reply *row);

/* The row of a word (in any case), NULL if there is none. */
const struct reply_word *reply_word_find(const char *word, size_t len);

#endif
