/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims - look into an access token. See claims.h.
 */
#define _GNU_SOURCE
#include "claims.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#define PAYLOAD_MAX 65536

static int
digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

static int
decode(const char *text, size_t len, struct buf *out)
{
	unsigned int bits = 0;
	int have = 0, value;
	unsigned char byte;
	size_t i;

	for (i = 0; i < len; i++) {
		value = digit(text[i]);
		if (value == -1)
			return -1;
		bits = (bits << 6 | (unsigned int)value) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		byte = (unsigned char)(bits >> have);
		if (buf_add(out, &byte, 1) == -1)
			return -1;
	}
	return 0;
}

struct json *
claims_read(const struct secret *token)
{
	const char *begin = strchr(secret_reveal(token), '.');
	const char *end = begin != NULL ? strchr(begin + 1, '.') : NULL;
	struct json *json = NULL;
	struct buf payload;

	if (end == NULL || strchr(end + 1, '.') != NULL)
		return NULL;
	buf_init(&payload, PAYLOAD_MAX);
	if (decode(begin + 1, (size_t)(end - begin - 1), &payload) == 0 &&
	    payload.len > 0)
		json = json_parse(payload.data, payload.len, NULL);
	buf_clear(&payload);
	return json;
}

/* Delegated permissions are one blank-separated string. */
static void
add_words(struct json *array, const char *words)
{
	char *copy = mem_strdup(words);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			json_append_string(array, word);
	free(copy);
}

static void
show_roles(const struct json *claims, struct json *answer)
{
	const struct json *roles = json_get_array(claims, "roles");
	const char *scp = json_get_string(claims, "scp");
	struct json *all = json_array();
	size_t i;

	for (i = 0; roles != NULL && i < json_length(roles); i++)
		if (json_string_at(roles, i) != NULL)
			json_append_string(all, json_string_at(roles, i));
	if (scp != NULL)
		add_words(all, scp);
	json_set(answer, "roles", all);
}

void
claims_show(const struct json *claims, struct json *answer)
{
	static const char *const names[] = {
	    "audience", "roles", "token_user", "tenant", "token_address"};
	const char *user;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_set_null(answer, names[i]);
	if (claims == NULL)
		return;
	user = json_get_string(claims, "upn");
	if (user == NULL)
		user = json_get_string(claims, "unique_name");
	json_set_string(answer, "audience", json_get_string(claims, "aud"));
	show_roles(claims, answer);
	json_set_string(answer, "token_user", user);
	json_set_string(answer, "tenant", json_get_string(claims, "tid"));
	json_set_string(
	    answer, "token_address", json_get_string(claims, "ipaddr"));
}
