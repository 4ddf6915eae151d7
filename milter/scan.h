/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SCAN_H
#define POSTOAK_SCAN_H

#include <stddef.h>

/*
 * scan - the words of RFC 5322 section 3.2 and of its obsolete forms (4.1),
 * with UTF-8 (RFC 6532): the layer below address. Pure; no allocation, no
 * recursion; every function moves forward or fails.
 */

#define SCAN_LOCAL_MAX 64     /* RFC 5321 4.5.3.1.1 */
#define SCAN_DOMAIN_MAX 255   /* RFC 5321 4.5.3.1.2 */
#define SCAN_COMMENT_DEPTH 32 /* deeper nesting is nobody's name */

enum {
	/* Valid, but written in a way that others may read differently:
	 * comments, routes, groups, quoted local parts, obsolete syntax. */
	SCAN_ODD = 1,
	/* A display name or a comment holds bytes that are not UTF-8. */
	SCAN_RAW8 = 2,
	/* An address is not ASCII: it needs SMTPUTF8. */
	SCAN_UTF8 = 4,
};

/* A part of the input; lives as long as it. */
struct scan_slice {
	const char *data;
	size_t len;
};

struct scan {
	const char *p;
	const char *end;
	unsigned flags;	     /* SCAN_ODD, ... */
	int skipped;	     /* the last scan_cfws passed over something */
	const char *problem; /* set by scan_fail */
};

/* Words in front of '@', '<' or ':'. */
struct scan_words {
	struct scan_slice span;		/* first to last word */
	char local[SCAN_LOCAL_MAX + 1]; /* as a local part, without quoting */
	size_t local_len;
	size_t count;  /* words and dots */
	int after_dot; /* the last one was a dot */
	int spaced;    /* blanks or comments between words and dots */
	int not_name;  /* cannot be a phrase */
	int not_local; /* cannot be a local part */
	int quoted;    /* a quoted string is among them */
	int utf8;
};

/* Note the problem (a literal) and return -1. */
int scan_fail(struct scan *s, const char *problem);

/*
 * Pass over blanks, folds and comments. If comment is not NULL, the inside of
 * the last comment goes there. 0 or -1.
 */
int scan_cfws(struct scan *s, struct scan_slice *comment);

/* Collect words up to the next of "@<>:;," or the end. 0 or -1. */
int scan_words(struct scan *s, struct scan_words *w);

/*
 * Read a domain or a domain literal in brackets into domain (SCAN_DOMAIN_MAX
 * + 1 bytes), and the blanks and comments behind it. 0 or -1.
 */
int scan_domain(struct scan *s, char *domain, struct scan_slice *comment);

/* Bytes of the valid UTF-8 sequence at data (1 for ASCII), 0 if it is none. */
size_t scan_utf8(const char *data, size_t len);

/* 1 if c may stand in an atom (RFC 5322 3.2.3, ASCII only). */
int scan_is_atext(char c);

#endif
