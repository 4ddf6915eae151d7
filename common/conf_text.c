/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_text - what stands between a file and libconfuse. See conf_text.h.
 *
 * libconfuse 3.3 loses count of lines at comments, lets a string run over any
 * number of lines, puts environment variables into strings, and drops
 * characters it does not know. A configuration must mean what it looks like.
 */
#include "conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "utf8.h"

#define FILE_MAX_BYTES (256L * 1024 * 1024)
#define WORD_ENDS " \t\r\n#\"'={}()+,*"

/* --- reading ------------------------------------------------------------- */

static int
read_all(int fd, struct conf_text *text, size_t guess)
{
	size_t size = guess + 1;
	ssize_t n;

	text->data = mem_grow(NULL, size + 1, 1);
	for (;;) {
		n = read(fd, text->data + text->len, size - text->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			text->data[text->len] = '\0';
			return (int)n;
		}
		text->len += (size_t)n;
		if (text->len == size) {
			size *= 2;
			text->data = mem_grow(text->data, size + 1, 1);
		}
	}
}

static int
is_readable(const struct stat *st, const char *path, struct err *err)
{
	if (S_ISDIR(st->st_mode))
		return err_set(err, ERR_CONFIG, "file",
		    "%s: is a directory; name the file itself", path);
	if (!S_ISREG(st->st_mode))
		return err_set(
		    err, ERR_CONFIG, "file", "%s: is not a regular file", path);
	if (st->st_size > FILE_MAX_BYTES)
		return err_set(err, ERR_CONFIG, "file",
		    "%s: is larger than %ld MB; is it a configuration?", path,
		    FILE_MAX_BYTES >> 20);
	return 0;
}

int
conf_text_read(struct conf_text *text, const char *path, struct err *err)
{
	struct stat st;
	int ret = -1;
	/* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	memset(text, 0, sizeof(*text));
	if (fd == -1 || fstat(fd, &st) == -1)
		err_errno(err, ERR_CONFIG, errno, "%s: cannot be read", path);
	else if (is_readable(&st, path, err) == -1)
		;
	else if (read_all(fd, text, (size_t)st.st_size) == -1)
		err_errno(err, ERR_CONFIG, errno, "%s: cannot be read", path);
	else
		ret = 0;
	if (fd != -1)
		close(fd);
	return ret;
}

void
conf_text_clear(struct conf_text *text)
{
	free(text->data);
	free(text->section_lines);
	memset(text, 0, sizeof(*text));
}

int
conf_text_is_value(const char *value)
{
	const char *p;
	size_t len;

	for (p = value; *p != '\0'; p += len) {
		len = utf8_length(p);
		if (len == 0 || (unsigned char)*p < 0x20 || *p == 0x7f)
			return 0;
	}
	/* Quoting may double it. */
	return strstr(value, "${") == NULL && p - value < CONF_VALUE_MAX / 2;
}

/* --- making plain -------------------------------------------------------- */

struct walk {
	struct conf_text *text;
	const char *path;
	struct err *err;
	char *p;
	int line;
	int depth;     /* of braces */
	int word_line; /* of the last bare word outside of all braces */
};

static int
refuse(const struct walk *walk, const char *what)
{
	return err_set(walk->err, ERR_CONFIG, "syntax", "%s:%d: %s", walk->path,
	    walk->line, what);
}

/* Bytes that may stand nowhere, neither in values nor in comments. */
static int
check_bytes(struct walk *walk)
{
	const char *p = walk->text->data;
	const char *end = p + walk->text->len;
	size_t len;

	for (walk->line = 1; p < end; p += len) {
		unsigned char c = (unsigned char)*p;

		len = utf8_length(p);
		if (c == '\0')
			return refuse(
			    walk, "a NUL byte; this is not a text file");
		if (len == 0)
			return refuse(walk,
			    "a byte that is not UTF-8; save the file as UTF-8");
		if ((c < 0x20 && strchr("\t\n\r", c) == NULL) || c == 0x7f)
			return refuse(walk, "a control character; delete it");
		if (c == '\r' && p[1] != '\n')
			return refuse(walk,
			    "a carriage return inside of a line; delete it");
		if (c == '\n')
			walk->line++;
	}
	walk->line = 1;
	return 0;
}

static void
blank_line_comment(struct walk *walk)
{
	for (; *walk->p != '\0' && *walk->p != '\n'; walk->p++)
		*walk->p = ' ';
}

static int
blank_block_comment(struct walk *walk)
{
	int first_line = walk->line;

	/* The "*" that begins it does not end it as well. */
	memset(walk->p, ' ', 2);
	walk->p += 2;
	for (; strncmp(walk->p, "*/", 2) != 0; walk->p++) {
		if (*walk->p == '\0') {
			walk->line = first_line;
			return refuse(walk,
			    "a comment begins here that is not closed; write "
			    "*/ where it ends");
		}
		if (*walk->p == '\n')
			walk->line++;
		else
			*walk->p = ' ';
	}
	memset(walk->p, ' ', 2);
	walk->p += 2;
	return 0;
}

static int
check_string(struct walk *walk)
{
	char quote = *walk->p;
	const char *start = ++walk->p;

	for (; *walk->p != quote; walk->p++) {
		if (*walk->p == '\0' || *walk->p == '\n')
			return refuse(walk,
			    "a string is not closed on its line; write the "
			    "missing quote");
		if (strncmp(walk->p, "${", 2) == 0)
			return refuse(walk,
			    "${...}: environment variables are not put in; "
			    "write the value itself");
		if (*walk->p == '\\') {
			if (strchr("\\\"'", walk->p[1]) == NULL)
				return refuse(walk,
				    "a backslash stands before \\ and quotes "
				    "only; write \\\\ for one backslash");
			if (walk->p[1] != '\0')
				walk->p++;
		}
		if (walk->p - start >= CONF_VALUE_MAX)
			return refuse(walk,
			    "a value is longer than 4096 bytes; no option "
			    "takes such a value");
	}
	walk->p++;
	return 0;
}

static void
open_section(struct walk *walk)
{
	struct conf_text *text = walk->text;
	size_t n = text->section_count;

	/* Grow at each power of two. */
	if ((n & (n - 1)) == 0)
		text->section_lines = mem_grow(text->section_lines,
		    n > 0 ? n * 2 : 1, sizeof(*text->section_lines));
	text->section_lines[text->section_count++] =
	    walk->word_line > 0 ? walk->word_line : walk->line;
}

static void
skip_blanks(struct walk *walk)
{
	walk->p += strspn(walk->p, " \t");
}

/*
 * "(file)" behind include. libconfuse leaks the arguments of a call that is
 * not well formed.
 */
static int
check_include(struct walk *walk)
{
	const char *start;

	skip_blanks(walk);
	if (*walk->p != '(')
		return walk->depth > 0
			   ? 0
			   : refuse(walk, "write include(\"file\")");
	if (walk->depth > 0)
		return refuse(walk,
		    "include stands inside of a section; put it outside of all "
		    "sections");
	walk->p++;
	skip_blanks(walk);
	start = walk->p;
	if (*walk->p == '"' || *walk->p == '\'') {
		if (check_string(walk) == -1)
			return -1;
	} else {
		walk->p += strcspn(walk->p, WORD_ENDS);
	}
	if (walk->p == start)
		return refuse(walk, "write include(\"file\")");
	skip_blanks(walk);
	if (*walk->p != ')')
		return refuse(walk, "write include(\"file\")");
	walk->p++;
	return 0;
}

/* U+2018 to U+201F, as text processors put them in. */
static int
has_typographic_quote(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i + 2 < len; i++)
		if (memcmp(p + i, "\xe2\x80", 2) == 0 &&
		    (unsigned char)p[i + 2] >= 0x98 &&
		    (unsigned char)p[i + 2] <= 0x9f)
			return 1;
	return 0;
}

static int
check_word(struct walk *walk)
{
	size_t len = strcspn(walk->p, WORD_ENDS);

	if (*walk->p == '$')
		return refuse(walk,
		    "${...}: environment variables are not put in; write the "
		    "value itself");
	if (len > CONF_VALUE_MAX)
		return refuse(walk,
		    "a value is longer than 4096 bytes; no option takes such "
		    "a value");
	if (memchr(walk->p, ';', len) != NULL)
		return refuse(walk,
		    "a semicolon; lines do not end with one here, delete it");
	if (has_typographic_quote(walk->p, len))
		return refuse(
		    walk, "a typographic quotation mark; write a plain \"");
	if (walk->depth == 0)
		walk->word_line = walk->line;
	walk->p += len;
	if (len == strlen("include") &&
	    strncmp(walk->p - len, "include", len) == 0)
		return check_include(walk);
	return 0;
}

static int
check_punctuation(struct walk *walk)
{
	switch (*walk->p) {
	case '(':
	case ')':
		return refuse(walk,
		    "parentheses have no meaning here; put the value into "
		    "quotes");
	case '+':
		return refuse(walk,
		    "\"+\" has no meaning here; write a list once, whole, "
		    "with \"=\"");
	case '*':
		return refuse(walk,
		    "\"*\" has no meaning here; put the value into quotes");
	case '{':
		if (walk->depth++ == 0)
			open_section(walk);
		break;
	case '}':
		/* One too many is libconfuse's to report. */
		walk->depth -= walk->depth > 0;
		walk->word_line = 0;
		break;
	case '\n':
		walk->line++;
		break;
	default:
		break;
	}
	walk->p++;
	return 0;
}

static int
next_token(struct walk *walk)
{
	char *p = walk->p;

	if (*p == '#' || strncmp(p, "//", 2) == 0) {
		blank_line_comment(walk);
		return 0;
	}
	if (strncmp(p, "/*", 2) == 0)
		return blank_block_comment(walk);
	if (*p == '"' || *p == '\'')
		return check_string(walk);
	if (strchr(WORD_ENDS, *p) == NULL)
		return check_word(walk);
	return check_punctuation(walk);
}

int
conf_text_plain(struct conf_text *text, const char *path, struct err *err)
{
	struct walk walk = {
	    .text = text, .path = path, .err = err, .p = text->data};

	if (check_bytes(&walk) == -1)
		return -1;
	/* An editor's byte order mark is no option's name. */
	if (strncmp(walk.p, "\xef\xbb\xbf", 3) == 0)
		memset(walk.p, ' ', 3);
	while (*walk.p != '\0')
		if (next_token(&walk) == -1)
			return -1;
	if (walk.depth > 0)
		return err_set(err, ERR_CONFIG, "syntax",
		    "%s:%d: the section that begins here is not closed; write "
		    "} where it ends",
		    path, text->section_lines[text->section_count - 1]);
	return 0;
}
