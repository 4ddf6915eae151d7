/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - what an answer without a token means. See refusal.h.
 */
#define _GNU_SOURCE
#include "refusal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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
	long number; /* 0: none */
	const struct aadsts *row;
};

#define SIGN_IN "sign in again"
#define REGISTRATION "check client_id and the app registration"

/*
 * Classes of error=, facts as of RFC 6749, OpenID Connect, Entra ID and Google,
 * and what to do where the provider's words are all there is.
 */
static const struct {
	const char *error;
	enum err_kind kind;
	const char *remedy;
} errors[] = {
    {"temporarily_unavailable", ERR_TEMPORARY, NULL},
    {"server_error", ERR_TEMPORARY, NULL},
    {"internal_failure", ERR_TEMPORARY, NULL},
    {"rate_limit_exceeded", ERR_TEMPORARY, NULL},
    {"slow_down", ERR_TEMPORARY, NULL},
    {"authorization_pending", ERR_TEMPORARY, NULL},
    {"invalid_grant", ERR_LOGIN, SIGN_IN},
    {"invalid_rapt", ERR_LOGIN, SIGN_IN},
    {"interaction_required", ERR_LOGIN, SIGN_IN},
    {"consent_required", ERR_LOGIN, SIGN_IN},
    {"login_required", ERR_LOGIN, SIGN_IN},
    {"user_password_expired", ERR_LOGIN, SIGN_IN},
    {"invalid_client", ERR_CONFIG, REGISTRATION},
    {"unauthorized_client", ERR_CONFIG, REGISTRATION},
    {"deleted_client", ERR_CONFIG, REGISTRATION},
    {"disabled_client", ERR_CONFIG, REGISTRATION},
    {"org_internal", ERR_CONFIG, REGISTRATION},
    {"admin_policy_enforced", ERR_CONFIG,
	"have the application allowed by the administrator"},
    {"unsupported_grant_type", ERR_CONFIG,
	"choose a grant that the provider has"},
    {"invalid_request", ERR_CONFIG, NULL},
    {"invalid_resource", ERR_CONFIG, "check scope"},
    {"invalid_scope", ERR_CONFIG, "check scope"},
    {"access_denied", ERR_CONFIG, NULL},
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

static void
read_words(struct words *words, const struct json *json)
{
	const struct json *codes = json_get_array(json, "error_codes");
	int64_t number = 0;

	words->error = or_empty(json_get_string(json, "error"));
	words->description =
	    or_empty(json_get_string(json, "error_description"));
	words->trace_id = or_empty(json_get_string(json, "trace_id"));
	words->correlation_id =
	    or_empty(json_get_string(json, "correlation_id"));
	if (codes == NULL || !json_int_at(codes, 0, &number))
		number = aadsts_in_text(words->description);
	words->number = (long)number;
	words->row = number > 0 ? aadsts_find(words->number) : NULL;
}

static enum err_kind
kind_of_error(const char *error)
{
	size_t i;

	for (i = 0; i < COUNT(errors); i++)
		if (strcmp(errors[i].error, error) == 0)
			return errors[i].kind;
	return ERR_NONE;
}

/*
 * Status first, then the number, then the word. Where no person signs in,
 * an administrator has to act.
 */
static enum err_kind
judge_kind(const struct words *words, long status, enum flow_kind flow)
{
	enum err_kind kind;

	if (status == 429 || status >= 500)
		return ERR_TEMPORARY;
	kind = words->row != NULL ? aadsts_kind(words->row->class)
				  : kind_of_error(words->error);
	if (kind == ERR_NONE)
		return ERR_TEMPORARY;
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
	size_t i;

	for (i = 0; i < COUNT(pauses); i++)
		if (pauses[i].number == words->number &&
		    pauses[i].least_ms > least_ms)
			least_ms = pauses[i].least_ms;
	/* A word nobody knows may be there to stay: slowly, then. */
	if (kind == ERR_TEMPORARY && words->row == NULL &&
	    kind_of_error(words->error) == ERR_NONE && least_ms == 0 &&
	    words->error[0] != '\0')
		least_ms = 5 * MINUTE_MS;
	return least_ms;
}

/* "account relay@contoso.com" or "application contoso" */
static void
name_subject(const struct refusal_subject *subject, char *out, size_t size)
{
	if (subject->account != NULL)
		snprintf(out, size, "account %.200s", subject->account);
	else
		snprintf(out, size, "application %.200s", subject->application);
}

/* "AADSTS50126" or the error word. */
static void
name_code(const struct words *words, char *out, size_t size)
{
	if (words->number > 0)
		snprintf(out, size, "AADSTS%ld", words->number);
	else
		snprintf(out, size, "%.40s", words->error);
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

static void
say_password(char *out, size_t size, const struct refusal_subject *s,
    const struct words *words, const char *code)
{
	const char *what = words->row != NULL && words->number != 50126
			       ? words->row->meaning
			       : "wrong user name or password";

	snprintf(out, size,
	    "%s for user %.200s (%s); put the right password into %.300s, "
	    "which is then tried at once",
	    what, or_empty(s->user), code, or_empty(s->password_file));
}

/* 1 if the configured date has come. */
static int
is_past(const char *date, int64_t now_s)
{
	time_t now = (time_t)now_s;
	char today[16];
	struct tm tm;

	if (date == NULL || gmtime_r(&now, &tm) == NULL ||
	    strftime(today, sizeof(today), "%Y-%m-%d", &tm) == 0)
		return 0;
	return strcmp(date, today) <= 0;
}

static void
say_secret(char *out, size_t size, const struct refusal_subject *s,
    const struct words *words, const char *code)
{
	char when[32] = "has expired";

	if (is_past(s->secret_expires, s->now_s))
		snprintf(
		    when, sizeof(when), "expired on %.10s", s->secret_expires);
	if (words->number != 7000222)
		snprintf(when, sizeof(when), "is wrong");
	if (s->secret_file == NULL)
		snprintf(out, size,
		    "application %.100s needs a client secret (%s); configure "
		    "client_secret_file",
		    s->application, code);
	else
		snprintf(out, size,
		    "the client secret of application %.100s %s (%s); make a "
		    "new one and put its Value (not its Secret ID) into %.300s",
		    s->application, when, code, s->secret_file);
}

/* What to do about a word; NULL where nothing but waiting is known. */
static const char *
remedy_of_error(const char *error)
{
	size_t i;

	for (i = 0; i < COUNT(errors); i++)
		if (strcmp(errors[i].error, error) == 0)
			return errors[i].remedy;
	return NULL;
}

static void
say_assertion(char *out, size_t size, const struct refusal_subject *s,
    const struct words *words, const char *code)
{
	if (words->row != NULL)
		snprintf(out, size, "%s (%s): the %.380s; %s",
		    words->row->meaning, code, s->proof, words->row->remedy);
	else
		snprintf(out, size,
		    "the provider does not take the %.380s (%s); register it "
		    "with the application",
		    s->proof, code);
}

static void
say_unlisted(char *out, size_t size, const struct refusal_subject *s,
    const struct words *words, const char *code, long status,
    enum err_kind kind)
{
	const char *remedy =
	    words->number == 0 ? remedy_of_error(words->error) : NULL;
	int len;

	len = snprintf(out, size,
	    "the token endpoint refuses (%s, status %ld): %.*s", code, status,
	    description_len(words->description), words->description);
	if (remedy == NULL || len < 0 || (size_t)len >= size)
		return;
	out += len;
	size -= (size_t)len;
	if (kind == ERR_LOGIN)
		snprintf(out, size, "; %s: postoak login %.200s", remedy,
		    s->account);
	else
		snprintf(out, size, "; %s", remedy);
}

static void
say_general(char *out, size_t size, const struct refusal_subject *s,
    const struct words *words, const char *code, long status,
    enum err_kind kind)
{
	if (words->row != NULL)
		snprintf(out, size, "%s (%s, status %ld); %s",
		    words->row->meaning, code, status, words->row->remedy);
	else
		say_unlisted(out, size, s, words, code, status, kind);
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

static void
judge_words(struct refusal *refusal, const struct refusal_subject *subject,
    const struct refusal_answer *answer, const struct words *words)
{
	char who[256], what[1024], code[48], word[64];
	enum err_kind kind;

	kind = judge_kind(words, answer->status, subject->kind);
	refusal->refused = judge_refused(words, kind, subject->kind);
	refusal->proof_refused = judge_assertion(words, kind, subject);
	if (refusal->proof_refused)
		refusal->refused = RECORD_REFUSED_NOTHING;
	refusal->least_ms = judge_pause(words, kind, answer->retry_after_s);
	name_subject(subject, who, sizeof(who));
	name_code(words, code, sizeof(code));
	if (refusal->refused == RECORD_REFUSED_PASSWORD)
		say_password(what, sizeof(what), subject, words, code);
	else if (refusal->proof_refused)
		say_assertion(what, sizeof(what), subject, words, code);
	else if (refusal->refused == RECORD_REFUSED_SECRET)
		say_secret(what, sizeof(what), subject, words, code);
	else
		say_general(what, sizeof(what), subject, words, code,
		    answer->status, kind);
	if (refusal->refused == RECORD_REFUSED_SECRET)
		refusal->proof_refused = 1;
	make_code(words, word, sizeof(word));
	say_clock(what + strlen(what), sizeof(what) - strlen(what),
	    subject->clock_off_s);
	snprintf(refusal->error, sizeof(refusal->error), "%.39s", words->error);
	err_set(&refusal->err, kind, word, "%s: %s%s%.40s%s%.40s", who, what,
	    *words->trace_id != '\0' ? "; trace_id=" : "", words->trace_id,
	    *words->correlation_id != '\0' ? " correlation_id=" : "",
	    words->correlation_id);
}

/* No error document: somebody else answered, or the service is ill. */
static void
judge_status(struct refusal *refusal, const struct refusal_subject *subject,
    const struct refusal_answer *answer)
{
	char who[256];

	name_subject(subject, who, sizeof(who));
	refusal->least_ms = answer->retry_after_s * 1000;
	err_set(&refusal->err, ERR_TEMPORARY, "endpoint",
	    "%s: the token endpoint %.200s answered with status %ld and %s%s",
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
		read_words(&words, json);
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
	name_subject(subject, who, sizeof(who));
	err_set(&refusal->err, reason->kind, reason->code,
	    "%s: the token endpoint %.200s: %.300s", who, subject->endpoint,
	    reason->text);
}

void
refusal_login_required(struct err *err, const struct refusal_subject *subject)
{
	err_set(err, ERR_LOGIN, "login_required",
	    "account %s: nobody has signed in yet; run: postoak login %s%s",
	    subject->account, subject->account,
	    subject->imported
		? " --import, with a refresh token on standard input"
		: "");
}
