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
#include "clock.h"
#include "diagnose.h"
#include "json.h"
#include "show.h"
#include "whom.h"

#define OPERANDS_MAX 65536

/* What is said of one finding, filled in for whom it is about. */
struct words {
	char sentence[SENTENCE_MAX]; /* "": no refusal of a provider */
	char meaning[SENTENCE_MAX];
	char remedy[SENTENCE_MAX];
};

/* What was found, in which text, about whom. */
struct explanation {
	struct diagnosis diagnosis;
	const char *text;
	struct whom whom;
};

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

static void
find_words(struct words *words, struct explanation *explanation,
    const struct finding *finding)
{
	const struct sentence_about *about = &explanation->whom.about;
	const struct reply_advice *advice = &finding->advice;
	struct sentence sentence;

	words->sentence[0] = '\0';
	snprintf(words->meaning, sizeof(words->meaning), "%s", advice->meaning);
	snprintf(words->remedy, sizeof(words->remedy), "%s", advice->remedy);
	if (!finding->is_refusal ||
	    !whom_sentence(&sentence, &explanation->whom, finding->code,
		explanation->text))
		return;
	sentence_write(
	    &sentence, about, words->sentence, sizeof(words->sentence));
	sentence_fill(
	    sentence.meaning, about, words->meaning, sizeof(words->meaning));
	sentence_fill(
	    sentence.remedy, about, words->remedy, sizeof(words->remedy));
}

static struct json *
finding_json(struct explanation *explanation, const struct finding *finding)
{
	struct json *json = json_object();
	struct words words;

	find_words(&words, explanation, finding);
	json_set_string(json, "source", finding->source);
	json_set_string(json, "code", finding->code);
	json_set_string(json, "words", finding->words);
	json_set_string(json, "class", finding->advice.class);
	json_set_bool(json, "ends_by_itself", diagnose_ends(&finding->advice));
	json_set_string(json, "ends", finding->advice.ends);
	json_set_string(json, "meaning", words.meaning);
	json_set_string(json, "remedy", words.remedy);
	json_set_string(
	    json, "sentence", *words.sentence != '\0' ? words.sentence : NULL);
	return json;
}

static void
print_json(struct explanation *explanation)
{
	const struct diagnosis *diagnosis = &explanation->diagnosis;
	struct json *json = json_object();
	struct json *findings = json_array();
	struct json *unknown = json_array();
	size_t i;

	for (i = 0; i < diagnosis->count; i++)
		json_append(findings,
		    finding_json(explanation, &diagnosis->findings[i]));
	for (i = 0; i < diagnosis->unknown_count; i++)
		json_append_string(unknown, diagnosis->unknown[i]);
	json_set_int(json, "version", 1);
	json_set(json, "findings", findings);
	json_set(json, "unknown", unknown);
	show_json(json);
}

static void
put_finding(struct buf *out, struct explanation *explanation,
    const struct finding *finding, int colours)
{
	struct words words;

	find_words(&words, explanation, finding);
	show_toned(
	    out, finding->code, strlen(finding->code), SHOW_STRONG, colours);
	if (finding->words != NULL)
		buf_addf(out, " ... %s", finding->words);
	buf_adds(out, "\n");
	/* The words of the log hold both, what it means and what to do. */
	if (*words.sentence != '\0')
		show_field(out, "in the log", words.sentence);
	else
		show_field(out, "means", words.meaning);
	show_field(out, "ends by itself", finding->advice.ends);
	if (*words.sentence == '\0')
		show_field(out, "what to do", words.remedy);
}

static void
print_text(struct explanation *explanation)
{
	const struct diagnosis *diagnosis = &explanation->diagnosis;
	struct buf out;
	size_t i;

	buf_init(&out, SHOW_MAX);
	for (i = 0; i < diagnosis->count; i++) {
		if (i > 0)
			buf_adds(&out, "\n");
		put_finding(
		    &out, explanation, &diagnosis->findings[i], show_colours());
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
		    " the code\nare then all there is to go by, and tokend "
		    "tries again slowly\n",
		    diagnosis->unknown[0]);
	else
		fprintf(stderr,
		    "postoak explain: no known code in this text; give an "
		    "AADSTS"
		    " number, a reply such\nas \"535 5.7.3\", or the whole line"
		    " from the mail log\n");
	return EX_DATAERR;
}

static int
report(struct explanation *explanation, int as_json)
{
	const struct diagnosis *diagnosis = &explanation->diagnosis;

	if (as_json)
		print_json(explanation);
	else if (diagnosis->count > 0)
		print_text(explanation);
	if (diagnosis->count > 0)
		return EX_OK;
	return as_json ? EX_DATAERR : report_nothing(diagnosis);
}

int
explain_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.json = 1, .operands = OPERANDS_MAX};
	struct explanation explanation = {.text = ""};
	struct conf *conf;
	struct buf text;
	int rc;

	if (verb_parse(&options, argc, argv) != 0)
		return EX_USAGE;
	buf_init(&text, DIAGNOSE_TEXT_MAX);
	if (gather(&text, &options) != 0)
		return verb_usage(
		    argv[0], "give a code or a text, or pipe one in");
	/* Without a configuration it is as good, only not about anybody. */
	conf = conf_load(context->config_path, NULL);
	if (text.data != NULL)
		explanation.text = text.data;
	diagnose(&explanation.diagnosis, explanation.text, text.len);
	whom_find(&explanation.whom, conf, explanation.text, clock_wall_s());
	rc = report(&explanation, options.json);
	conf_free(conf);
	buf_clear(&text);
	return rc;
}
