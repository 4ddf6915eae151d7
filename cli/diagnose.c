/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose - find the error codes in a text. See diagnose.h.
 *
 * The text is first made one line, so that folded bounces and wrapped logs
 * read like the reply they quote.
 */
#define _GNU_SOURCE /* strcasestr */
#include "diagnose.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "sentence.h"

#define CODES_MAX 64
#define NUMBER_DIGITS_MAX 9
#define ENTRA_DIGITS_MIN 4 /* shorter bare numbers are SMTP replies */

/* One reply code of the text and the words behind it. */
struct place {
	struct reply_code code;
	const char *start;
	const char *end;
};

static const char *refusal_ends(enum aadsts_class class)
{
	switch (class) {
	case AADSTS_TRANSIENT:
		return "yes";
	case AADSTS_INTERACTION:
		return "no, a person has to sign in";
	case AADSTS_PERMANENT:
		break;
	}
	return "no";
}

static const char *refusal_class(enum aadsts_class class)
{
	switch (class) {
	case AADSTS_TRANSIENT:
		return "transient";
	case AADSTS_INTERACTION:
		return "interaction";
	case AADSTS_PERMANENT:
		break;
	}
	return "permanent";
}

int
diagnose_ends(const struct reply_advice *advice)
{
	return strncmp(advice->ends, "no", 2) != 0 &&
	       strcmp(advice->class, "permanent") != 0 &&
	       strcmp(advice->class, "interaction") != 0;
}

/* Room for one more finding, NULL if it stands there already or all is full. */
static struct finding *
add_finding(struct diagnosis *diagnosis, const struct reply_advice *advice,
    const char *code)
{
	struct finding *finding;
	size_t i;

	for (i = 0; i < diagnosis->count; i++) {
		finding = &diagnosis->findings[i];
		if (strcmp(finding->code, code) == 0 &&
		    strcmp(finding->advice.meaning, advice->meaning) == 0)
			return NULL;
	}
	if (diagnosis->count == DIAGNOSE_MAX)
		return NULL;
	finding = &diagnosis->findings[diagnosis->count++];
	snprintf(finding->code, sizeof(finding->code), "%s", code);
	finding->advice = *advice;
	return finding;
}

static void
add_unknown(struct diagnosis *diagnosis, const char *code)
{
	size_t i;

	for (i = 0; i < diagnosis->unknown_count; i++)
		if (strcmp(diagnosis->unknown[i], code) == 0)
			return;
	if (i < DIAGNOSE_UNKNOWN_MAX)
		snprintf(diagnosis->unknown[diagnosis->unknown_count++],
		    sizeof(diagnosis->unknown[0]), "%s", code);
}

/* What a provider refuses with; 0 if nothing is known of it. */
static int
add_refusal(struct diagnosis *diagnosis, const char *code, const char *source)
{
	struct reply_advice advice;
	struct sentence sentence;
	struct finding *finding;

	if (!sentence_find(&sentence, code, NULL))
		return 0;
	advice.class = refusal_class(sentence.class);
	advice.ends = refusal_ends(sentence.class);
	advice.meaning = sentence.meaning;
	advice.remedy = sentence.remedy;
	finding = add_finding(diagnosis, &advice, code);
	if (finding != NULL) {
		finding->source = source;
		finding->is_refusal = 1;
	}
	return 1;
}

static void
add_entra(struct diagnosis *diagnosis, long number)
{
	char code[40];

	snprintf(code, sizeof(code), "AADSTS%ld", number);
	if (!add_refusal(diagnosis, code, "entra"))
		add_unknown(diagnosis, code);
}

/* The whole number at p, -1 if there is none or it is too long. */
static long
number_at(const char *p)
{
	size_t digits = strspn(p, "0123456789");

	if (digits == 0 || digits > NUMBER_DIGITS_MAX)
		return -1;
	return strtol(p, NULL, 10);
}

/* Numbers behind each place of a mark: "AADSTS50126", "aadsts.50126". */
static void
entra_behind(struct diagnosis *diagnosis, const char *text, const char *mark)
{
	const char *p = text;
	long number;

	while ((p = strcasestr(p, mark)) != NULL) {
		p += strlen(mark);
		number = number_at(p + strspn(p, ". :\"=["));
		if (number > 0)
			add_entra(diagnosis, number);
	}
}

/* A text of nothing but numbers: "50126" or "50126, 7000222". */
static void
entra_bare(struct diagnosis *diagnosis, const char *text)
{
	const char *p;

	if (text[strspn(text, "0123456789, ")] != '\0')
		return;
	for (p = text; *p != '\0'; p += strspn(p, "0123456789")) {
		p += strspn(p, ", ");
		if (strspn(p, "0123456789") >= ENTRA_DIGITS_MIN)
			add_entra(diagnosis, number_at(p));
	}
}

static void
find_entra(struct diagnosis *diagnosis, const char *text)
{
	entra_behind(diagnosis, text, "AADSTS");
	entra_behind(diagnosis, text, "error_codes");
	entra_behind(diagnosis, text, "error?code=");
	entra_bare(diagnosis, text);
}

/* --- replies -------------------------------------------------------------- */

/*
 * Read "5.7.60" at p. Addresses and versions have the same look: a digit or a
 * dot before or behind makes it none.
 */
static const char *
enhanced_at(const char *text, const char *p, struct reply_code *code)
{
	const char *q = p;
	size_t i, digits;

	if (strchr("245", *p) == NULL || p[1] != '.' ||
	    (p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '.')))
		return NULL;
	for (i = 0; i < 3; i++) {
		digits = strspn(q, "0123456789");
		if (digits < 1 || digits > 3 || (i < 2 && q[digits] != '.'))
			return NULL;
		code->part[i] = (int)strtol(q, NULL, 10);
		q += digits + (i < 2);
	}
	if (isalpha((unsigned char)*q) ||
	    (*q == '.' && isdigit((unsigned char)q[1])))
		return NULL;
	return q;
}

/* The basic code just before p ("550 5.7.60", "550-5.7.60"), 0 if none. */
static int
basic_before(const char *text, const char *p)
{
	if (p > text && p[-1] == '#')
		p--;
	if (p - text < 4 || (p[-1] != ' ' && p[-1] != '-'))
		return 0;
	p -= 4;
	if (strchr("245", *p) == NULL || !isdigit((unsigned char)p[1]) ||
	    !isdigit((unsigned char)p[2]) ||
	    (p > text && isalnum((unsigned char)p[-1])))
		return 0;
	return (int)strtol(p, NULL, 10);
}

static size_t
find_places(const char *text, struct place *places)
{
	const char *p, *end;
	size_t count = 0;

	for (p = text; *p != '\0' && count < CODES_MAX; p++) {
		end = enhanced_at(text, p, &places[count].code);
		if (end == NULL)
			continue;
		places[count].code.basic = basic_before(text, p);
		places[count].start = p;
		places[count].end = end;
		count++;
		p = end - 1;
	}
	return count;
}

/* The words that belong to a place: up to the next other code. */
static char *
words_behind(const struct place *places, size_t count, size_t index)
{
	const struct place *here = &places[index];
	size_t i;

	for (i = index + 1; i < count; i++)
		if (memcmp(places[i].code.part, here->code.part,
			sizeof(here->code.part)) != 0)
			return mem_strndup(
			    here->end, (size_t)(places[i].start - here->end));
	return mem_strdup(here->end);
}

static void
write_code(char *out, size_t size, const struct reply *row,
    const struct reply_code *code)
{
	int basic = code->basic != 0 ? code->basic : row->basic;
	char prefix[16] = "";

	if (basic != 0)
		snprintf(prefix, sizeof(prefix), "%d ", basic);
	if (code->part[0] != 0)
		snprintf(out, size, "%s%d.%d.%d", prefix, code->part[0],
		    code->part[1], code->part[2]);
	else
		snprintf(out, size, "%s%s", prefix,
		    strcmp(row->enhanced, "-") == 0 ? "reply" : row->enhanced);
}

static void
add_reply(struct diagnosis *diagnosis, const struct reply *row,
    const struct reply_code *code)
{
	struct finding *finding;
	char text[40];

	write_code(text, sizeof(text), row, code);
	finding = add_finding(diagnosis, &row->advice, text);
	if (finding == NULL)
		return;
	finding->source = "reply";
	finding->words = reply_is_general(row) ? NULL : row->words;
}

/* Nothing but marks and blanks: somebody asks for the code alone. */
static int
is_bare(const char *words)
{
	for (; *words != '\0'; words++)
		if (isalnum((unsigned char)*words))
			return 0;
	return 1;
}

/*
 * The rows for one place. Words decide; else the rows without words; a bare
 * code gets all its rows, because only the words could tell them apart.
 */
static void
match_place(struct diagnosis *diagnosis, const struct reply_code *code,
    const char *words)
{
	const struct reply *rows;
	size_t count, i, before = diagnosis->count;
	int bare = is_bare(words);
	char text[40];

	rows = reply_all(&count);
	for (i = 0; i < count; i++)
		if (reply_has_code(&rows[i], code) &&
		    reply_has_words(&rows[i], words)) {
			add_reply(diagnosis, &rows[i], code);
			return;
		}
	for (i = 0; i < count; i++)
		if (reply_has_code(&rows[i], code) &&
		    (bare || reply_is_general(&rows[i])))
			add_reply(diagnosis, &rows[i], code);
	if (diagnosis->count > before)
		return;
	snprintf(text, sizeof(text), "%d.%d.%d", code->part[0], code->part[1],
	    code->part[2]);
	add_unknown(diagnosis, text);
}

/* Places with (1) or without (0) a basic code. */
static void
match_places(struct diagnosis *diagnosis, const struct place *places,
    size_t count, int with_basic)
{
	size_t i;
	char *words;

	for (i = 0; i < count; i++) {
		if ((places[i].code.basic != 0) != with_basic)
			continue;
		words = words_behind(places, count, i);
		match_place(diagnosis, &places[i].code, words);
		free(words);
	}
}

/* Replies known by their words alone. */
static void
match_words(struct diagnosis *diagnosis, const char *text)
{
	static const struct reply_code none;
	const struct reply *rows;
	size_t count, i;

	rows = reply_all(&count);
	for (i = 0; i < count; i++)
		if (strcmp(rows[i].enhanced, "-") == 0 &&
		    reply_has_words(&rows[i], text))
			add_reply(diagnosis, &rows[i], &none);
}

/* A text of three digits: all replies that begin so. */
static void
match_basic(struct diagnosis *diagnosis, const char *text)
{
	struct reply_code code = {.basic = 0};
	const struct reply *rows;
	size_t count, i;

	if (strspn(text, "0123456789") != 3 || text[3] != '\0')
		return;
	code.basic = (int)number_at(text);
	rows = reply_all(&count);
	for (i = 0; i < count; i++)
		if (rows[i].basic == code.basic)
			add_reply(diagnosis, &rows[i], &code);
}

static void
find_replies(struct diagnosis *diagnosis, const char *text)
{
	struct place places[CODES_MAX];
	size_t count = find_places(text, places);

	match_places(diagnosis, places, count, 1);
	match_words(diagnosis, text);
	match_basic(diagnosis, text);
	if (diagnosis->count == 0)
		match_places(diagnosis, places, count, 0);
}

/* --- words ---------------------------------------------------------------- */

static void
add_word(struct diagnosis *diagnosis, const char *word, size_t len)
{
	const struct reply_word *row = reply_word_find(word, len);
	struct finding *finding;
	char code[40];

	snprintf(code, sizeof(code), "%.*s", (int)len, word);
	if (add_refusal(diagnosis, code, "word") || row == NULL)
		return;
	finding = add_finding(diagnosis, &row->advice, row->word);
	if (finding != NULL)
		finding->source = "word";
}

/* The word at p; a dot belongs to it where the table says so, otherwise it ends
 * a sentence. */
static size_t
word_length(const char *p)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t len = strspn(p, letters);
	size_t dotted = len;

	if (len > 0 && p[len] == '.')
		dotted += 1 + strspn(p + len + 1, letters);
	return reply_word_find(p, dotted) != NULL ? dotted : len;
}

/*
 * Words such as "wait" stand in any sentence. They count only where they
 * cannot be anything else: alone, behind "code=", or with an underscore.
 */
static void
find_words(struct diagnosis *diagnosis, const char *text)
{
	size_t len, all = strlen(text);
	const char *p;

	for (p = text; *p != '\0'; p += len > 0 ? len : 1) {
		len = word_length(p);
		if (len == 0)
			continue;
		if (len == all || memchr(p, '_', len) != NULL ||
		    (p - text >= 5 && strncmp(p - 5, "code=", 5) == 0))
			add_word(diagnosis, p, len);
	}
}

/* --- all together --------------------------------------------------------- */

/* One line, single blanks, no control characters. The caller frees it. */
static char *
make_line(const char *text, size_t len)
{
	char *line = mem_zalloc(len + 1, 1);
	size_t i, used = 0;

	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] > ' ' && text[i] != 0x7f)
			line[used++] = text[i];
		else if (used > 0 && line[used - 1] != ' ')
			line[used++] = ' ';
	}
	while (used > 0 && line[used - 1] == ' ')
		used--;
	line[used] = '\0';
	return line;
}

/* "Accepted" is worth telling only where nothing went wrong. */
static void
drop_good(struct diagnosis *diagnosis)
{
	size_t i, bad = 0;

	for (i = 0; i < diagnosis->count; i++)
		if (strcmp(diagnosis->findings[i].advice.class, "good") != 0)
			diagnosis->findings[bad++] = diagnosis->findings[i];
	if (bad > 0)
		diagnosis->count = bad;
}

void
diagnose(struct diagnosis *diagnosis, const char *text, size_t len)
{
	char *line;

	memset(diagnosis, 0, sizeof(*diagnosis));
	if (len > DIAGNOSE_TEXT_MAX)
		len = DIAGNOSE_TEXT_MAX;
	line = make_line(text, len);
	find_entra(diagnosis, line);
	find_replies(diagnosis, line);
	if (diagnosis->count == 0)
		find_words(diagnosis, line);
	drop_good(diagnosis);
	free(line);
}
