/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover - see handover.h.
 */
#include "handover.h"

#include <string.h>

#include "handover_line.h"
#include "handover_title.h"

#define DEPTH_MAX 20 /* a mail quoted so often is read by nobody */

enum kind { KIND_TEXT, KIND_SECRET, KIND_LINK };

static const struct {
	const char *title;
	enum kind kind;
} fields[HANDOVER_FIELDS] = {
    [HANDOVER_CLIENT_SECRET] = {"Modern Auth Client Secret", KIND_TEXT},
    [HANDOVER_CLIENT_ID] = {"Modern Auth Client ID", KIND_TEXT},
    [HANDOVER_TENANT_ID] = {"Modern Auth Tenant ID", KIND_TEXT},
    [HANDOVER_AUTHORIZATION_ENDPOINT] = {"Modern Auth Authorization Endpoint",
	KIND_LINK},
    [HANDOVER_TOKEN_ENDPOINT] = {"Modern Auth Token Endpoint", KIND_LINK},
    [HANDOVER_FROM_ACCOUNT] = {"From Account", KIND_LINK},
    [HANDOVER_USER] = {"User", KIND_LINK},
    [HANDOVER_PASSWORD] = {"Password", KIND_SECRET},
    [HANDOVER_SECRET_ID] = {"Secret ID", KIND_TEXT},
    [HANDOVER_OBJECT_ID] = {"Object ID", KIND_TEXT},
    [HANDOVER_SECRET_EXPIRES] = {"Client Secret Expires", KIND_TEXT},
    [HANDOVER_GRANT] = {"Grant", KIND_TEXT},
    [HANDOVER_SERVER] = {"SMTP Server", KIND_LINK},
    [HANDOVER_PROXY] = {"Proxy", KIND_LINK},
    [HANDOVER_CA_FILE] = {"CA File", KIND_TEXT},
    [HANDOVER_PROTOCOL] = {"Protocol", KIND_TEXT},
};

/* One text while it is read. */
struct reading {
	struct handover *to;
	const char *next; /* line */
	int number;	  /* of the line before it */
};

void
handover_init(struct handover *handover)
{
	size_t i;

	memset(handover, 0, sizeof(*handover));
	for (i = 0; i < HANDOVER_FIELDS; i++)
		buf_init(&handover->value[i], HANDOVER_VALUE_MAX);
	buf_init(&handover->problems, HANDOVER_PROBLEMS_MAX);
}

void
handover_clear(struct handover *handover)
{
	size_t i;

	for (i = 0; i < HANDOVER_FIELDS; i++)
		buf_clear(&handover->value[i]);
	buf_clear(&handover->problems);
}

const char *
handover_get(const struct handover *handover, enum handover_field field)
{
	return handover->line[field] != 0 ? handover->value[field].data : NULL;
}

const char *
handover_title(enum handover_field field)
{
	return fields[field].title;
}

/* --- lines ---------------------------------------------------------------- */

/* 0 at the end of the text. depth: at most so many marks are taken away. */
static int
read_line(struct reading *reading, int depth, struct handover_line *line)
{
	const char *end;

	if (*reading->next == '\0')
		return 0;
	end = reading->next + strcspn(reading->next, "\n");
	line->depth = depth;
	line->begin = handover_unquote(reading->next, end, &line->depth);
	line->end = end;
	line->number = ++reading->number;
	reading->next = end + (*end == '\n');
	return 1;
}

/* Emphasis around the title that closes behind the colon: "**ID:** value". */
static const char *
skip_emphasis(const struct handover_line *line, const char *rest)
{
	const char *title = handover_skip_marks(line->begin, line->end);

	while (title > line->begin && rest < line->end && title[-1] == *rest &&
	       (*rest == '*' || *rest == '_')) {
		title--;
		rest++;
	}
	return rest;
}

/* In a row of a table the bar behind the value is none of it. */
static const char *
row_end(const struct handover_line *line)
{
	const char *p = handover_skip_blanks(line->begin, line->end);
	const char *end = line->end;

	if (p == end || *p != '|')
		return end;
	while (end > p && (end[-1] == ' ' || end[-1] == '\r'))
		end--;
	return end > p + 1 && end[-1] == '|' ? end - 1 : end;
}

/* --- values --------------------------------------------------------------- */

static void
replace(struct buf *value, const char *begin, size_t len)
{
	struct buf part;

	buf_init(&part, value->max);
	buf_add(&part, begin, len);
	buf_clear(value);
	*value = part;
}

/*
 * A link as mail programs write it: "text<address>", "[text](address)", "Name
 * <address>", with the full stop of a sentence behind it.
 */
static void
unlink_value(struct buf *value)
{
	char *open, *close;

	if (value->len == 0)
		return;
	open = strchr(value->data, value->data[0] == '[' ? '[' : '<');
	close = open != NULL ? strchr(open, *open == '[' ? ']' : '>') : NULL;
	if (close != NULL && *open == '<' && open > value->data &&
	    strcspn(value->data, " ") > (size_t)(open - value->data) - 1) {
		replace(value, value->data, (size_t)(open - value->data));
	} else if (close != NULL) {
		open += strncmp(open + 1, "mailto:", 7) == 0 ? 8 : 1;
		replace(value, open, (size_t)(close - open));
	}
	while (value->len > 0 && strchr(" .,;", value->data[value->len - 1]))
		value->data[--value->len] = '\0';
}

/* A line of a mail is cut at some length: the rest of an address is below. */
static void
join_wrapped(struct reading *reading, const struct handover_line *line,
    struct buf *value)
{
	struct reading ahead = *reading;
	struct handover_title title;
	struct handover_line next;

	if (value->len < 60 || strncmp(value->data, "https://", 8) != 0 ||
	    strchr(value->data, ' ') != NULL ||
	    strstr(value->data, "/token") != NULL ||
	    strstr(value->data, "/authorize") != NULL ||
	    !read_line(&ahead, line->depth, &next) ||
	    next.depth != line->depth || handover_title_read(&next, &title) ||
	    !handover_is_alone(next.begin, next.end))
		return;
	handover_value(value, next.begin, next.end, 1);
	*reading = ahead;
}

/* What is below a title without a value; *line becomes that line. */
static int
read_below(struct reading *reading, struct handover_line *line)
{
	struct reading ahead = *reading;
	struct handover_title title;
	struct handover_line next;

	do {
		if (!read_line(&ahead, line->depth, &next))
			return 0;
	} while (handover_skip_blanks(next.begin, next.end) == next.end);
	if (handover_title_read(&next, &title))
		return 0;
	*reading = ahead;
	*line = next;
	return 1;
}

static void
keep(
    struct handover *to, enum handover_field field, struct buf *value, int line)
{
	if (value->truncated)
		buf_addf(&to->problems,
		    "line %d: %s is longer than any such value; is it a whole "
		    "text?\n",
		    line, fields[field].title);
	else if (to->line[field] == 0) {
		replace(&to->value[field], value->data, value->len);
		to->line[field] = line;
	} else if (strcmp(to->value[field].data, value->data) != 0)
		buf_addf(&to->problems,
		    "lines %d and %d give two values of %s; leave the right "
		    "one\n",
		    to->line[field], line, fields[field].title);
}

static void
take(struct reading *reading, struct handover_line *line,
    const struct handover_title *title)
{
	enum handover_field field = title->field;
	enum kind kind = fields[field].kind;
	int asked = line->number;
	const char *rest = skip_emphasis(line, title->rest);
	struct buf value;

	buf_init(&value, HANDOVER_VALUE_MAX);
	handover_value(&value, rest, row_end(line), kind != KIND_SECRET);
	if (value.len == 0 && read_below(reading, line))
		handover_value(
		    &value, line->begin, row_end(line), kind != KIND_SECRET);
	if (kind == KIND_LINK && value.len > 0) {
		join_wrapped(reading, line, &value);
		unlink_value(&value);
	}
	if (value.len == 0 && !value.truncated)
		buf_addf(&reading->to->problems,
		    "line %d: %s has no value; write it behind the colon\n",
		    asked, fields[field].title);
	else
		keep(reading->to, field, &value, line->number);
	buf_clear(&value);
}

int
handover_parse(struct handover *handover, const char *text)
{
	struct reading reading = {handover, text, 0};
	struct handover_title title;
	struct handover_line line;
	const char *p;
	int count = 0;

	if (strncmp(text, "\xff\xfe", 2) == 0 ||
	    strncmp(text, "\xfe\xff", 2) == 0)
		buf_adds(&handover->problems,
		    "the text is UTF-16; save it as UTF-8\n");
	while (read_line(&reading, DEPTH_MAX, &line))
		if (handover_title_read(&line, &title))
			take(&reading, &line, &title);
	for (p = handover->problems.data; p != NULL && *p != '\0'; p++)
		count += *p == '\n';
	return count;
}
