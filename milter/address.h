/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ADDRESS_H
#define POSTOAK_ADDRESS_H

#include <stddef.h>

#include "scan.h"

/*
 * address - a strict reader of RFC 5322 address lists and RFC 5321 paths.
 *
 * The field values a milter sees come from anyone, and what one reader takes
 * for a comment another takes for the sender. So this one answers only when
 * there is no doubt: everything the grammar allows, the obsolete forms of
 * section 4.4 and UTF-8 (RFC 6532) included, and nothing else. Pure; no
 * allocation, no recursion, one pass over the input.
 */

#define ADDRESS_TEXT_MAX 400 /* room for any address as text, NUL included */
#define ADDRESS_KEPT_MAX 16  /* mailboxes of a list that are kept */

/* A mailbox. */
struct address {
	struct scan_slice name;	   /* display name as written; len 0: none */
	struct scan_slice comment; /* inside of "a@b (comment)", or len 0 */
	char local[SCAN_LOCAL_MAX + 1]; /* without quoting */
	char domain[SCAN_DOMAIN_MAX + 1];
};

struct address_list {
	size_t count;	/* mailboxes in the value */
	size_t groups;	/* groups in the value (RFC 6854 allows them in From) */
	unsigned flags; /* SCAN_ODD, ... */
	const char *problem; /* why it could not be read; NULL if it could */
	struct address kept[ADDRESS_KEPT_MAX]; /* the first of them */
};

/*
 * Read a field value as handed over by libmilter (folds as LF or CRLF before a
 * blank). 0, or -1 when it is no address list beyond doubt; then list->problem
 * says why and nothing else in *list counts. An empty value is a problem.
 */
int address_parse(const char *value, size_t len, struct address_list *list);

/*
 * Read an envelope address: "<a@b>" as smtpd hands it over, or bare "a@b". 1
 * and *address; 0 for the null sender ("<>" or empty); -1 for anything else.
 * A source route is dropped (RFC 5321 4.1.1.3).
 */
int address_parse_path(const char *path, size_t len, struct address *address);

/* Write local@domain, the local part quoted when it must be. */
void address_format(const struct address *address, char text[ADDRESS_TEXT_MAX]);

/*
 * 1 if the local part can be read in one way only: unquoted, and not dressed up
 * as an encoded word (RFC 2047), which some readers decode before they look for
 * the address.
 */
int address_is_plain(const struct address *address);

/* 1 if it needs no SMTPUTF8 (RFC 6531). */
int address_is_ascii(const struct address *address);

/*
 * Write the key under which equal addresses are the same: unquoted and in
 * lower case. Exchange takes local parts without regard to case.
 */
void address_key(const struct address *address, char key[ADDRESS_TEXT_MAX]);

/* The same for its domain: "@" and the domain in lower case. */
void address_domain_key(
    const struct address *address, char key[ADDRESS_TEXT_MAX]);

#endif
