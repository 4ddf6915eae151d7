/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HANDOVER_TITLE_H
#define POSTOAK_HANDOVER_TITLE_H

#include "handover_line.h"

/*
 * handover_title - the titles of a hand-over text as people spell them. Called
 * by handover. Pure.
 */

enum handover_field {
	/* the eight of the vendor's instruction */
	HANDOVER_CLIENT_SECRET,
	HANDOVER_CLIENT_ID,
	HANDOVER_TENANT_ID,
	HANDOVER_AUTHORIZATION_ENDPOINT,
	HANDOVER_TOKEN_ENDPOINT,
	HANDOVER_FROM_ACCOUNT,
	HANDOVER_USER,
	HANDOVER_PASSWORD,
	/* what else such texts say */
	HANDOVER_SECRET_ID,
	HANDOVER_OBJECT_ID,
	HANDOVER_SECRET_EXPIRES,
	HANDOVER_GRANT,
	HANDOVER_SERVER,
	HANDOVER_PROXY,
	HANDOVER_CA_FILE,
	HANDOVER_PROTOCOL, /* in which mail is fetched */
	HANDOVER_FIELDS
};

struct handover_title {
	enum handover_field field;
	const char *rest; /* of the line: the value, or nothing */
};

/*
 * 1 if the line begins with a title and what follows it may be a value: behind
 * a separator, or one word, or nothing. Two slips in a long title are forgiven
 * before a separator. "Client ID" in the middle of a sentence is none.
 */
int handover_title_read(
    const struct handover_line *line, struct handover_title *title);

#endif
