/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - encoder and decoder of the token socket's blocks. See wire.h and
 * PROTOCOL.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
name_is_valid(const char *name, size_t len)
{
	size_t i;

	if (len == 0 || len > WIRE_NAME_MAX)
		return 0;
	for (i = 0; i < len; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') ||
			(name[i] >= '0' && name[i] <= '9') || name[i] == '_'))
			return 0;
	return 1;
}

static int
value_is_valid(const char *value, size_t len)
{
	return memchr(value, '\n', len) == NULL &&
	       memchr(value, '\r', len) == NULL &&
	       memchr(value, '\0', len) == NULL;
}

/* What buf could not take: too much for the block, or for the machine. */
static int
refuse_size(struct err *err, int errnum, const char *what, size_t max)
{
	if (errnum == ENOMEM)
		return err_set(
		    err, ERR_TEMPORARY, "memory", "no memory for %s", what);
	return err_set(err, ERR_PROTOCOL, "size",
	    "%s does not fit into a block of %zu bytes", what, max);
}

int
wire_put_bytes(struct buf *out, const char *name, const char *value, size_t len,
    struct err *err)
{
	/* wire_end refuses the block if the caller goes on all the same. */
	if (!name_is_valid(name, strlen(name))) {
		out->truncated = 1;
		return err_set(err, ERR_PROTOCOL, "value",
		    "a name on the token socket is not [a-z0-9_]");
	}
	/* The value may be a secret: it is not repeated in the text. */
	if (!value_is_valid(value, len)) {
		out->truncated = 1;
		return err_set(err, ERR_PROTOCOL, "value",
		    "the value of %s holds CR, LF or NUL", name);
	}
	if (buf_adds(out, name) == -1 || buf_add(out, "=", 1) == -1 ||
	    buf_add(out, value, len) == -1 || buf_add(out, "\n", 1) == -1)
		return refuse_size(err, errno, name, out->max);
	return 0;
}

int
wire_put(struct buf *out, const char *name, const char *value, struct err *err)
{
	return wire_put_bytes(out, name, value, strlen(value), err);
}

int
wire_put_int(
    struct buf *out, const char *name, long long value, struct err *err)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", value);
	return wire_put(out, name, digits, err);
}

int
wire_end(struct buf *out, struct err *err)
{
	if (buf_add(out, "\n", 1) == -1)
		return refuse_size(
		    err, errno, "the closing empty line", out->max);
	if (out->truncated)
		return err_set(err, ERR_PROTOCOL, "size",
		    "a block has a value that cannot be sent, or is larger "
		    "than %zu bytes",
		    out->max);
	return 0;
}

/* memchr reads a word at a time, memmem for two bytes does not: a token is one
 * long line. */
size_t
wire_complete(const char *data, size_t len)
{
	const char *line = data, *end;

	if (len == 0)
		return 0;
	/* A block without lines: parse will say what is wrong with it. */
	if (data[0] == '\n')
		return 1;
	end = data + len;
	while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL &&
	       ++line < end)
		if (*line == '\n')
			return (size_t)(line - data) + 1;
	return 0;
}

/* One line, NUL in place of its LF, into the next field. */
static int
parse_line(struct wire *wire, char *line, size_t len, struct err *err)
{
	char *equals = memchr(line, '=', len);
	size_t name_len;

	if (equals == NULL || !name_is_valid(line, (size_t)(equals - line)))
		return err_set(err, ERR_PROTOCOL, "syntax",
		    "a line on the token socket is not name=value");
	name_len = (size_t)(equals - line);
	*equals = '\0';
	if (!value_is_valid(equals + 1, len - name_len - 1))
		return err_set(err, ERR_PROTOCOL, "value",
		    "the value of %s holds CR, LF or NUL", line);
	if (wire_get(wire, line) != NULL)
		return err_set(err, ERR_PROTOCOL, "syntax",
		    "%s stands twice in a block", line);
	if (wire->count == WIRE_FIELDS_MAX)
		return err_set(err, ERR_PROTOCOL, "size",
		    "a block has more than %d lines", WIRE_FIELDS_MAX);
	wire->fields[wire->count].name = line;
	wire->fields[wire->count].value = equals + 1;
	wire->count++;
	return 0;
}

int
wire_parse(struct wire *wire, char *data, size_t len, struct err *err)
{
	char *line = data;
	char *last = data + len - 1; /* the LF of the closing empty line */
	char *end;

	memset(wire, 0, sizeof(*wire));
	if (wire_complete(data, len) != len || len < 2)
		return err_set(err, ERR_PROTOCOL, "syntax",
		    "a block on the token socket is empty or not closed");
	while (line < last) {
		end = memchr(line, '\n', (size_t)(last - line) + 1);
		*end = '\0';
		if (parse_line(wire, line, (size_t)(end - line), err) == -1)
			return -1;
		line = end + 1;
	}
	return 0;
}

const char *
wire_get(const struct wire *wire, const char *name)
{
	size_t i;

	for (i = 0; i < wire->count; i++)
		if (strcmp(wire->fields[i].name, name) == 0)
			return wire->fields[i].value;
	return NULL;
}

int
wire_get_int(const struct wire *wire, const char *name, long long min,
    long long max, long long *value, struct err *err)
{
	const char *text = wire_get(wire, name);
	long long number = 0;
	const char *p;

	if (text == NULL)
		return 0;
	for (p = text; *p >= '0' && *p <= '9' && number <= LLONG_MAX / 10 - 1;
	     p++)
		number = number * 10 + (*p - '0');
	if (p == text || *p != '\0' || number < min || number > max)
		return err_set(err, ERR_PROTOCOL, "value",
		    "%s is not a number from %lld to %lld", name, min, max);
	*value = number;
	return 0;
}

/*
 * PROTOCOL knows five kinds. A fault of ours is temporary to the other side: no
 * mail may bounce for it.
 */
static const char *
kind_on_wire(enum err_kind kind)
{
	if (kind == ERR_NONE || kind == ERR_BUG)
		kind = ERR_TEMPORARY;
	return err_kind_name(kind);
}

static enum err_kind
kind_from_wire(const char *name)
{
	enum err_kind kind = err_kind_parse(name);

	return kind == ERR_NONE || kind == ERR_BUG ? ERR_PROTOCOL : kind;
}

int
wire_put_err(struct buf *out, const struct err *failure)
{
	if (wire_put(out, "status", "error", NULL) == -1 ||
	    wire_put(out, "kind", kind_on_wire(failure->kind), NULL) == -1 ||
	    wire_put(out, "code", failure->code, NULL) == -1)
		return -1;
	if (failure->retry_ms > 0 &&
	    wire_put_int(out, "retry_ms", failure->retry_ms, NULL) == -1)
		return -1;
	if (wire_put(out, "text", failure->text, NULL) == -1)
		return -1;
	return wire_end(out, NULL);
}

int
wire_answer(const struct wire *wire, struct err *err)
{
	const char *status = wire_get(wire, "status");
	const char *code = wire_get(wire, "code");
	const char *text = wire_get(wire, "text");
	long long retry_ms = 0;

	if (status != NULL && strcmp(status, "ok") == 0)
		return 0;
	if (status == NULL || strcmp(status, "error") != 0)
		return err_set(err, ERR_PROTOCOL, "syntax",
		    "the answer on the token socket has no status");
	err_set(err, kind_from_wire(wire_get(wire, "kind")),
	    code != NULL ? code : "unknown", "%s",
	    text != NULL ? text : "no reason was given");
	if (wire_get_int(wire, "retry_ms", 0, INT_MAX, &retry_ms, NULL) == 0 &&
	    err != NULL)
		err->retry_ms = (int)retry_ms;
	return -1;
}
