/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_SETTINGS_H
#define POSTOAK_POSTFIX_SETTINGS_H

#include <stddef.h>

/*
 * postfix_settings - a plan as plain data: settings, services, tables, notes.
 * Filled by postfix_plan and postfix_transport, printed by postfix_text.
 * Values are handed over: the plan frees them.
 */

/* name = value, in main.cf or as -o of a service. */
struct postfix_setting {
	char *name;
	char *value;
	const char *comment; /* why; static, may be NULL */
};

struct postfix_settings {
	size_t count;
	struct postfix_setting *items;
};

struct postfix_service {
	char *name;
	int chroot;
	struct postfix_settings options;
};

/* A lookup table that must be a file. */
struct postfix_file {
	char *path;
	char *text;
	int is_private; /* says who logs in as whom */
	int is_indexed; /* for postmap(1) */
};

struct postfix_plan {
	struct postfix_settings main;
	size_t service_count;
	struct postfix_service *services;
	size_t file_count;
	struct postfix_file *files;
	size_t note_count;
	char **notes; /* what an administrator has to look at himself */
};

void postfix_settings_add(struct postfix_settings *settings,
    const char *comment, const char *name, char *value);

/* The value, NULL if the name is not there. */
const char *postfix_settings_find(
    const struct postfix_settings *settings, const char *name);

/* Free what is in the list; it may be used again. */
void postfix_settings_clear(struct postfix_settings *settings);

/* A parameter of a transport: "postoak_x" and "destination_rate_delay". */
void postfix_settings_transport(struct postfix_plan *plan,
    const char *transport, const char *suffix, char *value);

/* A new service without options, valid until the next one is added. */
struct postfix_service *postfix_settings_service(
    struct postfix_plan *plan, const char *name, int chroot);

void postfix_settings_note(struct postfix_plan *plan, char *text);
/* Valid until the next one is added. */
struct postfix_file *postfix_settings_file(
    struct postfix_plan *plan, char *path, char *text);

/* The plan with all in it; NULL is allowed. */
void postfix_plan_free(struct postfix_plan *plan);

#endif
