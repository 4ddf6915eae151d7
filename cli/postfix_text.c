/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_text - a Postfix plan as text. See postfix_text.h.
 */
#include "postfix_text.h"

#include <string.h>

#include "show.h"

/* Values are from the configuration: made safe for a terminal line by line. */
static void
put_comment(struct buf *out, const char *text)
{
	struct buf wrapped;
	const char *line, *end;

	buf_init(&wrapped, SHOW_MAX);
	show_wrapped(&wrapped, text, 2);
	for (line = wrapped.data; (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		line += strspn(line, " ");
		buf_addf(out, "# %.*s\n", (int)(end - line), line);
	}
	buf_clear(&wrapped);
}

void
postfix_text_notes(struct buf *out, const struct postfix_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->note_count; i++) {
		buf_adds(out, "\n");
		buf_adds(out, "# Look at this:\n");
		put_comment(out, plan->notes[i]);
	}
}

/* --- to paste ------------------------------------------------------------- */

/* A table's entries on lines of their own; Postfix joins indented lines. */
static void
put_value(struct buf *out, const char *value)
{
	const char *next;

	while ((next = strstr(value, "}, {")) != NULL) {
		buf_addf(out, "%.*s\n    ", (int)(next + 2 - value), value);
		value = next + 3;
	}
	buf_adds(out, value);
}

static void
paste_main(struct buf *out, const struct postfix_settings *settings)
{
	const struct postfix_setting *item;
	size_t i;

	for (i = 0; i < settings->count; i++) {
		item = &settings->items[i];
		if (item->comment != NULL)
			put_comment(out, item->comment);
		buf_addf(out, "%s = ", item->name);
		put_value(out, item->value);
		buf_adds(out, "\n");
	}
}

static void
paste_service(struct buf *out, const struct postfix_service *service)
{
	size_t i;

	buf_addf(out,
	    "%-23s unix  -       -       %s       -       -"
	    "       smtp\n",
	    service->name, service->chroot ? "y" : "n");
	for (i = 0; i < service->options.count; i++)
		buf_addf(out, "    -o %s=%s\n", service->options.items[i].name,
		    service->options.items[i].value);
}

void
postfix_text_paste(struct buf *out, const struct postfix_plan *plan,
    const char *config_directory)
{
	size_t i;

	buf_addf(out, "# --- %s/main.cf\n\n", config_directory);
	paste_main(out, &plan->main);
	buf_addf(out, "\n# --- %s/master.cf\n\n", config_directory);
	for (i = 0; i < plan->service_count; i++)
		paste_service(out, &plan->services[i]);
	for (i = 0; i < plan->file_count; i++) {
		buf_addf(out, "\n# --- %s\n\n", plan->files[i].path);
		if (plan->files[i].is_indexed)
			buf_addf(
			    out, "# Then: postmap %s\n", plan->files[i].path);
		buf_adds(out, plan->files[i].text);
	}
	postfix_text_notes(out, plan);
}

/* --- as commands ---------------------------------------------------------- */

/* In single quotes for sh; a quote inside ends them, is escaped, and so on. */
static void
put_quoted(struct buf *out, const char *text)
{
	buf_adds(out, "'");
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_add(out, text, 1);
	}
	buf_adds(out, "'");
}

static void
put_command(struct buf *out, const char *directory, const char *option,
    const char *name, const char *value)
{
	struct buf assignment;

	buf_init(&assignment, SHOW_MAX);
	buf_addf(&assignment, "%s=%s", name, value);
	buf_adds(out, "postconf -c ");
	put_quoted(out, directory);
	buf_addf(out, " %s ", option);
	put_quoted(out, assignment.data);
	buf_adds(out, "\n");
	buf_clear(&assignment);
}

static void
service_commands(struct buf *out, const char *directory,
    const struct postfix_service *service)
{
	struct buf name, line;
	size_t i;

	buf_init(&name, SHOW_MAX);
	buf_init(&line, SHOW_MAX);
	buf_addf(&name, "%s/unix", service->name);
	buf_addf(&line, "%s unix - - %s - - smtp", service->name,
	    service->chroot ? "y" : "n");
	put_command(out, directory, "-M", name.data, line.data);
	for (i = 0; i < service->options.count; i++) {
		buf_clear(&name);
		buf_addf(&name, "%s/unix/%s", service->name,
		    service->options.items[i].name);
		put_command(out, directory, "-P", name.data,
		    service->options.items[i].value);
	}
	buf_clear(&name);
	buf_clear(&line);
}

/* The text is ours and has no line that reads like the end mark. */
static void
file_command(
    struct buf *out, const char *directory, const struct postfix_file *file)
{
	if (file->is_private) {
		buf_adds(out, "install -m 600 /dev/null ");
		put_quoted(out, file->path);
		buf_adds(out, "\n");
	}
	buf_adds(out, "cat >");
	put_quoted(out, file->path);
	buf_addf(out, " <<'END_OF_TABLE'\n%sEND_OF_TABLE\n", file->text);
	if (!file->is_indexed)
		return;
	buf_adds(out, "postmap -c ");
	put_quoted(out, directory);
	buf_adds(out, " ");
	put_quoted(out, file->path);
	buf_adds(out, "\n");
}

void
postfix_text_commands(struct buf *out, const struct postfix_plan *plan,
    const char *config_directory)
{
	size_t i;

	for (i = 0; i < plan->file_count; i++)
		file_command(out, config_directory, &plan->files[i]);
	for (i = 0; i < plan->main.count; i++)
		put_command(out, config_directory, "-e",
		    plan->main.items[i].name, plan->main.items[i].value);
	for (i = 0; i < plan->service_count; i++)
		service_commands(out, config_directory, &plan->services[i]);
	postfix_text_notes(out, plan);
}
