/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_token - an account's token and what is known of it. See check_token.h.
 */
#include "check_token.h"

#include <string.h>
#include <strings.h>

#include "ask.h"
#include "show.h"

#define TOKEN_MS 35000 /* longer than a provider may take */

/* 1 if the error is of asking, not of the account. */
static int
is_no_answer(const struct err *err)
{
	static const char *const codes[] = {
	    "unreachable", "denied", "silent", "answer"};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(err->code, codes[i]) == 0)
			return 1;
	return 0;
}

/* Whether the daemon runs is another check's to say: no verdict here. */
static int
cannot_ask(const struct checkup *checkup, const char *id, const struct err *err)
{
	findings_add_text(checkup->findings, FINDINGS_NOTE, id,
	    checkup->target->name, err->text, NULL);
	return -1;
}

int
check_token_get(
    struct check_token *token, const struct checkup *checkup, const char *id)
{
	const char *control = checkup->conf->tokend.control;
	const struct checkup_target *target = checkup->target;
	const struct json *accounts;
	struct err err;

	memset(token, 0, sizeof(*token));
	err_clear(&err);
	if (target->name[0] == '@') {
		findings_add(checkup->findings, FINDINGS_NOTE, id, target->name,
		    "a token is a mailbox's, not a domain's");
		findings_remedy(checkup->findings,
		    "name one: postoak check MAILBOX%s", target->name);
		return -1;
	}
	token->token_answer = ask(
	    ASK_TOKEND, control, "token", target->name, TOKEN_MS, &token->err);
	if (token->token_answer == NULL && is_no_answer(&token->err))
		return cannot_ask(checkup, id, &token->err);
	token->status_answer = ask(
	    ASK_TOKEND, control, "status", target->name, ASK_SHORT_MS, &err);
	if (token->token_answer != NULL) {
		token->user = json_get_string(token->token_answer, "user");
		token->token = json_get_string(token->token_answer, "token");
	}
	accounts = token->status_answer != NULL
		       ? json_get_array(token->status_answer, "accounts")
		       : NULL;
	if (accounts != NULL && json_length(accounts) > 0)
		token->account = json_at(accounts, 0);
	return 0;
}

void
check_token_clear(struct check_token *token)
{
	json_free(token->token_answer);
	json_free(token->status_answer);
	memset(token, 0, sizeof(*token));
}

/* The word, alone or behind its resource, among words apart by blanks. */
static int
has_word(const char *words, const char *word)
{
	size_t len = strlen(word), here;

	for (; *words != '\0'; words += here + (words[here] == ' ')) {
		here = strcspn(words, " ");
		if (here >= len &&
		    strncasecmp(words + here - len, word, len) == 0 &&
		    (here == len || words[here - len - 1] == '/'))
			return 1;
	}
	return 0;
}

int
check_token_allows(
    const struct check_token *token, enum mailserver_protocol protocol)
{
	const struct mailserver_permission *permission =
	    mailserver_permission(protocol);
	const struct json *roles;
	const char *scope, *role;
	size_t i;

	if (token->account == NULL || token->token == NULL)
		return -1;
	roles = json_get_array(token->account, "roles");
	scope = show_string(token->account, "scope");
	if (roles == NULL && *scope == '\0')
		return -1;
	/* Google's one scope is for all three. */
	if (roles == NULL)
		return strstr(scope, "://mail.google.com/") != NULL ||
		       has_word(scope, permission->delegated);
	for (i = 0; i < json_length(roles); i++) {
		role = json_string_at(roles, i);
		if (role != NULL &&
		    (strcasecmp(role, permission->delegated) == 0 ||
			strcasecmp(role, permission->app) == 0))
			return 1;
	}
	/* An application without any may have its rights from Exchange. */
	return json_length(roles) > 0 ? 0 : -1;
}

const char *
check_token_fault(
    const struct check_token *token, const char *level, const char *code)
{
	const struct json *faults = NULL, *fault;
	size_t i;

	if (token->account != NULL)
		faults = json_get_array(token->account, "findings");
	for (i = 0; faults != NULL && i < json_length(faults); i++) {
		fault = json_at(faults, i);
		if (strcmp(show_string(fault, "level"), level) == 0 &&
		    (code == NULL ||
			strcmp(show_string(fault, "code"), code) == 0))
			return show_string(fault, "text");
	}
	return NULL;
}
