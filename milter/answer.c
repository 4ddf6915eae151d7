/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer - see answer.h.
 */
#include "answer.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

/* libmilter takes "char *" and does not write to it. */
char *
answer_borrowed(const char *text)
{
	union {
		const char *in;
		char *out;
	} cast = {.in = text};

	return cast.out;
}

sfsistat
answer_reply(SMFICTX *ctx, const struct reply *reply)
{
	char text[2 * REPLY_TEXT_MAX];

	reply_wire(reply->text, text);
	(void)smfi_setreply(ctx, answer_borrowed(reply->code),
	    answer_borrowed(reply->enhanced), text);
	return reply->code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

sfsistat
answer_failure(SMFICTX *ctx, const char *text)
{
	struct reply reply;

	reply_set(&reply, "451", "4.3.0", "%s", text);
	return answer_reply(ctx, &reply);
}

/* Deletions go from the last index down: each shifts those behind it. */
static int
delete_fields(SMFICTX *ctx, const struct rewrite_edit *edit)
{
	size_t i;

	for (i = edit->last; i >= edit->first; i--)
		if (smfi_chgheader(ctx,
			answer_borrowed(rewrite_field_name(edit->name)), (int)i,
			NULL) != MI_SUCCESS)
			return -1;
	return 0;
}

static int
carry_out(SMFICTX *ctx, const struct rewrite_edit *edit)
{
	int rc = MI_FAILURE;

	switch (edit->kind) {
	case REWRITE_EDIT_DELETE:
		return delete_fields(ctx, edit);
	case REWRITE_EDIT_SENDER:
		rc = smfi_chgfrom(ctx, edit->value, NULL);
		break;
	case REWRITE_EDIT_CHANGE:
		rc = smfi_chgheader(ctx,
		    answer_borrowed(rewrite_field_name(edit->name)), 1,
		    edit->value);
		break;
	case REWRITE_EDIT_ADD:
		rc = smfi_addheader(ctx,
		    answer_borrowed(rewrite_field_name(edit->name)),
		    edit->value);
		break;
	}
	return rc == MI_SUCCESS ? 0 : -1;
}

/*
 * Give the recipients anew with NOTIFY=NEVER (RFC 3461 4.1). An MTA that takes
 * no parameters fails at the first one, where nothing is lost yet.
 */
static int
quieten(SMFICTX *ctx, const struct buf *recipients)
{
	static const char never[] = "NOTIFY=NEVER";
	size_t at;

	for (at = 0; at < recipients->len;
	     at += strlen(recipients->data + at) + 1) {
		char *recipient = recipients->data + at;

		if (smfi_delrcpt(ctx, recipient) != MI_SUCCESS)
			return at == 0 ? 0 : -1;
		if (smfi_addrcpt_par(ctx, recipient, answer_borrowed(never)) !=
		    MI_SUCCESS)
			return -1;
	}
	return 0;
}

/* The reason tells in sendmail's queue who holds the message. */
static int
hold(SMFICTX *ctx, const char *reason)
{
	char text[REPLY_TEXT_MAX + 16];
	size_t i;

	(void)snprintf(text, sizeof(text), "postoak: %s", reason);
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	return smfi_quarantine(ctx, text) == MI_SUCCESS ? 0 : -1;
}

sfsistat
answer_verdict(SMFICTX *ctx, const char *id, const struct verdict *verdict)
{
	size_t i;

	if (verdict->reply.code != NULL)
		return answer_reply(ctx, &verdict->reply);
	if (verdict->rewrite.discarded)
		return SMFIS_DISCARD;
	for (i = 0; i < verdict->rewrite.edits.count; i++) {
		if (carry_out(ctx, &verdict->rewrite.edits.items[i]) == 0)
			continue;
		log_warn(id, "an edit failed, the message is deferred");
		return answer_failure(ctx, "the sender could not be rewritten; "
					   "try again later");
	}
	if (verdict->quiet != NULL && quieten(ctx, verdict->quiet) != 0) {
		log_warn(id, "a recipient could not be changed, the message is "
			     "deferred");
		return answer_failure(ctx, "the recipients of a notice could "
					   "not be changed; try again later");
	}
	if (verdict->held && hold(ctx, verdict->reason) != 0) {
		log_warn(id, "the MTA does not hold the message, which is "
			     "deferred");
		return answer_failure(ctx, "the message could not be held; "
					   "try again later");
	}
	/* An edit would have told that the MTA has gone. */
	if (i == 0 && verdict->receipt.count > 0 &&
	    smfi_progress(ctx) != MI_SUCCESS) {
		log_warn(id, "the MTA did not wait for the answer");
		return SMFIS_TEMPFAIL;
	}
	return SMFIS_CONTINUE;
}
