/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PROMPT_H
#define POSTOAK_PROMPT_H

#include <stddef.h>

#include "err.h"
#include "secret.h"

/*
 * prompt - ask somebody at the terminal: a line, one of a list, yes or no, a
 * secret that is not shown. Lines and nothing cleverer, so that it works over
 * ssh, in a serial console and under script(1). Called by setup.
 *
 * Each returns 0, or -1 with *err if nobody answers any more: standard input
 * has ended, or too many answers were wrong.
 */

/* Checks an answer and writes its usual form to out, which has room for
 * PROMPT_MAX bytes. 0, or -1 with what is wrong with it: then it is asked for
 * again. */
typedef int (*prompt_check)(
    const char *text, char *out, void *arg, struct err *err);

#define PROMPT_MAX 1024

struct prompt {
	const char *label;  /* "Tenant ID" */
	const char *help;   /* a sentence or two above it; NULL: none */
	const char *preset; /* taken for an empty answer; NULL: there is none */
	int may_be_empty;
	prompt_check check; /* NULL: anything will do */
	void *arg;
};

int prompt_line(
    const struct prompt *prompt, char out[PROMPT_MAX], struct err *err);

/* The same for a secret. An empty answer keeps what there is if it may be
 * empty: then *secret is empty. */
int prompt_secret(
    const struct prompt *prompt, struct secret *secret, struct err *err);

struct prompt_choice {
	const char *label;
	const char *help; /* or NULL */
};

/* One of count choices, counted from 0. *chosen is the preset one before. */
int prompt_choose(const char *label, const char *help,
    const struct prompt_choice *choices, size_t count, size_t *chosen,
    struct err *err);

/* 1 yes, 0 no, -1. */
int prompt_yes(const char *question, int preset, struct err *err);

/* A heading, or a paragraph, between the questions. */
void prompt_say(const char *text);

#endif
