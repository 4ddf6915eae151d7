/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb - what the verbs have in common. See verb.h.
 */
#include "verb.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ask.h"
#include "show.h"
#include "time_text.h"

int
verb_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "postoak %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (try: postoak help)\n");
	return EX_USAGE;
}

/* Everything after "--", or without a leading dash, is an operand. */
static int
is_option(const char *argument, int only_operands)
{
	return !only_operands && argument[0] == '-' && argument[1] != '\0';
}

static const char *
find_flag(const struct verb_options *options, const char *argument)
{
	const char *const *flag = options->flags;

	while (flag != NULL && *flag != NULL && strcmp(*flag, argument) != 0)
		flag++;
	return flag != NULL ? *flag : NULL;
}

int
verb_parse(struct verb_options *options, int argc, char **argv)
{
	int i, only_operands = 0, given = 0, count = 0;

	for (i = 1; i < argc; i++) {
		if (!is_option(argv[i], only_operands)) {
			argv[1 + count++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			only_operands = 1;
		} else if (options->json && strcmp(argv[i], "--json") == 0) {
			given = 1;
		} else if (find_flag(options, argv[i]) != NULL) {
			options->flag = argv[i];
		} else {
			verb_usage(argv[0], "there is no option %s", argv[i]);
			return -1;
		}
	}
	if (count > options->operands) {
		verb_usage(argv[0], "\"%s\" is one argument too many",
		    argv[1 + options->operands]);
		return -1;
	}
	if (options->question != NULL && count < options->operands) {
		verb_usage(argv[0], "%s", options->question);
		return -1;
	}
	options->json = given;
	options->operands = count;
	options->operand = argv + 1;
	return 0;
}

int
verb_report(const struct err *err, int as_json)
{
	if (as_json)
		show_json(show_error_json(err));
	else
		show_error(err);
	return ask_exit_code(err);
}

static const char *
word_of(const struct json *json, const char *key)
{
	const char *word = json_get_string(json, key);

	return word != NULL ? word : "";
}

int
verb_findings(struct buf *out, const struct json *answer)
{
	const struct json *findings = json_get_array(answer, "findings");
	int colours = show_colours(), rc = EX_OK, failed;
	const struct json *finding;
	size_t i;

	for (i = 0; findings != NULL && i < json_length(findings); i++) {
		finding = json_at(findings, i);
		failed = strcmp(word_of(finding, "level"), "fail") == 0;
		buf_adds(out, "  ");
		show_toned(out, failed ? "FAIL" : "warn", 6,
		    failed ? SHOW_BAD : SHOW_WARN, colours);
		show_wrapped(out, word_of(finding, "text"), 8);
		if (failed)
			rc = EX_CONFIG;
	}
	return rc;
}

int
verb_life(
    struct json *answer, const char *account, const char *what, int as_json)
{
	char span[TIME_TEXT_MAX];
	int64_t expires_in = 0;
	struct buf out;
	int rc, shown;

	json_get_int(answer, "expires_in", &expires_in);
	buf_init(&out, SHOW_MAX);
	show_text(&out, account);
	buf_addf(&out, ": %s %s\n", what,
	    time_text_span(span, sizeof(span), expires_in));
	rc = verb_findings(&out, answer);
	shown = as_json ? show_json(answer) : show_out(&out);
	if (!as_json)
		json_free(answer);
	buf_clear(&out);
	return shown == 0 ? rc : EX_IOERR;
}

struct conf *
verb_conf(const struct verb_context *context, int *exit_code)
{
	struct err err;
	struct conf *conf;

	err_clear(&err);
	conf = conf_load(context->config_path, &err);
	if (conf == NULL)
		*exit_code = show_error(&err);
	return conf;
}

struct conf *
verb_begin(const struct verb_context *context, struct verb_options *options,
    int argc, char **argv, int *exit_code)
{
	*exit_code = EX_USAGE;
	if (verb_parse(options, argc, argv) != 0)
		return NULL;
	return verb_conf(context, exit_code);
}

int
verb_getopt(int argc, char **argv, const struct option *options, verb_take take,
    void *arg)
{
	int option, rc;

	optind = 0; /* getopt has read the tool's own options before */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return verb_usage(argv[0],
			    "%s is no option, or lacks its value",
			    argv[optind - 1]);
		rc = take(arg, option);
		if (rc != EX_OK)
			return rc;
	}
	return EX_OK;
}
