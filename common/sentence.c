/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sentence - the words for a provider's refusal. See sentence.h.
 */
#define _GNU_SOURCE
#include "sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "conf.h"

#define NUMBER_MARK "AADSTS"
#define PROOF_MARK "proof."
#define TEXT_MAX 4096 /* before it is cut */
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct row {
	const char *code;
	const char *when;
	const char *class;
	const char *meaning;
	const char *remedy;
} rows[] = {
#include "sentences.inc"
};

static const char *const proofs[] = {
    [CONF_PROOF_NONE] = "none",
    [CONF_PROOF_SECRET] = "secret",
    [CONF_PROOF_CERTIFICATE] = "certificate",
    [CONF_PROOF_FEDERATED_FILE] = "federated",
    [CONF_PROOF_MANAGED_IDENTITY] = "federated",
};

static const struct sentence_about nothing;

static const char *
last_item(const struct conf_list *list)
{
	/* They are tried in order: what was refused in the end is the last. */
	return list->count > 0 ? list->items[list->count - 1] : NULL;
}

/* How the account's tokens are won from day to day. */
static enum conf_grant
daily_grant(enum conf_grant grant)
{
	if (grant == CONF_GRANT_DEVICE_CODE ||
	    grant == CONF_GRANT_AUTHORIZATION_CODE)
		return CONF_GRANT_REFRESH_TOKEN;
	return grant;
}

void
sentence_about(struct sentence_about *about,
    const struct conf_application *application,
    const struct conf_account *account, const char *user, int64_t now_s)
{
	memset(about, 0, sizeof(*about));
	about->now_s = now_s;
	if (application != NULL) {
		about->application = application->name;
		about->secret_file =
		    last_item(&application->client_secret_files);
		about->secret_expires = application->client_secret_expires;
		about->key_file = application->service_account_file;
		about->proof = application->proof;
		about->proof_known = 1;
	}
	if (account == NULL)
		return;
	about->grant = daily_grant(account->grant);
	about->password_file = account->password_file;
	about->imported = account->grant == CONF_GRANT_REFRESH_TOKEN;
	/* All accounts of an application share that one's token. */
	if (account->grant == CONF_GRANT_CLIENT_CREDENTIALS)
		return;
	about->account = user != NULL ? user : account->name;
	about->user = user != NULL ? user : account->user;
}

static int
fits(const struct row *row, const struct sentence_about *about)
{
	if (strcmp(row->when, "-") == 0)
		return 1;
	if (strncmp(row->when, PROOF_MARK, strlen(PROOF_MARK)) == 0)
		return about->proof_known &&
		       strcmp(row->when + strlen(PROOF_MARK),
			   proofs[about->proof]) == 0;
	return about->grant != CONF_GRANT_NONE &&
	       strcmp(row->when, conf_grant_name(about->grant)) == 0;
}

static const struct row *
find_row(const char *code, const struct sentence_about *about)
{
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].code, code) == 0 && fits(&rows[i], about))
			return &rows[i];
	return NULL;
}

int
sentence_find(struct sentence *sentence, const char *code,
    const struct sentence_about *about)
{
	const struct aadsts *number = NULL;
	const struct row *row;

	if (strncmp(code, NUMBER_MARK, strlen(NUMBER_MARK)) == 0)
		number =
		    aadsts_find(strtol(code + strlen(NUMBER_MARK), NULL, 10));
	row = find_row(code, about != NULL ? about : &nothing);
	if (row == NULL && number == NULL)
		return 0;
	snprintf(sentence->code, sizeof(sentence->code), "%s", code);
	sentence->class =
	    number != NULL ? number->class : aadsts_class_parse(row->class);
	sentence->meaning = row != NULL ? row->meaning : number->meaning;
	sentence->remedy = row != NULL ? row->remedy : number->remedy;
	return 1;
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

/* "LABEL NAME", or what it is called where no name is known. */
static void
put_named(
    struct buf *out, const char *label, const char *name, const char *otherwise)
{
	if (name != NULL)
		buf_addf(out, "%s%.200s", label, name);
	else
		buf_adds(out, otherwise);
}

static void
put_value(struct buf *out, const char *name, size_t len,
    const struct sentence_about *about)
{
	const struct {
		const char *name;
		const char *label;
		const char *value;
		const char *otherwise;
	} names[] = {
	    {"application", "application ", about->application,
		"the application"},
	    {"user", "user ", about->user, "the user"},
	    {"password_file", "", about->password_file,
		"the password_file of the account"},
	    {"secret_file", "", about->secret_file,
		"the client_secret_file of the application"},
	    {"key_file", "", about->key_file,
		"the service_account_file of the application"},
	    {"login", "", about->account, "ACCOUNT"},
	};
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if (strlen(names[i].name) == len &&
		    memcmp(names[i].name, name, len) == 0)
			put_named(out, names[i].label, names[i].value,
			    names[i].otherwise);
	if (len == 5 && memcmp(name, "login", len) == 0 && about->imported)
		buf_adds(out, " --import");
	if (len == 7 && memcmp(name, "expired", len) == 0) {
		if (is_past(about->secret_expires, about->now_s))
			buf_addf(
			    out, "expired on %.10s", about->secret_expires);
		else
			buf_adds(out, "has expired");
	}
}

static void
add_filled(
    struct buf *out, const char *template, const struct sentence_about *about)
{
	const char *open, *close;

	while ((open = strchr(template, '{')) != NULL &&
	       (close = strchr(open, '}')) != NULL) {
		buf_add(out, template, (size_t)(open - template));
		put_value(out, open + 1, (size_t)(close - open - 1), about);
		template = close + 1;
	}
	buf_adds(out, template);
}

/* Hand a text over, as much as fits. */
static void
give(struct buf *text, char *out, size_t size)
{
	snprintf(out, size, "%s", text->data != NULL ? text->data : "");
	buf_clear(text);
}

void
sentence_fill(const char *template, const struct sentence_about *about,
    char *out, size_t size)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	add_filled(&text, template, about);
	give(&text, out, size);
}

void
sentence_subject(const struct sentence_about *about, char *out, size_t size)
{
	if (about->unnamed)
		snprintf(out, size, "%s", "");
	else if (about->account != NULL)
		snprintf(out, size, "account %.200s: ", about->account);
	else if (about->application != NULL)
		snprintf(out, size, "application %.200s: ", about->application);
	else
		snprintf(out, size, "%s", "");
}

void
sentence_write(const struct sentence *sentence,
    const struct sentence_about *about, char *out, size_t size)
{
	struct buf text;
	char who[240];

	buf_init(&text, TEXT_MAX);
	sentence_subject(about, who, sizeof(who));
	buf_adds(&text, who);
	add_filled(&text, sentence->meaning, about);
	buf_addf(&text, " (%s); ", sentence->code);
	add_filled(&text, sentence->remedy, about);
	give(&text, out, size);
}
