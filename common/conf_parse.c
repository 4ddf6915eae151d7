/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_parse - libconfuse as a parser only. See conf_parse.h.
 *
 * Its value store is not used: each value is checked and put into our structs
 * in the callback where its line is known, and each section is freed as soon as
 * it is finished. That keeps the lines exact and 100,000 sections linear
 * (libconfuse looks through all earlier titles for each new one). Its own
 * include() is not used either: it leaks after an error and stays "nested" for
 * the rest of the program's life.
 */
#include "conf_parse.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_error.h"
#include "conf_text.h"
#include "mem.h"

/* A section while it is read. */
struct open_section {
	enum conf_section_id id;
	union {
		struct conf_top top;
		struct conf_tokend tokend;
		struct conf_milter milter;
		struct conf_application application;
		struct conf_account_draft account;
	} data;
	struct conf_source source;
};

/* One file while it is read. */
struct parser {
	const char *path;
	const struct conf_sink *sink;
	const struct conf_text *text;
	size_t sections_done;
	struct open_section top;
	struct open_section open;
	struct err *err;
	int failed; /* *err is set; err itself may be NULL */
};

/* libconfuse's callbacks have no argument of ours. */
static struct parser *active;

static enum conf_section_id
id_of(const char *name)
{
	int id;

	for (id = CONF_SECTION_TOP + 1; id < CONF_SECTION_COUNT; id++)
		if (strcmp(conf_table_section((enum conf_section_id)id)->name,
			name) == 0)
			return (enum conf_section_id)id;
	return CONF_SECTION_TOP;
}

/* --- libconfuse's callbacks ---------------------------------------------- */

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[600];

	if (active->failed)
		return;
	active->failed = 1;
	conf_error_plain(text, sizeof(text),
	    conf_table_section(id_of(cfg_name(cfg))), fmt, ap);
	conf_error_at(active->err, active->path, cfg->line, "%s", text);
}

/* For a list: is this its first item? Its "=" has emptied what was before. */
static int
is_first(const cfg_opt_t *opt)
{
	return (opt->flags & CFGF_LIST) == 0 || opt->nvalues == 1;
}

static int
take_value(struct open_section *open, const struct conf_section *section,
    const cfg_t *cfg, const cfg_opt_t *opt, struct conf_value *value)
{
	int index = conf_table_index(section, opt->name);
	const struct conf_option *option = &section->options[index];
	int *line = &open->source.lines[index];
	void *field = (char *)&open->data + option->offset;

	if (*line != 0 && is_first(opt))
		return conf_value_refuse(value,
		    "stands a second time; the first is in line %d, delete "
		    "one",
		    *line);
	if (*line == 0)
		*line = cfg->line;
	if (option->check != NULL && option->check(value) == -1)
		return -1;
	return option->take(value, field);
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	enum conf_section_id id = id_of(cfg_name(cfg));
	const struct conf_section *section = conf_table_section(id);
	struct open_section *open =
	    id == CONF_SECTION_TOP ? &active->top : &active->open;
	struct conf_value value = {.text = text, .dir = active->sink->dir};

	*(const char **)result = text;
	open->id = id;
	if (take_value(open, section, cfg, opt, &value) == 0)
		return 0;
	active->failed = 1;
	return conf_error_value(active->err, active->path, cfg->line, section,
	    cfg_title(cfg), opt->name, &value);
}

/* "option = {}" makes no call of on_value, yet it was given. */
static void
note_empty_lists(const cfg_t *cfg, struct conf_source *source)
{
	size_t i;

	for (i = 0; cfg->opts[i].name != NULL; i++)
		if ((cfg->opts[i].flags & CFGF_MODIFIED) &&
		    source->lines[i] == 0)
			source->lines[i] = source->line;
}

static int
hand_over(struct parser *parser, enum conf_section_id id, const char *title,
    struct open_section *open)
{
	int ret;

	open->source.file = parser->path;
	ret = parser->sink->section(parser->sink->arg, id, title, &open->data,
	    &open->source, parser->err);
	memset(open, 0, sizeof(*open));
	if (ret == -1)
		parser->failed = 1;
	return ret;
}

static int
on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	struct open_section *open = &active->open;
	int ret;

	(void)cfg;
	open->source.line =
	    active->text->section_lines[active->sections_done++];
	note_empty_lists(section, &open->source);
	ret = hand_over(active, id_of(opt->name), section->title, open);
	cfg_free_value(opt);
	return ret;
}

static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct conf_where where = {active->path, cfg->line};

	(void)opt;
	active->failed = 1;
	if (argc != 1)
		return conf_error_at(active->err, where.file, where.line,
		    "include takes one file; write include(\"file\") for each");
	if (active->sink->include(
		active->sink->arg, argv[0], &where, active->err) == -1)
		return -1;
	active->failed = 0;
	return 0;
}

/* --- the grammar --------------------------------------------------------- */

/* Our table as libconfuse's: the same options in the same order. */
static void
add_options(cfg_opt_t *to, const struct conf_section *section)
{
	size_t i;

	for (i = 0; i < section->option_count; i++) {
		const struct conf_option *option = &section->options[i];
		int is_list = option->kind >= CONF_KIND_LIST;
		cfg_opt_t one =
		    CFG_STR_CB(option->name, NULL, CFGF_NODEFAULT, on_value);
		cfg_opt_t list = CFG_STR_LIST_CB(
		    option->name, NULL, CFGF_NODEFAULT, on_value);

		to[i] = is_list ? list : one;
	}
	to[i] = (cfg_opt_t)CFG_END();
}

static cfg_t *
new_grammar(void)
{
	cfg_opt_t options[CONF_SECTION_COUNT][CONF_OPTIONS_MAX + 1];
	cfg_opt_t top[CONF_OPTIONS_MAX + CONF_SECTION_COUNT + 1];
	size_t n = conf_table_section(CONF_SECTION_TOP)->option_count;
	cfg_t *cfg;
	int id;

	add_options(top, conf_table_section(CONF_SECTION_TOP));
	for (id = CONF_SECTION_TOP + 1; id < CONF_SECTION_COUNT; id++) {
		const struct conf_section *section =
		    conf_table_section((enum conf_section_id)id);
		cfg_opt_t option = CFG_SEC(section->name, options[id],
		    CFGF_MULTI | (section->has_title ? CFGF_TITLE : 0));

		add_options(options[id], section);
		option.validcb = on_section;
		top[n++] = option;
	}
	top[n++] = (cfg_opt_t)CFG_FUNC("include", on_include);
	top[n] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(top, CFGF_NONE);
	if (cfg == NULL)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	return cfg;
}

/* --- a file -------------------------------------------------------------- */

static int
parse_text(struct parser *parser)
{
	cfg_t *cfg = new_grammar();
	FILE *file = parser->text->len > 0
			 ? fmemopen(parser->text->data, parser->text->len, "r")
			 : NULL;
	int ret = 0;

	if (cfg == NULL || (file == NULL && parser->text->len > 0))
		ret = err_set(parser->err, ERR_TEMPORARY, "memory",
		    "%s: out of memory", parser->path);
	else if (file != NULL && cfg_parse_fp(cfg, file) != CFG_SUCCESS)
		ret = parser->failed
			  ? -1
			  : err_set(parser->err, ERR_CONFIG, "syntax",
				"%s: is not understood", parser->path);
	if (file != NULL)
		fclose(file);
	cfg_free(cfg);
	return ret;
}

/* What a section holds that was not finished. */
static void
drop(struct open_section *open)
{
	if (open->id == CONF_SECTION_ACCOUNT)
		free(open->data.account.application);
	conf_table_free(open->id, &open->data);
}

static int
take_text(struct conf_text *text, const char *path, const char *given,
    struct err *err)
{
	if (given == NULL)
		return conf_text_read(text, path, err);
	text->data = mem_strdup(given);
	text->len = strlen(given);
	return 0;
}

int
conf_parse_file(const char *path, const char *given,
    const struct conf_sink *sink, struct err *err)
{
	struct conf_text text = {0};
	struct parser parser = {
	    .path = path, .sink = sink, .text = &text, .err = err};
	int ret = -1;

	active = &parser;
	if (take_text(&text, path, given, err) == 0 &&
	    conf_text_plain(&text, path, err) == 0 && parse_text(&parser) == 0)
		ret = hand_over(&parser, CONF_SECTION_TOP, NULL, &parser.top);
	active = NULL;
	drop(&parser.open);
	drop(&parser.top);
	conf_text_clear(&text);
	return ret;
}
