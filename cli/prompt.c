/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt - see prompt.h.
 */
#include "prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "hidden.h"
#include "show.h"

#define TRIES 8 /* then somebody is not answering but a loop */
#define SECRET_MAX 16384

void
prompt_say(const char *text)
{
	struct buf out;

	buf_init(&out, SHOW_MAX);
	show_wrapped(&out, text, 0);
	show_out(&out);
	buf_clear(&out);
}

static void
show_help(const char *help)
{
	struct buf out;

	if (help == NULL)
		return;
	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "\n  ");
	show_wrapped(&out, help, 2);
	show_out(&out);
	buf_clear(&out);
}

static int
nobody(struct err *err)
{
	return err_set(err, ERR_TEMPORARY, "answer",
	    "nobody answers any more; nothing was changed");
}

/* One line without blanks around it. 0, or -1 at the end of the input. */
static int
read_line(char out[PROMPT_MAX], struct err *err)
{
	size_t len, blanks;

	if (fgets(out, PROMPT_MAX, stdin) == NULL) {
		fputs("\n", stdout);
		return nobody(err);
	}
	len = strlen(out);
	if (len == PROMPT_MAX - 1 && out[len - 1] != '\n') {
		/* The rest would be the answer to the next question. */
		while (fgets(out, PROMPT_MAX, stdin) != NULL &&
		       strchr(out, '\n') == NULL)
			continue;
		out[0] = '\0';
		return 0;
	}
	while (len > 0 && strchr(" \t\r\n", out[len - 1]) != NULL)
		out[--len] = '\0';
	blanks = strspn(out, " \t");
	memmove(out, out + blanks, len - blanks + 1);
	return 0;
}

static void
show_prompt(const char *label, const char *preset)
{
	struct buf out;

	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "  ");
	show_text(&out, label);
	if (preset != NULL && preset[0] != '\0') {
		buf_adds(&out, " [");
		show_text(&out, preset);
		buf_adds(&out, "]");
	}
	buf_adds(&out, ": ");
	show_out(&out);
	buf_clear(&out);
}

/* What is wrong with an answer, before it is asked for again. */
static void
show_problem(const char *text)
{
	struct buf out;

	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "  ");
	show_toned(&out, "no", 4, SHOW_BAD, show_colours());
	show_wrapped(&out, text, 6);
	show_out(&out);
	buf_clear(&out);
}

/* 1 if the answer will do, in out; 0 with a problem shown. */
static int
accept(const struct prompt *prompt, const char *answer, char out[PROMPT_MAX])
{
	struct err problem;

	if (answer[0] == '\0' && prompt->may_be_empty) {
		out[0] = '\0';
		return 1;
	}
	err_clear(&problem);
	if (answer[0] == '\0') {
		(void)err_set(
		    &problem, ERR_CONFIG, "value", "it cannot be left out");
	} else if (prompt->check == NULL) {
		snprintf(out, PROMPT_MAX, "%s", answer);
		return 1;
	} else if (prompt->check(answer, out, prompt->arg, &problem) == 0) {
		return 1;
	}
	show_problem(problem.text);
	return 0;
}

int
prompt_line(const struct prompt *prompt, char out[PROMPT_MAX], struct err *err)
{
	char answer[PROMPT_MAX];
	int tries;

	show_help(prompt->help);
	for (tries = 0; tries < TRIES; tries++) {
		show_prompt(prompt->label, prompt->preset);
		if (read_line(answer, err) == -1)
			return -1;
		if (answer[0] == '\0' && prompt->preset != NULL)
			snprintf(answer, sizeof(answer), "%s", prompt->preset);
		if (accept(prompt, answer, out))
			return 0;
	}
	return nobody(err);
}

/* 1 if it will do. What check writes is the secret's usual form: itself. */
static int
accept_secret(const struct prompt *prompt, const struct buf *answer)
{
	char out[PROMPT_MAX];
	int ok;

	/* A part of it would be another secret. */
	if (answer->truncated ||
	    (answer->len > 0 && strlen(answer->data) != answer->len)) {
		show_problem(answer->truncated
				 ? "it is longer than any secret; copy it alone"
				 : "it has a NUL byte in it; copy it again");
		return 0;
	}
	ok = accept(prompt, answer->len > 0 ? answer->data : "", out);
	explicit_bzero(out, sizeof(out));
	return ok;
}

int
prompt_secret(
    const struct prompt *prompt, struct secret *secret, struct err *err)
{
	char label[128];
	struct buf answer;
	struct err input;
	int tries, rc = -1;

	show_help(prompt->help);
	snprintf(label, sizeof(label), "  %s (not shown): ", prompt->label);
	buf_init(&answer, SECRET_MAX);
	for (tries = 0; tries < TRIES && rc == -1; tries++) {
		buf_clear(&answer);
		answer.truncated = 0;
		err_clear(&input);
		(void)hidden_read(label, &answer, &input);
		if (accept_secret(prompt, &answer))
			rc = secret_set(secret, answer.data, answer.len);
	}
	buf_clear(&answer);
	return rc == 0 ? 0 : nobody(err);
}

static void
show_choices(const struct prompt_choice *choices, size_t count)
{
	struct buf out;
	size_t i;

	buf_init(&out, SHOW_MAX);
	for (i = 0; i < count; i++) {
		buf_addf(&out, "  %2zu  ", i + 1);
		show_wrapped(&out, choices[i].label, 6);
		if (choices[i].help != NULL) {
			buf_adds(&out, "      ");
			show_wrapped(&out, choices[i].help, 6);
		}
	}
	show_out(&out);
	buf_clear(&out);
}

static int
check_number(const char *text, char *out, void *arg, struct err *err)
{
	const size_t *count = arg;
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end != '\0' || number < 1 || number > *count)
		return err_set(err, ERR_CONFIG, "value",
		    "\"%.40s\" is none of the numbers 1 to %zu", text, *count);
	snprintf(out, PROMPT_MAX, "%lu", number);
	return 0;
}

int
prompt_choose(const char *label, const char *help,
    const struct prompt_choice *choices, size_t count, size_t *chosen,
    struct err *err)
{
	char preset[24], answer[PROMPT_MAX];
	struct prompt prompt = {
	    .label = label, .preset = preset, .check = check_number};

	snprintf(preset, sizeof(preset), "%zu", *chosen + 1);
	prompt.arg = &count;
	show_help(help);
	show_choices(choices, count);
	if (prompt_line(&prompt, answer, err) == -1)
		return -1;
	*chosen = strtoul(answer, NULL, 10) - 1;
	return 0;
}

static int
check_yes(const char *text, char *out, void *arg, struct err *err)
{
	(void)arg;
	if (strcasecmp(text, "y") == 0 || strcasecmp(text, "yes") == 0 ||
	    strcasecmp(text, "n") == 0 || strcasecmp(text, "no") == 0) {
		snprintf(out, PROMPT_MAX, "%s", text);
		return 0;
	}
	return err_set(err, ERR_CONFIG, "value", "answer yes or no");
}

int
prompt_yes(const char *question, int preset, struct err *err)
{
	const struct prompt prompt = {.label = question,
	    .preset = preset ? "yes" : "no",
	    .check = check_yes};
	char answer[PROMPT_MAX];

	if (prompt_line(&prompt, answer, err) == -1)
		return -1;
	return answer[0] == 'y' || answer[0] == 'Y';
}
