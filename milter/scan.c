/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan - see scan.h.
 */
#include "scan.h"

#include <string.h>

int
scan_fail(struct scan *s, const char *problem)
{
	s->problem = problem;
	return -1;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int
scan_is_atext(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		return 1;
	return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above 10FFFF. */
static int
second_byte_fits(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return 1;
	}
}

size_t
scan_utf8(const char *data, size_t len)
{
	const unsigned char *b = (const unsigned char *)data;
	size_t need, i;

	if (len == 0)
		return 0;
	if (b[0] < 0x80)
		return 1;
	need = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
	if (b[0] < 0xc2 || b[0] > 0xf4 || need > len)
		return 0;
	for (i = 1; i < need; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	return second_byte_fits(b[0], b[1]) ? need : 0;
}

/* Pass over one folding line break; s->p stands on CR or LF. */
static int
skip_fold(struct scan *s)
{
	const char *p = s->p;

	if (*p == '\r')
		p++;
	if (p == s->end || *p != '\n')
		return scan_fail(s, "a bare carriage return");
	p++;
	if (p == s->end || !is_blank(*p))
		return scan_fail(s, "a bare line break");
	s->p = p;
	return 0;
}

/*
 * Length of the plain character at s->p inside quotes or comments, 0 after
 * scan_fail(). Bytes that are no UTF-8 are noted: old software writes names so.
 */
static size_t
text_length(struct scan *s)
{
	unsigned char c = (unsigned char)*s->p;
	size_t len;

	if (c < 0x20 && c != '\t') {
		(void)scan_fail(s, "a control character");
		return 0;
	}
	if (c == 0x7f) {
		(void)scan_fail(s, "a control character");
		return 0;
	}
	len = scan_utf8(s->p, (size_t)(s->end - s->p));
	if (len == 0) {
		s->flags |= SCAN_RAW8;
		len = 1;
	}
	return len;
}

/* s->p stands on '('. *inside is set to what the parentheses hold. */
static int
skip_comment(struct scan *s, struct scan_slice *inside)
{
	int depth = 0;
	size_t len;

	inside->data = s->p + 1;
	s->flags |= SCAN_ODD;
	while (s->p < s->end) {
		char c = *s->p;

		if (c == '\r' || c == '\n') {
			if (skip_fold(s) < 0)
				return -1;
			continue;
		}
		if (c == '(' && ++depth > SCAN_COMMENT_DEPTH)
			return scan_fail(s, "comments nested too deeply");
		if (c == ')' && --depth == 0) {
			inside->len = (size_t)(s->p - inside->data);
			s->p++;
			return 0;
		}
		if (c == '\\' && ++s->p == s->end)
			break;
		len = text_length(s);
		if (len == 0)
			return -1;
		s->p += len;
	}
	return scan_fail(s, "a comment that is not closed");
}

/* Pass over blanks, folds and comments; the last comment goes to *comment. */
int
scan_cfws(struct scan *s, struct scan_slice *comment)
{
	const char *start = s->p;
	struct scan_slice inside;

	while (s->p < s->end) {
		if (is_blank(*s->p)) {
			s->p++;
		} else if (*s->p == '\r' || *s->p == '\n') {
			if (skip_fold(s) < 0)
				return -1;
		} else if (*s->p == '(') {
			if (skip_comment(s, &inside) < 0)
				return -1;
			if (comment != NULL)
				*comment = inside;
		} else {
			break;
		}
	}
	s->skipped = s->p > start;
	return 0;
}

static void
local_add(struct scan_words *w, const char *data, size_t len)
{
	if (w->local_len + len > SCAN_LOCAL_MAX) {
		w->not_local = 1;
		return;
	}
	memcpy(w->local + w->local_len, data, len);
	w->local_len += len;
	w->local[w->local_len] = '\0';
}

/* One character of a word: into the local part, as far as it may be there. */
static void
word_char(struct scan *s, struct scan_words *w)
{
	size_t len = scan_utf8(s->p, (size_t)(s->end - s->p));

	if (len == 0) {
		s->flags |= SCAN_RAW8;
		w->not_local = 1;
		len = 1;
	} else if (len > 1) {
		w->utf8 = 1;
	}
	local_add(w, s->p, len);
	s->p += len;
}

static int
read_atom(struct scan *s, struct scan_words *w)
{
	const char *start = s->p;

	while (s->p < s->end &&
	       (scan_is_atext(*s->p) || (unsigned char)*s->p >= 0x80))
		word_char(s, w);
	if (s->p == start)
		return scan_fail(s, "a character that belongs into quotes");
	return 0;
}

/* s->p stands on the opening quote. */
static int
read_quoted(struct scan *s, struct scan_words *w)
{
	w->quoted = 1;
	s->p++;
	while (s->p < s->end && *s->p != '"') {
		if (*s->p == '\r' || *s->p == '\n') {
			/* A name may be folded; a local part has no reason. */
			w->not_local = 1;
			if (skip_fold(s) < 0)
				return -1;
			continue;
		}
		if (*s->p == '\\' && ++s->p == s->end)
			break;
		if (text_length(s) == 0)
			return -1;
		word_char(s, w);
	}
	if (s->p == s->end)
		return scan_fail(s, "a quotation that is not closed");
	s->p++;
	return 0;
}

/* Take one word or dot into *w; "gap": something was skipped before it. */
static int
read_word(struct scan *s, struct scan_words *w, int gap)
{
	int dot = *s->p == '.';

	if (w->count > 0 && gap)
		w->spaced = 1;
	if (dot) {
		/* obs-phrase has dots, but begins with a word. */
		w->not_name |= w->count == 0;
		w->not_local |= w->count == 0 || w->after_dot;
		local_add(w, ".", 1);
		s->p++;
	} else {
		w->not_local |= w->count > 0 && !w->after_dot;
		if ((*s->p == '"' ? read_quoted(s, w) : read_atom(s, w)) < 0)
			return -1;
	}
	w->after_dot = dot;
	w->count++;
	return 0;
}

/* Collect words up to the next special character, which s->p is left on. */
int
scan_words(struct scan *s, struct scan_words *w)
{
	const char *start = s->p;

	memset(w, 0, sizeof(*w));
	w->span.data = start;
	s->skipped = 0;
	while (s->p < s->end && strchr("@<>:;,", *s->p) == NULL) {
		if (read_word(s, w, s->skipped) < 0)
			return -1;
		w->span.len = (size_t)(s->p - start);
		if (scan_cfws(s, NULL) < 0)
			return -1;
	}
	w->not_local |= w->local_len == 0 || w->after_dot;
	/* Strictly these blanks are allowed; nobody writes them in earnest. */
	w->spaced |= s->skipped;
	return 0;
}

static int
domain_add(struct scan *s, char *domain, size_t *used, size_t len)
{
	if (*used + len > SCAN_DOMAIN_MAX)
		return scan_fail(s, "a domain that is too long");
	memcpy(domain + *used, s->p, len);
	*used += len;
	domain[*used] = '\0';
	s->p += len;
	return 0;
}

/* "[192.0.2.1]"; s->p stands on '['. */
static int
read_literal(struct scan *s, char *domain)
{
	size_t used = 0;

	do {
		if (s->p == s->end || *s->p <= ' ' || *s->p >= 0x7f ||
		    *s->p == '\\' || (*s->p == '[' && used > 0))
			return scan_fail(s, "a domain literal that is none");
		if (domain_add(s, domain, &used, 1) < 0)
			return -1;
	} while (domain[used - 1] != ']');
	return 0;
}

static int
read_label(struct scan *s, char *domain, size_t *used)
{
	size_t before = *used;

	while (s->p < s->end) {
		size_t len = scan_utf8(s->p, (size_t)(s->end - s->p));

		if (len == 1 && !scan_is_atext(*s->p))
			break;
		if (len == 0)
			return scan_fail(s, "a domain that is not UTF-8");
		if (len > 1)
			s->flags |= SCAN_UTF8;
		if (domain_add(s, domain, used, len) < 0)
			return -1;
	}
	if (*used == before)
		return scan_fail(s, "an incomplete domain");
	return 0;
}

/* What follows '@', with the blanks and comments behind it. */
static int
skip_odd(struct scan *s, struct scan_slice *comment)
{
	if (scan_cfws(s, comment) < 0)
		return -1;
	if (s->skipped)
		s->flags |= SCAN_ODD;
	return 0;
}

int
scan_domain(struct scan *s, char *domain, struct scan_slice *comment)
{
	size_t used = 0;

	domain[0] = '\0';
	if (skip_odd(s, NULL) < 0)
		return -1;
	if (s->p < s->end && *s->p == '[') {
		if (read_literal(s, domain) < 0)
			return -1;
		return scan_cfws(s, comment);
	}
	for (;;) {
		if (read_label(s, domain, &used) < 0)
			return -1;
		if (scan_cfws(s, comment) < 0)
			return -1;
		if (s->p == s->end || *s->p != '.')
			return 0;
		if (s->skipped)
			s->flags |= SCAN_ODD;
		if (domain_add(s, domain, &used, 1) < 0 ||
		    skip_odd(s, comment) < 0)
			return -1;
	}
}
