/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_answer - answers on the control socket. See control_answer.h.
 */
#include "control_answer.h"

#include "account.h"

struct json *
control_answer_new(const char *status)
{
	struct json *answer = json_object();

	json_set_int(answer, "version", CONTROL_ANSWER_VERSION);
	json_set_string(answer, "status", status);
	return answer;
}

void
control_answer_put(struct buf *out, const struct err *err)
{
	struct json *answer = control_answer_new("error");

	json_set_string(answer, "kind", err_kind_name(err->kind));
	json_set_string(answer, "code", err->code);
	if (err->retry_ms > 0)
		json_set_int(answer, "retry_ms", err->retry_ms);
	json_set_string(answer, "text", err->text);
	(void)json_write(answer, out, 0);
	(void)buf_adds(out, "\n");
	json_free(answer);
}

void
control_answer_failure(struct client *client, const struct err *err)
{
	struct buf out;

	buf_init(&out, CONTROL_ANSWER_MAX);
	control_answer_put(&out, err);
	client_answer(client, &out, err->kind == ERR_PROTOCOL);
}

/* The answer is taken. */
void
control_answer_json(struct client *client, struct json *answer)
{
	struct buf out;
	struct err err;

	buf_init(&out, CONTROL_ANSWER_MAX);
	if (json_write(answer, &out, 0) == -1 || buf_adds(&out, "\n") == -1) {
		buf_clear(&out);
		err_set(&err, ERR_BUG, "size",
		    "the answer has more than %d bytes; ask for one account",
		    CONTROL_ANSWER_MAX);
		control_answer_failure(client, &err);
	} else {
		client_answer(client, &out, 0);
	}
	json_free(answer);
}

const char *
control_answer_account(const struct json *request)
{
	return json_get_string(request, "account");
}

const struct conf_account *
control_answer_find(const char *name, const char **user, struct err *err)
{
	const struct conf_account *account =
	    name != NULL ? account_find(name, user) : NULL;

	if (name == NULL)
		err_set(err, ERR_PROTOCOL, "account",
		    "the request names no account");
	else if (account == NULL)
		err_set(err, ERR_CONFIG, "account",
		    "there is no account %.250s in %s", name,
		    account_config()->conf->path);
	return account;
}
