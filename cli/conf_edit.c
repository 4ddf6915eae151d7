/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_edit - options changed in the text of a configuration. See conf_edit.h.
 *
 * Sections and options are looked for in a copy in which comments are blanks
 * (conf_text_plain), whose offsets are those of the text itself. What is found
 * is edited from the last place to the first one, so that offsets stay right.
 */
#include "conf_edit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_text.h"
#include "mem.h"

#define TEXT_MAX (256UL * 1024 * 1024)
#define INDENT "    "
#define BLANKS " \t\r\n"

/* A piece of the text: [start, end). */
struct span {
	size_t start;
	size_t end;
};

/* A section: its braces' offsets. */
struct place {
	size_t open;
	size_t close;
};

struct option {
	struct span name;
	struct span value;
};

/* --- looking -------------------------------------------------------------- */

static size_t
skip_blanks(const char *plain, size_t at)
{
	return at + strspn(plain + at, BLANKS);
}

/* The end of the string, word or single character that begins at `at`. */
static size_t
token_end(const char *plain, size_t at)
{
	char quote = plain[at];
	size_t len;

	if (quote == '"' || quote == '\'') {
		for (at++; plain[at] != quote && plain[at] != '\0'; at++)
			at += plain[at] == '\\' && plain[at + 1] != '\0';
		return at + (plain[at] != '\0');
	}
	len = strcspn(plain + at, BLANKS "\"'={}()+,");
	return at + (len > 0 ? len : plain[at] != '\0');
}

/* The offset behind the "}" that closes the "{" at `at`; of the text's end if
 * there is none. */
static size_t
block_end(const char *plain, size_t at)
{
	int depth = 0;

	while (plain[at = skip_blanks(plain, at)] != '\0') {
		depth += (plain[at] == '{') - (plain[at] == '}');
		at = token_end(plain, at);
		if (depth == 0)
			break;
	}
	return at;
}

static int
is_word(const char *plain, struct span word, const char *name)
{
	return word.end - word.start == strlen(name) &&
	       strncmp(plain + word.start, name, strlen(name)) == 0;
}

/* Titles are compared as conf_load does: large and small letters are one. */
static int
is_title(const char *plain, struct span token, const char *title)
{
	struct buf quoted;
	int same;

	buf_init(&quoted, CONF_VALUE_MAX * 2);
	conf_edit_quote(&quoted, title);
	same = token.end - token.start == quoted.len &&
	       strncasecmp(plain + token.start, quoted.data, quoted.len) == 0;
	buf_clear(&quoted);
	if (same || plain[token.start] == '"')
		return same;
	if (plain[token.start] == '\'') {
		token.start++;
		token.end--;
	}
	return token.end - token.start == strlen(title) &&
	       strncasecmp(plain + token.start, title, strlen(title)) == 0;
}

static int
find_section(
    const char *plain, const char *kind, const char *title, struct place *place)
{
	struct span word, name = {0, 0};
	size_t at = 0;

	while (plain[at = skip_blanks(plain, at)] != '\0') {
		word = (struct span){at, token_end(plain, at)};
		at = skip_blanks(plain, word.end);
		name = (struct span){at, token_end(plain, at)};
		if (plain[at] != '{' && plain[at] != '=' && plain[at] != '(')
			at = skip_blanks(plain, name.end);
		if (plain[at] != '{') {
			at = word.end;
			continue;
		}
		place->open = at;
		at = block_end(plain, at);
		place->close = at - 1;
		if (is_word(plain, word, kind) &&
		    (title == NULL || is_title(plain, name, title)))
			return 1;
	}
	return 0;
}

/* The option's name and value. */
static int
find_option(const char *plain, const struct place *place, const char *name,
    struct option *option)
{
	size_t at = skip_blanks(plain, place->open + 1), behind;

	while (at < place->close) {
		option->name = (struct span){at, token_end(plain, at)};
		behind = skip_blanks(plain, option->name.end);
		if (plain[behind] != '=') {
			at = behind;
			continue;
		}
		at = skip_blanks(plain, behind + 1);
		option->value.start = at;
		at = plain[at] == '{' ? block_end(plain, at)
				      : token_end(plain, at);
		option->value.end = at;
		if (is_word(plain, option->name, name))
			return 1;
		at = skip_blanks(plain, at);
	}
	return 0;
}

/* --- changing ------------------------------------------------------------- */

/* Replace a piece of *text. */
static void
splice(char **text, struct span span, const char *with)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	buf_add(&out, *text, span.start);
	buf_adds(&out, with);
	buf_adds(&out, *text + span.end);
	free(*text);
	*text = buf_take(&out);
}

static size_t
line_start(const char *text, size_t at)
{
	while (at > 0 && text[at - 1] != '\n')
		at--;
	return at;
}

/* With its line and the comment behind it, if it stands alone there. */
static struct span
whole_line(const char *plain, const struct option *option)
{
	struct span span = {
	    line_start(plain, option->name.start), option->value.end};

	if (span.start + strspn(plain + span.start, " \t") !=
	    option->name.start)
		return (struct span){option->name.start, option->value.end};
	span.end += strspn(plain + span.end, " \t\r");
	if (plain[span.end] != '\n')
		return (struct span){option->name.start, option->value.end};
	span.end++;
	return span;
}

/* In front of the closing brace: on a line of its own, or, in a section of one
 * line, in that line. */
static void
insert(char **text, const char *plain, const struct place *place,
    const struct conf_edit *edit)
{
	size_t start = line_start(plain, place->close);
	int alone = start > place->open &&
		    start + strspn(plain + start, " \t") == place->close;
	char *line;

	if (alone)
		line = mem_printf(INDENT "%s = %s\n", edit->name, edit->value);
	else
		line = mem_printf("%s%s = %s ",
		    strchr(BLANKS, plain[place->close - 1]) ? "" : " ",
		    edit->name, edit->value);
	if (!alone)
		start = place->close;
	splice(text, (struct span){start, start}, line);
	free(line);
}

static void
change(char **text, const char *plain, const struct place *place,
    const struct conf_edit *edit)
{
	struct option option;
	int there = find_option(plain, place, edit->name, &option);

	if (!there && edit->value != NULL)
		insert(text, plain, place, edit);
	else if (there && edit->value == NULL)
		splice(text, whole_line(plain, &option), "");
	else if (there && !is_word(plain, option.value, edit->value))
		splice(text, option.value, edit->value);
}

/* A section that is not there: aligned as people write it. */
static void
append(char **text, const char *kind, const char *title,
    const struct conf_edit *edits, size_t count)
{
	size_t i, width = 0, len = strlen(*text);
	struct buf out;

	for (i = 0; i < count; i++)
		if (edits[i].value != NULL && strlen(edits[i].name) > width)
			width = strlen(edits[i].name);
	buf_init(&out, TEXT_MAX);
	if (len > 0)
		buf_adds(&out, (*text)[len - 1] == '\n' ? "\n" : "\n\n");
	buf_adds(&out, kind);
	if (title != NULL) {
		buf_adds(&out, " ");
		conf_edit_quote(&out, title);
	}
	buf_adds(&out, " {\n");
	for (i = 0; i < count; i++)
		if (edits[i].value != NULL)
			buf_addf(&out, INDENT "%-*s = %s\n", (int)width,
			    edits[i].name, edits[i].value);
	buf_adds(&out, "}\n");
	splice(text, (struct span){len, len}, out.data);
	buf_clear(&out);
}

/* The text with comments as blanks. */
static int
make_plain(struct conf_text *plain, const char *path, const char *text,
    struct err *err)
{
	memset(plain, 0, sizeof(*plain));
	plain->data = mem_strdup(text);
	plain->len = strlen(text);
	if (conf_text_plain(plain, path, err) == 0)
		return 0;
	conf_text_clear(plain);
	return -1;
}

static int
change_one(char **text, const char *path, const char *kind, const char *title,
    const struct conf_edit *edit, struct err *err)
{
	struct conf_text plain;
	struct place place;

	if (make_plain(&plain, path, *text, err) == -1)
		return -1;
	if (find_section(plain.data, kind, title, &place))
		change(text, plain.data, &place, edit);
	conf_text_clear(&plain);
	return 0;
}

int
conf_edit_section(struct buf *out, const char *path, const char *text,
    const char *kind, const char *title, const struct conf_edit *edits,
    size_t count, struct err *err)
{
	char *edited = mem_strdup(text);
	struct conf_text plain;
	struct place place;
	size_t i;
	int found, rc = -1;

	if (make_plain(&plain, path, text, err) == -1)
		goto out;
	found = find_section(plain.data, kind, title, &place);
	conf_text_clear(&plain);
	if (!found)
		append(&edited, kind, title, edits, count);
	for (i = 0; found && i < count; i++)
		if (change_one(&edited, path, kind, title, &edits[i], err) ==
		    -1)
			goto out;
	rc = buf_adds(out, edited);
out:
	free(edited);
	return rc;
}

int
conf_edit_has(const char *text, const char *kind, const char *title)
{
	struct conf_text plain;
	struct place place;
	int found;

	if (make_plain(&plain, "", text, NULL) == -1)
		return 0;
	found = find_section(plain.data, kind, title, &place);
	conf_text_clear(&plain);
	return found;
}

void
conf_edit_quote(struct buf *out, const char *value)
{
	buf_adds(out, "\"");
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_adds(out, "\\");
		buf_add(out, value, 1);
	}
	buf_adds(out, "\"");
}
