/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - see log.h.
 */
#define _GNU_SOURCE
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "utf8.h"

#define LINE_MAX_BYTES 2048
#define HEAD_MAX 128

static const char *program = "postoak";
static int on_stderr = 1;
/* Written by the control thread, read by all: a plain int would be a race. */
static _Atomic int max_level = LOG_LEVEL_INFO;

void
log_open(const char *ident, int to_stderr, enum log_level level)
{
	program = ident;
	on_stderr = to_stderr;
	max_level = (int)level;
	if (!to_stderr)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void
log_set_level(enum log_level level)
{
	max_level = (int)level;
}

/* Does a terminal or a log reader obey it? Also U+0080 to U+009F. */
static int
is_control(const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;

	return c < 0x20 || c == 0x7f ||
	       (len == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

/*
 * Whatever reached us from outside must not forge or break a log line: controls
 * and what is no UTF-8 are shown as \xNN.
 */
static void
escape(char *out, size_t size, const char *in)
{
	size_t used = 0;
	size_t len;

	for (; *in != '\0' && used + 5 < size; in += len) {
		len = utf8_length(in);
		if (len > 0 && !is_control(in, len)) {
			memcpy(out + used, in, len);
			used += len;
			continue;
		}
		len = 1;
		used += (size_t)snprintf(
		    out + used, 5, "\\x%02x", (unsigned char)*in);
	}
	out[used] = '\0';
}

/*
 * What a line to standard error begins with, made once a second by each thread
 * that writes. Returns its length.
 */
static size_t
put_head(char text[HEAD_MAX])
{
	static _Thread_local char head[HEAD_MAX];
	static _Thread_local time_t made;
	static _Thread_local size_t len;
	struct tm tm;
	time_t now = time(NULL);

	if (len == 0 || now != made) {
		localtime_r(&now, &tm);
		len = strftime(head, 32, "%Y-%m-%dT%H:%M:%S%z", &tm);
		len += (size_t)snprintf(head + len, sizeof(head) - len,
		    " %.64s[%d]: ", program, (int)getpid());
		made = now;
	}
	memcpy(text, head, len);
	return len;
}

static int
is_plain(const char *text)
{
	while (*text >= 0x20 && *text < 0x7f)
		text++;
	return *text == '\0';
}

static void
escape_line(char line[LINE_MAX_BYTES])
{
	char raw[LINE_MAX_BYTES];

	memcpy(raw, line, strlen(line) + 1);
	escape(line, LINE_MAX_BYTES, raw);
}

static void emit(int priority, const char *id, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
emit(int priority, const char *id, const char *fmt, va_list ap)
{
	char text[HEAD_MAX + LINE_MAX_BYTES + 1];
	size_t head = on_stderr ? put_head(text) : 0, used = 0;
	char *line = text + head;

	if (id != NULL)
		used = (size_t)snprintf(line, LINE_MAX_BYTES, "%.500s: ", id);
	(void)vsnprintf(line + used, LINE_MAX_BYTES - used, fmt, ap);
	/* Nearly all are. */
	if (!is_plain(line))
		escape_line(line);
	if (!on_stderr) {
		syslog(priority, "%s", line);
		return;
	}
	used = head + strlen(line);
	text[used++] = '\n';
	/* One write a line, so that threads do not mix theirs. */
	if (write(STDERR_FILENO, text, used) == -1)
		return;
}

void
log_warn(const char *id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_WARNING, id, fmt, ap);
	va_end(ap);
}

void
log_info(const char *id, const char *fmt, ...)
{
	va_list ap;

	if (max_level < LOG_LEVEL_INFO)
		return;
	va_start(ap, fmt);
	emit(LOG_INFO, id, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *id, const char *fmt, ...)
{
	va_list ap;

	if (max_level < LOG_LEVEL_DEBUG)
		return;
	va_start(ap, fmt);
	emit(LOG_DEBUG, id, fmt, ap);
	va_end(ap);
}

void
log_fatal(int exit_code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_ERR, NULL, fmt, ap);
	va_end(ap);
	if (!on_stderr) {
		/* Not only syslog: whoever starts us is to see why we end. */
		on_stderr = 1;
		va_start(ap, fmt);
		emit(LOG_ERR, NULL, fmt, ap);
		va_end(ap);
	}
	exit(exit_code);
}
