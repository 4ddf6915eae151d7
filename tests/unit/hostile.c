/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile - see hostile.h.
 *
 * A value is a list of pieces, mostly put together as a mailbox list should be
 * and then damaged in a few places: what is wrong everywhere deceives nobody.
 */
#include "hostile.h"

#include <string.h>

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {"From", "From", "From", "FROM", "from",
    "From ", "From\t ", "fRoM", "Sender", "sender ", "Reply-To", "Resent-From",
    "Resent-Sender", "X-Original-From", "Auto-Submitted", "Content-Type",
    "X-Postoak-Trace", "DKIM-Signature", "Bcc", "Resent-Bcc", "Return-Path",
    "Subject", "To", "X-From", "Fromm", "Fr", "F\xd1\x80om", "From.",
    "Apparently-From", "Received"};

static const char *const addresses[] = {"relay@contoso.com",
    "sales@contoso.com", "Any.One@alias.contoso.com", "evil@example.com",
    "boss@contoso.com", "RELAY@CONTOSO.COM",
    "\"relay@contoso.com\"@example.com",
    "\"evil@example.com,\"@alias.contoso.com", "evil@[192.0.2.1]",
    "\"a b\"@alias.contoso.com", "=?utf-8?q?a=40b?=@alias.contoso.com",
    "j\xc3\xbc@alias.contoso.com", "x@alias.contoso.com.example.com", "root",
    "relay@contoso.com@example.com", "relay@contoso.com.", "@alias.contoso.com",
    "relay%example.com@contoso.com", "evil@example.com\\@alias.contoso.com",
    "@example.com:relay@contoso.com", "relay(evil@example.com)@contoso.com",
    "a@xn--alias.contoso.com", "relay@contoso\357\274\216com"};

static const char *const words[] = {"Ann", "Other", "J.", "\"Other, Ann\"",
    "\"\\\"x\\\" <evil@example.com>\"", "relay@contoso.com", "evil@example.com",
    "\"relay@contoso.com\"", "=?utf-8?q?J=C3=BCrgen?=",
    "=?utf-8?b?PGV2aWxAZXhhbXBsZS5jb20+?=", "=?utf-8?q?=3Cevil=40x=2Ey=3E?=",
    "=?iso-2022-jp?b?GyRCPCsbKEI8eEB5Pg==?=", "=?shift_jis?b?g1w8eEB5Pg==?=",
    "=?utf-7?q?+ADw-x+AEA-y+AD4-?=", "=?utf-8?q?a_b?=", "=?utf-8?x?y?=",
    "=?us-ascii?q?=0AFrom=3A_evil=40example=2Ecom?=", "M\xc3\xbcller",
    "M\xfcller", "\xc0\xbc", "(comment)", "(nested (one) \\))", "(evil@x.y",
    "\"unclosed",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\357\274\234evil\357\274\240x"};

static const char *const damage[] = {"<", ">", "(", ")", "\"", "\\", ",", ":",
    ";", "@", ".", "[", "]", " ", "\t", "\n ", "\n\t", "\r\n ", "\r", "\n",
    "\001", "\177", "=?", "?=", "\xff", "\xc3", "%", "\n \n ", "<>", "@@",
    "::", " <evil@example.com>", ", evil@example.com", "evil@example.com "};

static const char *const others[] = {"x", "no", "auto-replied",
    "auto-generated (x)", "multipart/report; report-type=delivery-status",
    "v=1; h=From:To; b=x", "v=1; h=To; b=x", "garbage", "", "relay@contoso.com",
    "\n \n", "x\rFrom: evil@example.com", "x\nFrom: evil@example.com"};

/* SplitMix64: any number is a good state. */
static uint64_t
next(struct hostile *h)
{
	uint64_t z = (h->state += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

size_t
hostile_below(struct hostile *hostile, size_t n)
{
	return (size_t)(next(hostile) % n);
}

#define PICK(h, list) list[hostile_below(h, N_OF(list))]

static void
put(struct hostile *h, const char *text)
{
	size_t len = strlen(text);

	if (h->used + len + 2 > sizeof(h->bytes))
		return;
	memcpy(h->bytes + h->used, text, len);
	h->used += len;
}

/* What may stand between two words. */
static void
gap(struct hostile *h)
{
	static const char *const gaps[] = {
	    " ", " ", " ", "", "  ", "\t", "\n ", "\r\n\t", " (c) "};

	put(h, PICK(h, gaps));
}

static void
mailbox(struct hostile *h)
{
	size_t n = hostile_below(h, 4);
	int angle = n > 0 || hostile_below(h, 2);

	while (n-- > 0) {
		put(h, PICK(h, words));
		gap(h);
	}
	put(h, angle ? "<" : "");
	put(h, PICK(h, addresses));
	put(h, angle ? ">" : "");
	if (hostile_below(h, 8) == 0) {
		gap(h);
		put(h, PICK(h, words));
	}
}

static void
mailboxes(struct hostile *h)
{
	size_t n = hostile_below(h, 8) == 0 ? hostile_below(h, 20) : 1;
	int group = hostile_below(h, 16) == 0;

	put(h, group ? "Team:" : "");
	while (n-- > 0) {
		mailbox(h);
		if (n > 0)
			put(h, hostile_below(h, 8) > 0 ? "," : ";");
		gap(h);
	}
	put(h, group ? ";" : "");
}

/* Change some bytes of the value that begins at start. */
static void
damaged(struct hostile *h, size_t start)
{
	size_t n = hostile_below(h, 4), at, len;
	const char *bit;

	for (; n > 0 && h->used > start; n--) {
		at = start + hostile_below(h, h->used - start);
		if (hostile_below(h, 3) == 0) {
			memmove(
			    h->bytes + at, h->bytes + at + 1, h->used - at - 1);
			h->used--;
			continue;
		}
		bit = PICK(h, damage);
		len = strlen(bit);
		if (h->used + len + 2 > sizeof(h->bytes))
			return;
		memmove(h->bytes + at + len, h->bytes + at, h->used - at);
		memcpy(h->bytes + at, bit, len);
		h->used += len;
	}
}

/* Now and then far more than anybody reads. */
static void
enormous(struct hostile *h)
{
	static const char *const fill[] = {" ", "x", "(", "\n ",
	    "a@b.example, ", "\"", "\\", "=?utf-8?q?x?= "};
	const char *bit = PICK(h, fill);
	size_t n = hostile_below(h, 60000) / strlen(bit);

	while (n-- > 0)
		put(h, bit);
}

static void
value(struct hostile *h, const char *name)
{
	static const char *const blanks[] = {"", "", "", " ", "\t", "\n "};
	size_t start = h->used;
	int sender = strchr("FfSsR", name[0]) != NULL &&
		     strncmp(name, "Subject", 7) != 0;

	h->fields[h->count].value = h->bytes + start;
	put(h, PICK(h, blanks));
	if (sender || hostile_below(h, 3) == 0)
		mailboxes(h);
	else
		put(h, PICK(h, others));
	if (hostile_below(h, 2000) == 0)
		enormous(h);
	if (sender && hostile_below(h, 2) == 0)
		damaged(h, start);
	h->bytes[h->used++] = '\0';
}

/* The envelope sender, made like a field and taken off again. */
static void
envelope(struct hostile *h)
{
	size_t start = h->used, n;

	put(h, hostile_below(h, 8) > 0 ? "<" : "");
	if (hostile_below(h, 8) > 0)
		put(h, PICK(h, addresses));
	put(h, hostile_below(h, 8) > 0 ? ">" : "");
	n = h->used - start;
	if (n >= sizeof(h->sender))
		n = 0;
	memcpy(h->sender, h->bytes + start, n);
	h->sender[n] = '\0';
	h->used = start;
}

/* Only the words in From are odd, if anything: some have to pass untouched. */
static void
tame(struct hostile *h)
{
	h->fields[0].name = "From";
	h->fields[0].value = h->bytes + h->used;
	if (hostile_below(h, 2) == 0) {
		put(h, PICK(h, words));
		gap(h);
		put(h, PICK(h, words));
		gap(h);
	}
	put(h, "<");
	put(h, addresses[hostile_below(h, 3)]);
	put(h, ">");
	h->bytes[h->used++] = '\0';
	h->count = 1;
	strcpy(h->sender, "<relay@contoso.com>");
}

void
hostile_make(struct hostile *hostile, uint64_t number)
{
	size_t n;

	hostile->state = number * 0x2545f4914f6cdd1dU + 1;
	hostile->count = 0;
	hostile->used = 0;
	hostile->utf8 = hostile_below(hostile, 4) == 0;
	if (hostile_below(hostile, 10) == 0) {
		tame(hostile);
		return;
	}
	n = hostile_below(hostile, 500) == 0 ? 90 + hostile_below(hostile, 120)
					     : hostile_below(hostile, 7);
	while (n-- > 0) {
		hostile->fields[hostile->count].name = PICK(hostile, names);
		value(hostile, hostile->fields[hostile->count].name);
		hostile->count++;
	}
	envelope(hostile);
}
