/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LEGACY_H
#define POSTOAK_LEGACY_H

#include <stddef.h>

#include "buf.h"

/*
 * legacy - read what other programs were configured with: the JSON files of
 * sasl-xoauth2, and Postfix's password table. Called by import. Pure; what is
 * said of a text (notes, a line each) never holds a value of it.
 */

/* A configuration or a token file of sasl-xoauth2; NULL: not given, and the
 * token file's own count more. */
struct legacy {
	char *client_id;
	char *client_secret;
	char *token_endpoint;
	char *proxy;
	char *ca_file;
	char *scope;
	char *user;
	char *refresh_token;
	int by_itself; /* use_client_credentials */
};

/* A line of a password table. */
struct legacy_entry {
	char *host; /* NULL: the key is a sender */
	char *user;
	char *password; /* or the path of a token file */
};

struct legacy_table {
	struct legacy_entry *entries;
	size_t count;
};

/* 1 if a text is a JSON object, and no table. */
int legacy_is_json(const char *text);

/*
 * Read a JSON file; name is the file's, for notes: members that are not known
 * or have no counterpart. 0, or -1, noted too: it is none, or would become more
 * of the configuration than values. legacy_clear frees in both cases.
 */
int legacy_read(struct legacy *legacy, const char *name, const char *text,
    size_t len, struct buf *notes);
void legacy_clear(struct legacy *legacy);

/* What the token file leaves out, from the configuration. */
void legacy_inherit(struct legacy *legacy, const struct legacy *from);

/* Read a table as postmap(1) does; what is no entry is noted. */
void legacy_read_table(struct legacy_table *table, const char *name,
    const char *text, struct buf *notes);
void legacy_clear_table(struct legacy_table *table);

/*
 * The preset of a token endpoint, "custom" if it is none's; *tenant is the
 * tenant in it (to be freed) or NULL. NULL stands for sasl-xoauth2's own
 * default, Google.
 */
const char *legacy_provider(const char *endpoint, char **tenant);

/* The preset of a mail server, NULL if it is none's. */
const char *legacy_provider_of_host(const char *host);

#endif
