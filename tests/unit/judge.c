/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge - see judge.h.
 */
#include "judge.h"

#include <string.h>
#include <strings.h>

static int
is_atext(unsigned char c)
{
	return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where some readers begin a line. */
static int
has_bare_cr(const char *p, const char *end)
{
	while ((p = memchr(p, '\r', (size_t)(end - p))) != NULL)
		if (++p == end || *p != '\n')
			return 1;
	return 0;
}

/* Atoms and single dots between them; the end of it, NULL if there is none. */
static const char *
dot_atom(const char *p, const char *end)
{
	for (;;) {
		if (p == end || !is_atext((unsigned char)*p))
			return NULL;
		while (p < end && is_atext((unsigned char)*p))
			p++;
		if (p == end || *p != '.')
			return p;
		p++;
	}
}

/* local@domain from p to its end; NULL if it is none. */
static const char *
address(const char *p, const char *end)
{
	p = dot_atom(p, end);
	return p != NULL && p < end && *p == '@' ? dot_atom(p + 1, end) : NULL;
}

static int
is_allowed(const struct judge_rules *rules, const char *text, size_t len)
{
	const char *const *one;
	size_t domain = rules->domain != NULL ? strlen(rules->domain) : 0;

	for (one = rules->addresses; *one != NULL; one++)
		if (strlen(*one) == len && strncasecmp(*one, text, len) == 0)
			return 1;
	/* Not by the last '@', by the only one. */
	return domain > 0 && len > domain &&
	       strncasecmp(text + len - domain, rules->domain, domain) == 0 &&
	       memchr(text, '@', len) == text + len - domain;
}

/* Past the words of a display name: atoms, dots, closed quotations. */
static const char *
display_name(const char *p, const char *end)
{
	while (p < end && *p != '<') {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++)
				if (*p == '\\' && ++p == end)
					return NULL;
			if (p == end)
				return NULL;
		} else if (!is_white(*p) && *p != '.' &&
			   !is_atext((unsigned char)*p)) {
			return NULL;
		}
		p++;
	}
	return p;
}

static const char *
judge_bytes(const struct judge_rules *rules, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (!rules->utf8 && (unsigned char)*p >= 0x80)
			return "From is not ASCII";
		if ((unsigned char)*p < ' ' && !is_white(*p))
			return "From holds a control character";
	}
	return NULL;
}

/* "local@domain" or "words <local@domain>" and nothing else. */
static const char *
judge_mailbox(const struct judge_rules *rules, const char *p, const char *end)
{
	const char *q, *start;

	while (p < end && is_white(*p))
		p++;
	while (end > p && is_white(end[-1]))
		end--;
	if (address(p, end) == end)
		return is_allowed(rules, p, (size_t)(end - p))
			   ? NULL
			   : "a bare address in From that is not allowed";
	start = display_name(p, end);
	if (start == NULL || start == end)
		return "From is no name and address";
	q = address(++start, end);
	if (q == NULL || q + 1 != end || *q != '>')
		return "From does not end with <an address>";
	return is_allowed(rules, start, (size_t)(q - start))
		   ? NULL
		   : "an address in From that is not allowed";
}

static const char *
judge_from(const struct judge_rules *rules, const char *p, const char *end)
{
	const char *wrong = judge_bytes(rules, p, end);

	return wrong != NULL ? wrong : judge_mailbox(rules, p, end);
}

static int
named(const char *line, const char *end, const char *name)
{
	size_t n = strlen(name);
	const char *p = line + n;

	if ((size_t)(end - line) <= n || strncasecmp(line, name, n) != 0)
		return 0;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == ':';
}

/* Behind the field that begins at line: where no blank follows a line break. */
static const char *
field_end(const char *line, const char *end)
{
	const char *p = line;

	do {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p != NULL ? p + 1 : end;
	} while (p < end && (*p == ' ' || *p == '\t'));
	return p;
}

const char *
judge_block(const struct judge_rules *rules, const char *block, size_t len)
{
	static const char *const one_sender[] = {
	    "Sender", "Resent-From", "Resent-Sender"};
	const char *line, *next, *end = block + len, *colon, *wrong;
	size_t i, froms = 0;

	for (line = block; line < end; line = next) {
		next = field_end(line, end);
		if (has_bare_cr(line, next))
			return "a bare CR in the header";
		if (named(line, next, "Bcc") || named(line, next, "Resent-Bcc"))
			return "Bcc was left";
		if (named(line, next, "Return-Path"))
			return "Return-Path was left";
		colon = memchr(line, ':', (size_t)(next - line));
		for (i = 0; i < 3; i++)
			if (named(line, next, one_sender[i]) &&
			    judge_from(rules, colon + 1, next) != NULL)
				return "a Sender or Resent field is left";
		if (!named(line, next, "From"))
			continue;
		froms++;
		wrong = judge_from(rules, colon + 1, next);
		if (wrong != NULL)
			return wrong;
	}
	return froms == 1 ? NULL : "not exactly one From";
}

const char *
judge_envelope(const struct judge_rules *rules, const char *sender)
{
	size_t len = strlen(sender);

	if (len > 2 && sender[0] == '<' && sender[len - 1] == '>') {
		sender++;
		len -= 2;
	}
	return address(sender, sender + len) == sender + len &&
		       is_allowed(rules, sender, len)
		   ? NULL
		   : "the envelope sender is not allowed";
}
