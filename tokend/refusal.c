/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - what an answer without a token means. See refusal.h.
 */
#define _GNU_SOURCE
#include "refusal.h"

#include <stdio.h>
#include <string.h>

#include "aadsts.h"
#include "json.h"

#define MINUTE_MS (60 * 1000LL)
#define CLOCK_OFF_S 300
#define DESCRIPTION_MAX 260

/* The provider's own words. Everything borrowed from the document. */
struct words {
	const char *error; /* "" if absent */
	const char *description;
	const char *trace_id;
	const char *correlation_id;
	long number;   /* 0: none */
	char code[48]; /* "AADSTS50126", or the error word */
	struct sentence row;
	int is_known; /* row is that of the code */
};

/* Numbers that say that a secret was wrong: showing it again does harm. */
static const struct {
	long number;
	enum record_refused refused;
} refused_numbers[] = {
    {50126, RECORD_REFUSED_PASSWORD},
    {50064, RECORD_REFUSED_PASSWORD},
    {50055, RECORD_REFUSED_PASSWORD},
    {50144, RECORD_REFUSED_PASSWORD},
    {7000215, RECORD_REFUSED_SECRET},
    {7000222, RECORD_REFUSED_SECRET},
    {70002, RECORD_REFUSED_SECRET},
};

/* Numbers that say that an assertion was wrong. Showing it again does no harm,
 * and what mends it is often done at the provider: it is tried again. */
static const long assertion_numbers[] = {
    50012,  /* certificate or assertion rejected */
    700024, /* not within its time */
    700027, /* signature, or an unknown certificate */
    700030, /* subject of the certificate */
    70021,  /* federated: nothing matches */
    700211, /* issuer */
    700212, /* audience */
    700213, /* subject */
};

/* Numbers that ask for a longer pause than a usual failure. */
static const struct {
	long number;
	int64_t least_ms;
} pauses[] = {
    {50053, 15 * MINUTE_MS}, /* smart lockout */
    {50196, 10 * MINUTE_MS}, /* loop detected */
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/*
 * Google says in error_subtype what a plain invalid_grant does not
 * (invalid_rapt: a session length of the domain).
 */
static const char *
error_word(const struct json *json)
{
	const char *subtype = json_get_string(json, "error_subtype");
	struct sentence row;

	if (subtype != NULL && sentence_find(&row, subtype, NULL))
		return subtype;
	return or_empty(json_get_string(json, "error"));
}

static void
read_words(struct words *words, const struct json *json,
    const struct sentence_about *about)
{
	const struct json *codes = json_get_array(json, "error_codes");
	int64_t number = 0;

	words->error = error_word(json);
	words->description =
	    or_empty(json_get_string(json, "error_description"));
	words->trace_id = or_empty(json_get_string(json, "trace_id"));
	words->correlation_id =
	    or_empty(json_get_string(json, "correlation_id"));
	if (codes == NULL || !json_int_at(codes, 0, &number))
		number = aadsts_in_text(words->description);
	words->number = (long)number;
	if (number > 0)
		snprintf(words->code, sizeof(words->code), "AADSTS%ld",
		    words->number);
	else
		snprintf(
		    words->code, sizeof(words->code), "%.40s", words->error);
	words->is_known = sentence_find(&words->row, words->code, about);
}

/* What stands for a number that nobody knows: the word beside it. */
static int
find_class(const struct words *words, enum aadsts_class *class)
{
	struct sentence row = words->row;

	if (!words->is_known && !sentence_find(&row, words->error, NULL))
		return 0;
	*class = row.class;
	return 1;
}

/*
 * Status first, then the number, then the word. Where no person signs in,
 * an administrator has to act.
 */
static enum err_kind
judge_kind(const struct words *words, long status, enum flow_kind flow)
{
	enum aadsts_class class;
	enum err_kind kind;

	if (status == 429 || status >= 500 || !find_class(words, &class))
		return ERR_TEMPORARY;
	kind = aadsts_kind(class);
	if (kind == ERR_LOGIN && flow != FLOW_REFRESH && !flow_is_sign_in(flow))
		return ERR_CONFIG;
	return kind;
}

static enum record_refused
judge_refused(
    const struct words *words, enum err_kind kind, enum flow_kind flow)
{
	enum record_refused refused = RECORD_REFUSED_NOTHING;
	size_t i;

	if (kind == ERR_TEMPORARY)
		return RECORD_REFUSED_NOTHING;
	for (i = 0; i < COUNT(refused_numbers); i++)
		if (refused_numbers[i].number == words->number)
			refused = refused_numbers[i].refused;
	if (words->number == 0 && strcmp(words->error, "invalid_client") == 0)
		refused = RECORD_REFUSED_SECRET;
	if (words->number == 0 && strcmp(words->error, "invalid_grant") == 0)
		refused = RECORD_REFUSED_PASSWORD;
	if (refused == RECORD_REFUSED_PASSWORD && flow != FLOW_PASSWORD)
		refused = RECORD_REFUSED_NOTHING;
	return refused;
}

/* 1 if it was the assertion that the provider did not take. */
static int
judge_assertion(const struct words *words, enum err_kind kind,
    const struct refusal_subject *subject)
{
	size_t i;

	if (kind == ERR_TEMPORARY || subject->proof == NULL ||
	    *subject->proof == '\0')
		return 0;
	for (i = 0; i < COUNT(assertion_numbers); i++)
		if (assertion_numbers[i] == words->number)
			return 1;
	return words->number == 0 &&
	       strcmp(words->error, "invalid_client") == 0;
}

static int64_t
judge_pause(
    const struct words *words, enum err_kind kind, int64_t retry_after_s)
{
	int64_t least_ms = retry_after_s > 0 ? retry_after_s * 1000 : 0;
	enum aadsts_class class;
	size_t i;

	for (i = 0; i < COUNT(pauses); i++)
		if (pauses[i].number == words->number &&
		    pauses[i].least_ms > least_ms)
			least_ms = pauses[i].least_ms;
	/* A word nobody knows may be there to stay: slowly, then. */
	if (kind == ERR_TEMPORARY && least_ms == 0 && words->error[0] != '\0' &&
	    !find_class(words, &class))
		least_ms = 5 * MINUTE_MS;
	return least_ms;
}

/* The ids stand in fields of their own; the text repeats them. */
static int
description_len(const char *description)
{
	const char *tail = strstr(description, "Trace ID:");
	size_t len =
	    tail != NULL ? (size_t)(tail - description) : strlen(description);

	while (len > 0 && strchr(" \r\n", description[len - 1]) != NULL)
		len--;
	return (int)(len < DESCRIPTION_MAX ? len : DESCRIPTION_MAX);
}

/* A code that is in no table: the provider's words are all there is. */
static void
say_unknown(char *out, size_t size, const struct refusal_subject *subject,
    const struct words *words, long status)
{
	struct sentence row;
	char who[256], remedy[SENTENCE_MAX] = "";

	sentence_subject(&subject->about, who, sizeof(who));
	if (words->number > 0 &&
	    sentence_find(&row, words->error, &subject->about))
		sentence_fill(
		    row.remedy, &subject->about, remedy, sizeof(remedy));
	snprintf(out, size,
	    "%sthe token endpoint refuses (%s, status %ld): %.*s%s%s", who,
	    words->code, status, description_len(words->description),
	    words->description, *remedy != '\0' ? "; " : "", remedy);
}

/* Behind the sentence: what was shown, and the words of a provider that has no
 * numbers. */
static void
say_details(char *out, size_t size, const struct refusal_subject *subject,
    const struct words *words, int proof_refused)
{
	int len = description_len(words->description);

	if (proof_refused)
		snprintf(
		    out, size, "; it was shown the %.380s", subject->proof);
	else if (words->number == 0 && len > 0)
		snprintf(out, size, "; the provider says: %.*s", len,
		    words->description);
}

/* The status has the last word about what to do next: say it. */
static void
say_status(char *out, size_t size, long status)
{
	if (status != 400 && status != 401)
		snprintf(out, size, "; the answer has status %ld", status);
}

/* What a refusal may come from, assertions above all: they carry times. */
static void
say_clock(char *out, size_t size, int64_t off_s)
{
	if (off_s <= CLOCK_OFF_S && off_s >= -CLOCK_OFF_S)
		return;
	snprintf(out, size,
	    "; the clock of this host is %lld minutes %s the provider's",
	    (long long)(off_s < 0 ? -off_s : off_s) / 60,
	    off_s < 0 ? "behind" : "ahead of");
}

/* A word for programs: what a provider sends must not make it another. */
static void
make_code(const struct words *words, char *out, size_t size)
{
	char *p;

	if (words->number > 0) {
		snprintf(out, size, "aadsts.%ld", words->number);
		return;
	}
	snprintf(out, size, "oauth.%.24s", words->error);
	for (p = out + strlen("oauth."); *p != '\0'; p++)
		if ((*p < 'a' || *p > 'z') && (*p < '0' || *p > '9'))
			*p = '_';
}

/* The ids are what the provider's support asks for: what is long gives way. */
static void
set_text(struct refusal *refusal, enum err_kind kind, const char *code,
    const char *what, const struct words *words)
{
	char ids[160];
	int room;

	snprintf(ids, sizeof(ids), "%s%.40s%s%.40s",
	    *words->trace_id != '\0' ? "; trace_id=" : "", words->trace_id,
	    *words->correlation_id != '\0' ? " correlation_id=" : "",
	    words->correlation_id);
	room = (int)(sizeof(refusal->err.text) - 1 - strlen(ids));
	err_set(&refusal->err, kind, code, "%.*s%s", room, what, ids);
}

static void
judge_words(struct refusal *refusal, const struct refusal_subject *subject,
    const struct refusal_answer *answer, const struct words *words)
{
	char what[1024], word[64];
	enum err_kind kind;
	int is_assertion;
	size_t len;

	kind = judge_kind(words, answer->status, subject->kind);
	is_assertion = judge_assertion(words, kind, subject);
	if (!is_assertion)
		refusal->refused = judge_refused(words, kind, subject->kind);
	refusal->proof_refused =
	    is_assertion || refusal->refused == RECORD_REFUSED_SECRET;
	refusal->least_ms = judge_pause(words, kind, answer->retry_after_s);
	if (words->is_known) {
		sentence_write(
		    &words->row, &subject->about, what, SENTENCE_MAX);
		len = strlen(what);
		say_details(what + len, sizeof(what) - len, subject, words,
		    is_assertion);
		len = strlen(what);
		say_status(what + len, sizeof(what) - len, answer->status);
	} else {
		say_unknown(what, sizeof(what), subject, words, answer->status);
	}
	make_code(words, word, sizeof(word));
	len = strlen(what);
	say_clock(what + len, sizeof(what) - len, subject->clock_off_s);
	snprintf(refusal->error, sizeof(refusal->error), "%.39s", words->error);
	set_text(refusal, kind, word, what, words);
}

/* No error document: somebody else answered, or the service is ill. */
static void
judge_status(struct refusal *refusal, const struct refusal_subject *subject,
    const struct refusal_answer *answer)
{
	char who[256];

	sentence_subject(&subject->about, who, sizeof(who));
	refusal->least_ms = answer->retry_after_s * 1000;
	err_set(&refusal->err, ERR_TEMPORARY, "endpoint",
	    "%sthe token endpoint %.200s answered with status %ld and %s%s",
	    who, subject->endpoint, answer->status,
	    answer->body_len == 0 ? "nothing"
	    : strncasecmp(answer->content_type, "text/html", 9) == 0
		? "a web page instead of JSON"
		: "something that is no JSON answer of a token endpoint",
	    answer->status < 400
		? "; is a proxy or a login page of the network in between?"
		: "");
}

void
refusal_judge(struct refusal *refusal, const struct refusal_subject *subject,
    const struct refusal_answer *answer)
{
	struct json *json = NULL;
	struct words words;

	memset(refusal, 0, sizeof(*refusal));
	if (answer->body_len > 0)
		json = json_parse(answer->body, answer->body_len, NULL);
	if (json != NULL && json_get_string(json, "error") != NULL) {
		read_words(&words, json, &subject->about);
		judge_words(refusal, subject, answer, &words);
	} else {
		judge_status(refusal, subject, answer);
	}
	json_free(json);
}

void
refusal_no_answer(struct refusal *refusal,
    const struct refusal_subject *subject, const struct err *reason)
{
	char who[256];

	memset(refusal, 0, sizeof(*refusal));
	sentence_subject(&subject->about, who, sizeof(who));
	err_set(&refusal->err, reason->kind, reason->code,
	    "%sthe token endpoint %.200s: %.300s", who, subject->endpoint,
	    reason->text);
}

void
refusal_discovery(struct refusal *refusal,
    const struct refusal_subject *subject, const struct err *reason)
{
	char who[256];

	memset(refusal, 0, sizeof(*refusal));
	sentence_subject(&subject->about, who, sizeof(who));
	err_set(&refusal->err, reason->kind, reason->code, "%s%s", who,
	    reason->text);
	refusal->least_ms = reason->retry_ms;
}

void
refusal_login_required(struct err *err, const struct refusal_subject *subject)
{
	err_set(err, ERR_LOGIN, "login_required",
	    "account %s: nobody has signed in yet; run: postoak login %s%s",
	    subject->about.account, subject->about.account,
	    subject->about.imported
		? " --import, with a refresh token on standard input"
		: "");
}
