/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - see address.h.
 *
 * A list is read element by element. Of an element the words before the first
 * special character are collected once, both as a display name and as a local
 * part; the special character then tells which of the two they were.
 */
#include "address.h"

#include <string.h>

/* Words that turned out to be a local part; s->p stands on '@'. */
static int
read_spec(struct scan *s, const struct scan_words *w, struct address *a)
{
	if (s->p == s->end || *s->p != '@')
		return scan_fail(s, "a name without an address");
	if (w->not_local)
		return scan_fail(
		    s, "something that is no local part before '@'");
	if (w->quoted || w->spaced)
		s->flags |= SCAN_ODD;
	if (w->utf8)
		s->flags |= SCAN_UTF8;
	memcpy(a->local, w->local, w->local_len + 1);
	s->p++;
	return scan_domain(s, a->domain, &a->comment);
}

/* obs-route: "@a,@b:"; s->p stands on its first '@' or ','. */
static int
skip_route(struct scan *s)
{
	char domain[SCAN_DOMAIN_MAX + 1];

	s->flags |= SCAN_ODD;
	while (s->p < s->end && *s->p != ':') {
		if (*s->p == '@') {
			s->p++;
			if (scan_domain(s, domain, NULL) < 0)
				return -1;
			if (s->p < s->end && *s->p != ',' && *s->p != ':')
				return scan_fail(s, "a route that is none");
		} else if (*s->p == ',') {
			s->p++;
			if (scan_cfws(s, NULL) < 0)
				return -1;
		} else {
			return scan_fail(s, "a route that is none");
		}
	}
	if (s->p == s->end)
		return scan_fail(s, "a route without an address");
	s->p++;
	return scan_cfws(s, NULL);
}

/* "<...>"; s->p stands on '<'. */
static int
read_angle(struct scan *s, struct address *a)
{
	struct scan_words w;

	s->p++;
	if (scan_cfws(s, NULL) < 0)
		return -1;
	if (s->skipped)
		s->flags |= SCAN_ODD;
	if (s->p < s->end && (*s->p == '@' || *s->p == ',') &&
	    skip_route(s) < 0)
		return -1;
	if (scan_words(s, &w) < 0 || read_spec(s, &w, a) < 0)
		return -1;
	if (s->p == s->end || *s->p != '>')
		return scan_fail(s, "an address that does not end with '>'");
	if (s->skipped)
		s->flags |= SCAN_ODD;
	s->p++;
	/* A comment inside the brackets is no name. */
	memset(&a->comment, 0, sizeof(a->comment));
	return 0;
}

/* A mailbox, or the opening of a group (*in_group becomes 1). */
static int
read_element(struct scan *s, struct address_list *list, int *in_group)
{
	struct address spare, *a = &spare;
	struct scan_words w;

	if (list->count < ADDRESS_KEPT_MAX)
		a = &list->kept[list->count];
	memset(a, 0, sizeof(*a));
	if (scan_words(s, &w) < 0)
		return -1;
	if (s->p < s->end && *s->p == '<') {
		if (w.not_name)
			return scan_fail(
			    s, "a display name that begins with a dot");
		a->name = w.span;
		list->count++;
		return read_angle(s, a);
	}
	if (s->p < s->end && *s->p == ':') {
		if (*in_group || w.count == 0 || w.not_name)
			return scan_fail(s, "a colon where none belongs");
		s->p++;
		s->flags |= SCAN_ODD;
		list->groups++;
		*in_group = 1;
		return 0;
	}
	list->count++;
	return read_spec(s, &w, a);
}

static int
read_list(struct scan *s, struct address_list *list)
{
	int in_group = 0, want_comma = 0, opened;

	for (;;) {
		if (scan_cfws(s, NULL) < 0)
			return -1;
		if (s->p == s->end)
			break;
		if (*s->p == ',') {
			/* obs-mbox-list: an empty element. */
			if (!want_comma)
				s->flags |= SCAN_ODD;
			want_comma = 0;
			s->p++;
		} else if (*s->p == ';' && in_group) {
			in_group = 0;
			want_comma = 1;
			s->p++;
		} else if (want_comma) {
			return scan_fail(s, "text behind an address");
		} else {
			opened = in_group;
			if (read_element(s, list, &in_group) < 0)
				return -1;
			want_comma = in_group == opened;
		}
	}
	if (in_group)
		return scan_fail(s, "a group that is not closed");
	if (!want_comma)
		s->flags |= SCAN_ODD;
	if (list->count == 0)
		return scan_fail(s, list->groups > 0
					? "a group without an address"
					: "no address at all");
	return 0;
}

int
address_parse(const char *value, size_t len, struct address_list *list)
{
	struct scan s = {.p = value, .end = value + len};
	int rc;

	list->count = 0;
	list->groups = 0;
	rc = read_list(&s, list);
	list->flags = s.flags;
	list->problem = s.problem;
	return rc;
}

int
address_parse_path(const char *path, size_t len, struct address *address)
{
	struct scan s = {.p = path, .end = path + len};
	struct scan_words w;

	memset(address, 0, sizeof(*address));
	if (len >= 2 && path[0] == '<' && path[len - 1] == '>') {
		s.p++;
		s.end--;
	}
	if (s.p == s.end)
		return 0;
	if (*s.p == '@' && skip_route(&s) < 0)
		return -1;
	s.flags = 0;
	if (scan_words(&s, &w) < 0)
		return -1;
	/* A path has no blanks or comments; quotes are all right. */
	w.quoted = 0;
	if (read_spec(&s, &w, address) < 0 || s.p != s.end || s.skipped ||
	    (s.flags & SCAN_ODD))
		return -1;
	return 1;
}

static int
is_dot_atom(const char *local)
{
	const char *p;

	if (local[0] == '\0' || local[0] == '.')
		return 0;
	for (p = local; *p != '\0'; p++) {
		if (*p == '.' && (p[1] == '.' || p[1] == '\0'))
			return 0;
		if (*p != '.' && !scan_is_atext(*p) && (unsigned char)*p < 0x80)
			return 0;
	}
	return 1;
}

int
address_is_plain(const struct address *address)
{
	return is_dot_atom(address->local) &&
	       strstr(address->local, "=?") == NULL;
}

int
address_is_ascii(const struct address *address)
{
	const char *p;

	for (p = address->local; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return 0;
	for (p = address->domain; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return 0;
	return 1;
}

void
address_format(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
	int quote = !is_dot_atom(address->local);
	const char *p;
	char *out = text;

	if (quote)
		*out++ = '"';
	for (p = address->local; *p != '\0'; p++) {
		if (quote && (*p == '"' || *p == '\\'))
			*out++ = '\\';
		*out++ = *p;
	}
	if (quote)
		*out++ = '"';
	*out++ = '@';
	memcpy(out, address->domain, strlen(address->domain) + 1);
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

void
address_key(const struct address *address, char key[ADDRESS_TEXT_MAX])
{
	size_t len = strlen(address->local);

	memcpy(key, address->local, len);
	key[len] = '@';
	memcpy(key + len + 1, address->domain, strlen(address->domain) + 1);
	lower(key);
}

void
address_domain_key(const struct address *address, char key[ADDRESS_TEXT_MAX])
{
	key[0] = '@';
	memcpy(key + 1, address->domain, strlen(address->domain) + 1);
	lower(key);
}
