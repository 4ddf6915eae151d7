/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whom - who is spoken of. See whom.h.
 */
#define _GNU_SOURCE /* memmem */
#include "whom.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n"
#define MARKS ",;:.<>()[]{}\"'="
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* One word of a text without the marks around it. */
struct word {
	const char *start;
	size_t len;
};

/* The next word at *p, 0 at the end. "account=NAME" are two. */
static int
next_word(const char **p, struct word *word)
{
	*p += strspn(*p, BLANKS MARKS);
	word->start = *p;
	word->len = strcspn(*p, BLANKS ",;:<>()[]{}\"'=");
	*p += word->len;
	while (word->len > 0 && word->start[word->len - 1] == '.')
		word->len--;
	return word->len > 0;
}

static int
is_name(const struct word *word, const char *name)
{
	return strlen(name) == word->len &&
	       strncasecmp(name, word->start, word->len) == 0;
}

static const struct conf_account *
find_account(struct whom *whom, const struct conf *conf, const char *text)
{
	const struct conf_account *account;
	const char *p = text;
	struct word word;

	while (next_word(&p, &word)) {
		if (memchr(word.start, '@', word.len) == NULL ||
		    word.len >= sizeof(whom->mailbox))
			continue;
		snprintf(whom->mailbox, sizeof(whom->mailbox), "%.*s",
		    (int)word.len, word.start);
		account = conf_account_for(conf, whom->mailbox);
		if (account != NULL)
			return account;
	}
	return NULL;
}

static const struct conf_application *
find_application(const struct conf *conf, const char *text)
{
	const char *p = text;
	struct word word;
	int behind = 0;
	size_t i;

	while (next_word(&p, &word)) {
		for (i = 0; behind && i < conf->application_count; i++)
			if (is_name(&word, conf->applications[i].name))
				return &conf->applications[i];
		behind = is_name(&word, "application");
	}
	return NULL;
}

void
whom_find(
    struct whom *whom, const struct conf *conf, const char *text, int64_t now_s)
{
	const struct conf_application *application = NULL;
	const struct conf_account *account = NULL;
	const char *mailbox = NULL;
	int unnamed = 0;

	memset(whom, 0, sizeof(*whom));
	if (conf != NULL) {
		account = find_account(whom, conf, text);
		if (account != NULL && account->name[0] == '@')
			mailbox = whom->mailbox;
		if (account == NULL)
			application = find_application(conf, text);
	}
	if (conf != NULL && account == NULL && application == NULL) {
		if (conf->account_count == 1)
			account = &conf->accounts[0];
		else if (conf->application_count == 1)
			application = &conf->applications[0];
		unnamed = account == NULL;
	}
	if (account != NULL)
		application = account->application;
	sentence_about(&whom->about, application, account, mailbox, now_s);
	whom->about.unnamed = unnamed;
}

int
whom_sentence(struct sentence *sentence, struct whom *whom, const char *code,
    const char *text)
{
	static const enum conf_grant grants[] = {CONF_GRANT_PASSWORD,
	    CONF_GRANT_REFRESH_TOKEN, CONF_GRANT_CLIENT_CREDENTIALS,
	    CONF_GRANT_AUTHORIZATION_CODE, CONF_GRANT_DEVICE_CODE,
	    CONF_GRANT_JWT_BEARER, CONF_GRANT_NONE};
	const enum conf_grant own = whom->about.grant;
	char says[SENTENCE_MAX];
	size_t i;

	for (i = 0; i < COUNT(grants); i++) {
		whom->about.grant = grants[i];
		if (!sentence_find(sentence, code, &whom->about))
			break;
		sentence_write(sentence, &whom->about, says, sizeof(says));
		if (strstr(text, says) != NULL)
			return 1;
	}
	whom->about.grant = own;
	return sentence_find(sentence, code, &whom->about);
}
