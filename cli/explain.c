/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain - "postoak explain": what a code, a log line or a whole bounce
 * means, whether it ends by itself, and what to do. Offline.
 */
#include "verb.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "diagnose.h"
#include "json.h"
#include "show.h"

#define OPERANDS_MAX 65536

static void
read_input(struct buf *text)
{
	char block[8192];
	size_t len;

	while ((len = fread(block, 1, sizeof(block), stdin)) > 0)
		if (buf_add(text, block, len) != 0)
			break;
}

/* The operands as one line, or standard input. -1: there is nothing. */
static int
gather(struct buf *text, const struct verb_options *options)
{
	int i;

	if (options->operands == 0 && isatty(STDIN_FILENO))
		return -1;
	if (options->operands == 0 ||
	    (options->operands == 1 && strcmp(options->operand[0], "-") == 0)) {
		read_input(text);
		return 0;
	}
	for (i = 0; i < options->operands; i++) {
		buf_adds(text, i > 0 ? " " : "");
		buf_adds(text, options->operand[i]);
	}
	return 0;
}

static struct json *
finding_json(const struct finding *finding)
{
	struct json *json = json_object();

	json_set_string(json, "source", finding->source);
	json_set_string(json, "code", finding->code);
	json_set_string(json, "words", finding->words);
	json_set_string(json, "class", finding->advice.class);
	json_set_bool(json, "ends_by_itself", diagnose_ends(&finding->advice));
	json_set_string(json, "ends", finding->advice.ends);
	json_set_string(json, "meaning", finding->advice.meaning);
	json_set_string(json, "remedy", finding->advice.remedy);
	return json;
}

static void
print_json(const struct diagnosis *diagnosis)
{
	struct json *json = json_object();
	struct json *findings = json_array();
	struct json *unknown = json_array();
	size_t i;

	for (i = 0; i < diagnosis->count; i++)
		json_append(findings, finding_json(&diagnosis->findings[i]));
	for (i = 0; i < diagnosis->unknown_count; i++)
		json_append_string(unknown, diagnosis->unknown[i]);
	json_set_int(json, "version", 1);
	json_set(json, "findings", findings);
	json_set(json, "unknown", unknown);
	show_json(json);
}

static void
put_finding(struct buf *out, const struct finding *finding, int colours)
{
	show_toned(
	    out, finding->code, strlen(finding->code), SHOW_STRONG, colours);
	if (finding->words != NULL)
		buf_addf(out, " ... %s", finding->words);
	buf_adds(out, "\n");
	show_field(out, "means", finding->advice.meaning);
	show_field(out, "ends by itself", finding->advice.ends);
	show_field(out, "what to do", finding->advice.remedy);
}

static void
print_text(const struct diagnosis *diagnosis)
{
	struct buf out;
	size_t i;

	buf_init(&out, SHOW_MAX);
	for (i = 0; i < diagnosis->count; i++) {
		if (i > 0)
			buf_adds(&out, "\n");
		put_finding(&out, &diagnosis->findings[i], show_colours());
	}
	for (i = 0; i < diagnosis->unknown_count; i++)
		buf_addf(&out, "%s%s%s", i == 0 ? "\nNot known: " : ", ",
		    diagnosis->unknown[i],
		    i + 1 == diagnosis->unknown_count ? "\n" : "");
	show_out(&out);
	buf_clear(&out);
}

static int
report_nothing(const struct diagnosis *diagnosis)
{
	if (diagnosis->unknown_count > 0)
		fprintf(stderr,
		    "postoak explain: %s is not in the tables; the words beside"
		    " the code\nare then all there is to go by\n",
		    diagnosis->unknown[0]);
	else
		fprintf(stderr,
		    "postoak explain: no known code in this text; give an "
		    "AADSTS"
		    " number, a reply such\nas \"535 5.7.3\", or the whole line"
		    " from the mail log\n");
	return EX_DATAERR;
}

int
explain_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.json = 1, .operands = OPERANDS_MAX};
	struct diagnosis diagnosis;
	struct buf text;

	(void)context;
	if (verb_parse(&options, argc, argv) != 0)
		return EX_USAGE;
	buf_init(&text, DIAGNOSE_TEXT_MAX);
	if (gather(&text, &options) != 0)
		return verb_usage(
		    argv[0], "give a code or a text, or pipe one in");
	diagnose(&diagnosis, text.data != NULL ? text.data : "", text.len);
	buf_clear(&text);
	if (options.json)
		print_json(&diagnosis);
	else if (diagnosis.count > 0)
		print_text(&diagnosis);
	if (diagnosis.count > 0)
		return EX_OK;
	return options.json ? EX_DATAERR : report_nothing(&diagnosis);
}
