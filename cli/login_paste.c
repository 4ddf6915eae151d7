/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_paste - the final address of a sign-in from standard input. See
 * login_paste.h.
 */
#include "login_paste.h"

#include "ask.h"
#include "hidden.h"
#include "json.h"

#define ADDRESS_MAX 16384

void
login_paste_begin(
    struct login_paste *paste, const struct conf *conf, const char *account)
{
	paste->conf = conf;
	paste->account = account;
	paste->is_open = 1;
	buf_init(&paste->line, ADDRESS_MAX);
	hidden_begin();
}

void
login_paste_end(struct login_paste *paste)
{
	if (!paste->is_open)
		return;
	paste->is_open = 0;
	hidden_end();
	buf_clear(&paste->line);
}

static int
bring(struct login_paste *paste, struct err *err)
{
	struct json *question = ask_new("redirect", paste->account);
	struct json *answer;

	json_set_string(question, "address", paste->line.data);
	/* The attempt's own connection tells the outcome. */
	answer = ask_send(ASK_TOKEND, paste->conf->tokend.control, question,
	    ASK_SHORT_MS, err);
	json_free(answer);
	return answer != NULL ? 1 : -1;
}

int
login_paste_more(struct login_paste *paste, struct err *err)
{
	int rc = hidden_more(&paste->line);

	if (rc == -1)
		login_paste_end(paste);
	if (rc != 1)
		return 0;
	rc = 0;
	if (paste->line.truncated)
		rc = err_set(err, ERR_PROTOCOL, "size",
		    "an address has at most %d bytes", ADDRESS_MAX);
	else if (paste->line.len > 0)
		rc = bring(paste, err);
	buf_clear(&paste->line);
	paste->line.truncated = 0;
	return rc;
}
