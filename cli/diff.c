/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff - the unified difference of two texts. See diff.h.
 *
 * The longest common subsequence, after what is equal at both ends is cut off;
 * where a table for it would be too large, all between the ends is replaced.
 */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "show.h"

#define CONTEXT 3
#define CELLS_MAX (4UL * 1024 * 1024)

struct lines {
	const char **start;
	size_t *len; /* without the line feed */
	size_t count;
	int open; /* the last one has no line feed */
};

/* One step from before to after: a line that stays, goes, or comes. */
struct step {
	char mark; /* ' ', '-' or '+' */
	size_t a, b;
};

struct script {
	struct step *steps;
	size_t count;
};

static void
cut_lines(struct lines *lines, const char *text)
{
	const char *p, *end;
	size_t room = 1;

	for (p = text; *p != '\0'; p++)
		room += *p == '\n';
	lines->start = mem_zalloc(room, sizeof(*lines->start));
	lines->len = mem_zalloc(room, sizeof(*lines->len));
	lines->count = 0;
	lines->open = 0;
	for (p = text; *p != '\0'; p = end + !lines->open) {
		end = strchr(p, '\n');
		lines->open = end == NULL;
		if (end == NULL)
			end = p + strlen(p);
		lines->start[lines->count] = p;
		lines->len[lines->count++] = (size_t)(end - p);
	}
}

static void
free_lines(struct lines *lines)
{
	free(lines->start);
	free(lines->len);
}

static int
is_open(const struct lines *lines, size_t i)
{
	return lines->open && i + 1 == lines->count;
}

static int
same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return a->len[i] == b->len[j] &&
	       memcmp(a->start[i], b->start[j], a->len[i]) == 0 &&
	       is_open(a, i) == is_open(b, j);
}

static void
add_step(struct script *script, char mark, size_t a, size_t b)
{
	script->steps[script->count++] = (struct step){mark, a, b};
}

/* --- the script ----------------------------------------------------------- */

/* lcs[i * (m + 1) + j]: how many lines a[i..n) and b[j..m) have in common. */
static unsigned int *
common_table(const struct lines *a, const struct lines *b, size_t head,
    size_t n, size_t m)
{
	unsigned int *lcs = mem_zalloc((n + 1) * (m + 1), sizeof(*lcs));
	unsigned int down, right, *cell;
	size_t i, j;

	for (i = n; i-- > 0;) {
		for (j = m; j-- > 0;) {
			cell = &lcs[i * (m + 1) + j];
			down = cell[m + 1];
			right = cell[1];
			if (same(a, head + i, b, head + j))
				*cell = cell[m + 2] + 1;
			else
				*cell = down > right ? down : right;
		}
	}
	return lcs;
}

/* Between the ends: n lines go or stay, m lines come or stay. */
static void
compare(struct script *script, const struct lines *a, const struct lines *b,
    size_t head, size_t n, size_t m)
{
	unsigned int *lcs = NULL;
	size_t i = 0, j = 0;

	if ((n + 1) <= CELLS_MAX / (m + 1))
		lcs = common_table(a, b, head, n, m);
	while (i < n || j < m) {
		if (lcs != NULL && i < n && j < m &&
		    same(a, head + i, b, head + j)) {
			add_step(script, ' ', head + i++, head + j++);
		} else if (i < n && (j == m || lcs == NULL ||
					lcs[(i + 1) * (m + 1) + j] >=
					    lcs[i * (m + 1) + j + 1])) {
			add_step(script, '-', head + i++, head + j);
		} else {
			add_step(script, '+', head + i, head + j++);
		}
	}
	free(lcs);
}

static void
make_script(struct script *script, const struct lines *a, const struct lines *b)
{
	size_t head = 0, tail = 0, i;
	size_t least = a->count < b->count ? a->count : b->count;

	script->steps =
	    mem_zalloc(a->count + b->count + 1, sizeof(*script->steps));
	script->count = 0;
	while (head < least && same(a, head, b, head))
		head++;
	while (tail < least - head &&
	       same(a, a->count - 1 - tail, b, b->count - 1 - tail))
		tail++;
	for (i = 0; i < head; i++)
		add_step(script, ' ', i, i);
	compare(
	    script, a, b, head, a->count - head - tail, b->count - head - tail);
	for (i = tail; i > 0; i--)
		add_step(script, ' ', a->count - i, b->count - i);
}

/* --- the text ------------------------------------------------------------- */

/* A tab is no control character to hide. */
static void
put_text(struct buf *out, const char *start, size_t len)
{
	char *text = mem_strndup(start, len), *rest = text, *part;

	while ((part = strsep(&rest, "\t")) != NULL) {
		show_text(out, part);
		if (rest != NULL)
			buf_adds(out, "\t");
	}
	free(text);
}

static void
put_line(struct buf *out, char mark, const struct lines *lines, size_t i,
    int colours)
{
	if (colours && mark != ' ')
		buf_adds(out, mark == '-' ? "\033[31m" : "\033[32m");
	buf_add(out, &mark, 1);
	put_text(out, lines->start[i], lines->len[i]);
	if (colours && mark != ' ')
		buf_adds(out, "\033[0m");
	buf_adds(out, "\n");
	if (is_open(lines, i))
		buf_adds(out, "\\ No newline at end of file\n");
}

/* Where a range of no lines begins, the line before it is named. */
static void
put_range(struct buf *out, char mark, size_t first, size_t count)
{
	buf_addf(out, " %c%zu,%zu", mark, count > 0 ? first + 1 : first, count);
}

/* Steps [from, to) as one block. */
static void
put_block(struct buf *out, const struct script *script, const struct lines *a,
    const struct lines *b, size_t from, size_t to, int colours)
{
	size_t i, gone = 0, come = 0;

	for (i = from; i < to; i++) {
		gone += script->steps[i].mark != '+';
		come += script->steps[i].mark != '-';
	}
	buf_adds(out, "@@");
	put_range(out, '-', script->steps[from].a, gone);
	put_range(out, '+', script->steps[from].b, come);
	buf_adds(out, " @@\n");
	for (i = from; i < to; i++) {
		const struct step *step = &script->steps[i];

		if (step->mark == '+')
			put_line(out, '+', b, step->b, colours);
		else
			put_line(out, step->mark, a, step->a, colours);
	}
}

/* The end of the block that begins with the change at i: two changes with at
 * most twice the context between them are one block. */
static size_t
block_end(const struct script *script, size_t i)
{
	size_t last = i;

	for (; i < script->count && i - last <= 2 * CONTEXT; i++)
		if (script->steps[i].mark != ' ')
			last = i;
	last += 1 + CONTEXT;
	return last < script->count ? last : script->count;
}

void
diff_unified(struct buf *out, const char *path, const char *before,
    const char *after, int colours)
{
	struct script script;
	struct lines a, b;
	size_t i, end;

	if (strcmp(before, after) == 0)
		return;
	cut_lines(&a, before);
	cut_lines(&b, after);
	make_script(&script, &a, &b);
	buf_addf(out, "--- %s\n+++ %s\n", *before != '\0' ? path : "/dev/null",
	    *after != '\0' ? path : "/dev/null");
	for (i = 0; i < script.count; i++) {
		if (script.steps[i].mark == ' ')
			continue;
		end = block_end(&script, i);
		put_block(out, &script, &a, &b, i > CONTEXT ? i - CONTEXT : 0,
		    end, colours);
		i = end - 1;
	}
	free(script.steps);
	free_lines(&a);
	free_lines(&b);
}
