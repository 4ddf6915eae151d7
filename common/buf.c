/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - bounded byte buffer. See buf.h.
 */
#define _GNU_SOURCE
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_init(struct buf *buf, size_t max)
{
	memset(buf, 0, sizeof(*buf));
	buf->max = max;
}

void
buf_clear(struct buf *buf)
{
	size_t max = buf->max;

	if (buf->data != NULL) {
		explicit_bzero(buf->data, buf->size);
		free(buf->data);
	}
	buf_init(buf, max);
}

static int
refuse(struct buf *buf, int errnum)
{
	buf->truncated = 1;
	errno = errnum;
	return -1;
}

/*
 * Room for len more bytes and the NUL. realloc is not used: it would leave a
 * copy of the old bytes behind.
 */
static int
grow(struct buf *buf, size_t len)
{
	size_t size = buf->size > 0 ? buf->size : 64;
	char *data;

	if (len > buf->max - buf->len)
		return refuse(buf, EMSGSIZE);
	/* Nobody has that much; doubling must not overflow. */
	if (buf->len + len > SIZE_MAX / 4)
		return refuse(buf, ENOMEM);
	if (buf->len + len + 1 <= buf->size)
		return 0;
	while (size < buf->len + len + 1)
		size *= 2;
	data = malloc(size);
	if (data == NULL)
		return refuse(buf, ENOMEM);
	if (buf->data != NULL) {
		memcpy(data, buf->data, buf->len);
		explicit_bzero(buf->data, buf->size);
		free(buf->data);
	}
	buf->data = data;
	buf->size = size;
	return 0;
}

int
buf_add(struct buf *buf, const void *data, size_t len)
{
	if (grow(buf, len) == -1)
		return -1;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf_commit(buf, len);
	return 0;
}

int
buf_adds(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

int
buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return refuse(buf, EINVAL);
	if (grow(buf, (size_t)len) == -1)
		return -1;
	va_start(ap, fmt);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	buf_commit(buf, (size_t)len);
	return 0;
}

void
buf_drop(struct buf *buf, size_t len)
{
	size_t rest;

	if (buf->data == NULL || len == 0)
		return;
	if (len > buf->len)
		len = buf->len;
	rest = buf->len - len;
	memmove(buf->data, buf->data + len, rest);
	explicit_bzero(buf->data + rest, len);
	buf->len = rest;
}

char *
buf_reserve(struct buf *buf, size_t len)
{
	if (grow(buf, len) == -1)
		return NULL;
	return buf->data + buf->len;
}

void
buf_commit(struct buf *buf, size_t len)
{
	buf->len += len;
	buf->data[buf->len] = '\0';
}

char *
buf_take(struct buf *buf)
{
	char *data;

	if (grow(buf, 0) == -1)
		return NULL;
	buf->data[buf->len] = '\0';
	data = buf->data;
	buf->data = NULL;
	buf_clear(buf);
	return data;
}
