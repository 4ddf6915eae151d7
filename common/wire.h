/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_WIRE_H
#define POSTOAK_WIRE_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * wire - blocks of name=value lines, the language of the token socket.
 *
 * common/PROTOCOL is the document; this is its only encoder and decoder, used
 * by the plugin, tokend and the tool alike. Pure: no I/O. Safe inside the
 * plugin.
 */

#define WIRE_REQUEST_MAX 4096 /* bytes of a request, closing line included */
#define WIRE_ANSWER_MAX 65536 /* bytes of an answer */
#define WIRE_FIELDS_MAX 16    /* lines that are kept; more is an error */
#define WIRE_NAME_MAX 32      /* bytes of a name */
#define WIRE_VERSION 1	      /* protocol= */

struct wire {
	size_t count;
	struct {
		const char *name;
		const char *value;
	} fields[WIRE_FIELDS_MAX];
};

/*
 * Append "name=value\n" to out. A value with CR, LF or NUL, and a name that is
 * not [a-z0-9_]{1,32}, is refused (ERR_PROTOCOL, code "value"); a full buffer
 * is ERR_PROTOCOL, code "size"; no memory is ERR_TEMPORARY, code "memory". 0 or
 * -1; on -1 out is not to be sent.
 */
int wire_put(
    struct buf *out, const char *name, const char *value, struct err *err);

/* The same for len bytes that may hold anything; NUL is found and refused. */
int wire_put_bytes(struct buf *out, const char *name, const char *value,
    size_t len, struct err *err);

int wire_put_int(
    struct buf *out, const char *name, long long value, struct err *err);

/* Close the block with the empty line. */
int wire_end(struct buf *out, struct err *err);

/*
 * Length of the first complete block in data, its closing empty line
 * included; 0 if it is not complete yet.
 */
size_t wire_complete(const char *data, size_t len);

/*
 * Cut one complete block (len from wire_complete) into fields, in place: the
 * names and values point into data and live as long as it. Of a repeated name
 * the block is refused, as is a CR, a NUL, a line without '=' or more than
 * WIRE_FIELDS_MAX lines (ERR_PROTOCOL). 0 or -1.
 */
int wire_parse(struct wire *wire, char *data, size_t len, struct err *err);

/* The value of a name, NULL if the block has none. */
const char *wire_get(const struct wire *wire, const char *name);

/*
 * A decimal value within min..max into *value; absent: left alone, 0.
 * Anything else: -1, ERR_PROTOCOL.
 */
int wire_get_int(const struct wire *wire, const char *name, long long min,
    long long max, long long *value, struct err *err);

/* Append the answer block of an error: status, kind, code, retry_ms, text. */
int wire_put_err(struct buf *out, const struct err *failure);

/*
 * Turn a parsed answer into an error value: 0 for status=ok, else -1 with *err
 * as the other side made it (or ERR_PROTOCOL when it is no answer at all).
 */
int wire_answer(const struct wire *wire, struct err *err);

#endif
