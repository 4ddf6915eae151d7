/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - what is kept of a credential. See record.h.
 */
#define _GNU_SOURCE
#include "record.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "wire.h"

static const char *const refused_names[] = {
    [RECORD_REFUSED_NOTHING] = "nothing",
    [RECORD_REFUSED_PASSWORD] = "password",
    [RECORD_REFUSED_SECRET] = "secret",
};

void
record_init(struct record *record)
{
	memset(record, 0, sizeof(*record));
}

void
record_clear(struct record *record)
{
	secret_clear(&record->refresh_token);
	free(record->scope);
	free(record->refused_id);
	record_init(record);
}

int
record_copy(struct record *to, const struct record *from)
{
	*to = *from;
	to->refresh_token.secret_data = NULL;
	to->refresh_token.secret_len = 0;
	to->scope = mem_strdup(from->scope);
	to->refused_id = mem_strdup(from->refused_id);
	return secret_copy(&to->refresh_token, &from->refresh_token);
}

void
record_refuse(struct record *record, enum record_refused what, const char *id,
    int64_t at_s, const struct err *why)
{
	record->refused = what;
	free(record->refused_id);
	record->refused_id = mem_strdup(id);
	record->refused_at_s = at_s;
	record->refusal = *why;
}

static int
put_refused(const struct record *record, struct buf *out, struct err *err)
{
	const struct err *why = &record->refusal;

	if (record->refused == RECORD_REFUSED_NOTHING ||
	    record->refused_id == NULL)
		return 0;
	if (wire_put(out, "refused", refused_names[record->refused], err) ==
		-1 ||
	    wire_put(out, "refused_id", record->refused_id, err) == -1 ||
	    wire_put_int(out, "refused_at", record->refused_at_s, err) == -1 ||
	    wire_put(out, "refusal_kind", err_kind_name(why->kind), err) ==
		-1 ||
	    wire_put(out, "refusal_code", why->code, err) == -1)
		return -1;
	return wire_put(out, "refusal_text", why->text, err);
}

int
record_encode(const struct record *record, const char *kind, const char *name,
    struct buf *out, struct err *err)
{
	if (wire_put(out, "kind", kind, err) == -1 ||
	    wire_put(out, "name", name, err) == -1)
		return -1;
	if (!secret_empty(&record->refresh_token) &&
	    (wire_put_bytes(out, "refresh_token",
		 secret_reveal(&record->refresh_token),
		 secret_len(&record->refresh_token), err) == -1 ||
		wire_put_int(out, "obtained_at", record->obtained_at_s, err) ==
		    -1))
		return -1;
	if (record->scope != NULL &&
	    wire_put(out, "scope", record->scope, err) == -1)
		return -1;
	if (put_refused(record, out, err) == -1)
		return -1;
	return wire_end(out, err);
}

static int
is_about(const struct wire *wire, const char *kind, const char *name)
{
	const char *its_kind = wire_get(wire, "kind");
	const char *its_name = wire_get(wire, "name");

	return its_kind != NULL && its_name != NULL &&
	       strcmp(its_kind, kind) == 0 && strcmp(its_name, name) == 0;
}

static int
get_refused(struct record *record, const struct wire *wire, struct err *err)
{
	const char *what = wire_get(wire, "refused");
	const char *id = wire_get(wire, "refused_id");
	const char *code = wire_get(wire, "refusal_code");
	const char *text = wire_get(wire, "refusal_text");
	long long at = 0;
	int i;

	if (what == NULL || id == NULL)
		return 0;
	for (i = RECORD_REFUSED_PASSWORD; i <= RECORD_REFUSED_SECRET; i++)
		if (strcmp(refused_names[i], what) == 0)
			record->refused = (enum record_refused)i;
	if (wire_get_int(wire, "refused_at", 0, LLONG_MAX / 16, &at, err) == -1)
		return -1;
	record->refused_id = mem_strdup(id);
	record->refused_at_s = at;
	err_set(&record->refusal,
	    err_kind_parse(wire_get(wire, "refusal_kind")),
	    code != NULL ? code : "refused", "%s", text != NULL ? text : "");
	return 0;
}

int
record_decode(struct record *record, const char *kind, const char *name,
    struct buf *data, struct err *err)
{
	const char *token, *scope;
	struct wire wire;
	long long at = 0;

	record_init(record);
	if (data->len == 0 ||
	    wire_parse(&wire, data->data, data->len, err) == -1 ||
	    !is_about(&wire, kind, name))
		return err_set(err, ERR_CONFIG, "store",
		    "holds no record of %s %s", kind, name);
	token = wire_get(&wire, "refresh_token");
	scope = wire_get(&wire, "scope");
	if (wire_get_int(&wire, "obtained_at", 0, LLONG_MAX / 16, &at, err) ==
		-1 ||
	    get_refused(record, &wire, err) == -1)
		goto fail;
	record->obtained_at_s = at;
	record->scope = mem_strdup(scope);
	if (token != NULL &&
	    secret_set(&record->refresh_token, token, strlen(token)) == -1) {
		err_set(err, ERR_TEMPORARY, "memory", "out of memory");
		goto fail;
	}
	return 0;
fail:
	record_clear(record);
	return -1;
}
