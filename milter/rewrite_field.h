/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REWRITE_FIELD_H
#define POSTOAK_REWRITE_FIELD_H

/*
 * rewrite_field - the header fields that say who sent a message. Pure.
 */

/* The fields that matter here. Edits are listed in this order. */
enum rewrite_name {
	REWRITE_FROM,
	REWRITE_SENDER,
	REWRITE_REPLY_TO,
	REWRITE_RESENT_FROM,
	REWRITE_RESENT_SENDER,
	REWRITE_ORIGINAL_FROM, /* X-Original-From, ours */
	REWRITE_AUTO_SUBMITTED,
	REWRITE_TRACE,	      /* X-Postoak-Trace, ours */
	REWRITE_CONTENT_TYPE, /* read only */
	REWRITE_DKIM_SIGNATURE,
	REWRITE_BCC,
	REWRITE_RESENT_BCC,
	REWRITE_RETURN_PATH,
	REWRITE_NAMES,
};

/* The field's name as it is written. */
const char *rewrite_field_name(enum rewrite_name name);

/*
 * Which of them a field name is, REWRITE_NAMES if none. Case does not matter,
 * nor do blanks before the colon.
 */
enum rewrite_name rewrite_field_find(const char *name);

/* 1 if such a field may stay as it came, whatever is in it. */
int rewrite_field_stays(enum rewrite_name name);

#endif
