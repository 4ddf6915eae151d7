/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_settings - a plan as plain data. See postfix_settings.h.
 */
#include "postfix_settings.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
postfix_settings_add(struct postfix_settings *settings, const char *comment,
    const char *name, char *value)
{
	struct postfix_setting *item;

	settings->items = mem_grow(
	    settings->items, settings->count + 1, sizeof(*settings->items));
	item = &settings->items[settings->count++];
	item->name = mem_strdup(name);
	item->value = value;
	item->comment = comment;
}

void
postfix_settings_transport(struct postfix_plan *plan, const char *transport,
    const char *suffix, char *value)
{
	char *name = mem_printf("%s_%s", transport, suffix);

	postfix_settings_add(&plan->main, NULL, name, value);
	free(name);
}

struct postfix_service *
postfix_settings_service(
    struct postfix_plan *plan, const char *name, int chroot)
{
	struct postfix_service *service;

	plan->services = mem_grow(
	    plan->services, plan->service_count + 1, sizeof(*plan->services));
	service = &plan->services[plan->service_count++];
	memset(service, 0, sizeof(*service));
	service->name = mem_strdup(name);
	service->chroot = chroot;
	return service;
}

void
postfix_settings_note(struct postfix_plan *plan, char *text)
{
	plan->notes =
	    mem_grow(plan->notes, plan->note_count + 1, sizeof(*plan->notes));
	plan->notes[plan->note_count++] = text;
}

struct postfix_file *
postfix_settings_file(struct postfix_plan *plan, char *path, char *text)
{
	struct postfix_file *file;

	plan->files =
	    mem_grow(plan->files, plan->file_count + 1, sizeof(*plan->files));
	file = &plan->files[plan->file_count++];
	memset(file, 0, sizeof(*file));
	file->path = path;
	file->text = text;
	return file;
}

const char *
postfix_settings_find(const struct postfix_settings *settings, const char *name)
{
	size_t i;

	/* Of two the last one counts, in main.cf and in master.cf. */
	for (i = settings->count; i > 0; i--)
		if (strcmp(settings->items[i - 1].name, name) == 0)
			return settings->items[i - 1].value;
	return NULL;
}

void
postfix_settings_clear(struct postfix_settings *settings)
{
	size_t i;

	for (i = 0; i < settings->count; i++) {
		free(settings->items[i].name);
		free(settings->items[i].value);
	}
	free(settings->items);
	settings->items = NULL;
	settings->count = 0;
}

void
postfix_plan_free(struct postfix_plan *plan)
{
	size_t i;

	if (plan == NULL)
		return;
	postfix_settings_clear(&plan->main);
	for (i = 0; i < plan->service_count; i++) {
		free(plan->services[i].name);
		postfix_settings_clear(&plan->services[i].options);
	}
	free(plan->services);
	for (i = 0; i < plan->file_count; i++) {
		free(plan->files[i].path);
		free(plan->files[i].text);
	}
	free(plan->files);
	for (i = 0; i < plan->note_count; i++)
		free(plan->notes[i]);
	free(plan->notes);
	free(plan);
}
