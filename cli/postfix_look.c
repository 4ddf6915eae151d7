/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_look - how a Postfix is set up. See postfix_look.h.
 */
#include "postfix_look.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"

static const char sbin_postconf[] = "/usr/sbin/postconf";

/* "name = value", cut in two; NULL if it is none. */
static char *
split(char *line)
{
	char *equals = strstr(line, " =");

	if (equals == NULL)
		return NULL;
	*equals = '\0';
	equals += 2;
	return *equals == ' ' ? equals + 1 : equals;
}

static void
add_setting(struct postfix_settings *settings, const char *line, size_t len)
{
	char *copy = mem_strndup(line, len);
	char *value = split(copy);

	if (value != NULL)
		postfix_settings_add(settings, NULL, copy, mem_strdup(value));
	free(copy);
}

static void
take_written(void *arg, const char *line, size_t len)
{
	struct postfix_look *look = arg;

	add_setting(&look->written, line, len);
}

static void
take_main(void *arg, const char *line, size_t len)
{
	struct postfix_look *look = arg;

	add_setting(&look->main, line, len);
}

/* --- master.cf ------------------------------------------------------------ */

static struct postfix_look_service *
find(const struct postfix_look *look, const char *name, const char *type)
{
	size_t i;

	for (i = 0; i < look->service_count; i++)
		if (strcmp(look->services[i].name, name) == 0 &&
		    strcmp(look->services[i].type, type) == 0)
			return &look->services[i];
	return NULL;
}

static struct postfix_look_service *
find_or_add(struct postfix_look *look, const char *name, const char *type)
{
	struct postfix_look_service *service = find(look, name, type);

	if (service != NULL)
		return service;
	look->services = mem_grow(
	    look->services, look->service_count + 1, sizeof(*look->services));
	service = &look->services[look->service_count++];
	memset(service, 0, sizeof(*service));
	service->name = mem_strdup(name);
	service->type = mem_strdup(type);
	service->program = mem_strdup("");
	return service;
}

/* Before level 1, "-" in the column chroot meant yes. */
static int
is_chrooted(const struct postfix_look *look, const char *value)
{
	if (strcmp(value, "-") == 0)
		return atoi(postfix_look_main(look, "compatibility_level")) < 1;
	return value[0] == 'y';
}

/* "service/type/name = value", with the service found or made. */
struct field {
	struct postfix_look_service *service;
	const char *name;
	const char *value;
};

/* 0, or -1 if the line is none. The field points into line. */
static int
read_field(struct postfix_look *look, char *line, struct field *field)
{
	char *slash;

	field->value = split(line);
	slash = field->value != NULL ? strrchr(line, '/') : NULL;
	if (slash == NULL)
		return -1;
	*slash = '\0';
	field->name = slash + 1;
	slash = strrchr(line, '/');
	if (slash == NULL)
		return -1;
	*slash = '\0';
	field->service = find_or_add(look, line, slash + 1);
	return 0;
}

static void
take_field(void *arg, const char *line, size_t len)
{
	struct postfix_look *look = arg;
	char *copy = mem_strndup(line, len);
	struct field field;

	if (read_field(look, copy, &field) == 0) {
		if (strcmp(field.name, "chroot") == 0)
			field.service->chroot = is_chrooted(look, field.value);
		if (strcmp(field.name, "command") == 0) {
			free(field.service->program);
			field.service->program =
			    mem_strndup(field.value, strcspn(field.value, " "));
		}
	}
	free(copy);
}

static void
take_option_written(void *arg, const char *line, size_t len)
{
	char *copy = mem_strndup(line, len);
	struct field field;

	if (read_field(arg, copy, &field) == 0)
		postfix_settings_add(&field.service->written, NULL, field.name,
		    mem_strdup(field.value));
	free(copy);
}

static void
take_option(void *arg, const char *line, size_t len)
{
	char *copy = mem_strndup(line, len);
	struct field field;

	if (read_field(arg, copy, &field) == 0)
		postfix_settings_add(&field.service->options, NULL, field.name,
		    mem_strdup(field.value));
	free(copy);
}

/* --- asking --------------------------------------------------------------- */

static int
ask_postconf(struct postfix_look *look, const char *directory,
    const char *option, command_line line, struct err *err)
{
	const char *argv[5] = {"postconf", option, "-c", directory, NULL};

	/* A user's PATH need not have it. */
	if (access(sbin_postconf, X_OK) == 0)
		argv[0] = sbin_postconf;
	if (directory == NULL)
		argv[2] = NULL;
	return command_ask(argv, line, look, err);
}

struct postfix_look *
postfix_look_new(const char *config_directory, struct err *err)
{
	/* The parameters come first: what "-" means depends on one. */
	static const struct {
		const char *option;
		command_line line;
	} questions[] = {
	    {"-x", take_main},
	    {"-n", take_written},
	    {"-F", take_field},
	    {"-P", take_option_written},
	    {"-Px", take_option},
	};
	struct postfix_look *look = mem_zalloc(1, sizeof(*look));
	size_t i;

	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (ask_postconf(look, config_directory, questions[i].option,
			questions[i].line, err) != 0) {
			postfix_look_free(look);
			return NULL;
		}
	return look;
}

void
postfix_look_free(struct postfix_look *look)
{
	size_t i;

	if (look == NULL)
		return;
	postfix_settings_clear(&look->written);
	postfix_settings_clear(&look->main);
	for (i = 0; i < look->service_count; i++) {
		free(look->services[i].name);
		free(look->services[i].type);
		free(look->services[i].program);
		postfix_settings_clear(&look->services[i].written);
		postfix_settings_clear(&look->services[i].options);
	}
	free(look->services);
	free(look);
}

const char *
postfix_look_main(const struct postfix_look *look, const char *name)
{
	const char *value = postfix_settings_find(&look->main, name);

	return value != NULL ? value : "";
}

const struct postfix_look_service *
postfix_look_find(
    const struct postfix_look *look, const char *name, const char *type)
{
	return find(look, name, type);
}

const char *
postfix_look_option(const struct postfix_look *look,
    const struct postfix_look_service *service, const char *name)
{
	const char *value = postfix_settings_find(&service->options, name);

	return value != NULL ? value : postfix_look_main(look, name);
}
