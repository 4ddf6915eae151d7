/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_change - what differs in a Postfix. See postfix_change.h.
 */
#include "postfix_change.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "postfix_list.h"
#include "show.h"

#define PREFIX "postoak_"

static int
is_ours(const char *name)
{
	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static char *
copy(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

static int
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
add(struct postfix_changes *changes, enum postfix_change_kind kind,
    const char *service, const char *name, const char *from, const char *to)
{
	struct postfix_change *change;

	if (is_same(from, to))
		return;
	changes->items = mem_grow(
	    changes->items, changes->count + 1, sizeof(*changes->items));
	change = &changes->items[changes->count++];
	change->kind = kind;
	change->service = copy(service);
	change->name = copy(name);
	change->from = copy(from);
	change->to = copy(to);
}

static const char *
yes_no(int value)
{
	return value ? "y" : "n";
}

/* --- to a plan ------------------------------------------------------------ */

/* The value a parameter is to have beside what others put there; to be freed.
 */
static char *
wanted(const struct postfix_setting *item, const char *now)
{
	static const char *const shared[] = {"smtpd_milters",
	    "non_smtpd_milters", "internal_mail_filter_classes",
	    "sender_dependent_default_transport_maps"};
	size_t i;

	/* The same filters for local mail already: ours are among them. */
	if (now != NULL && strstr(now, "$smtpd_milters") != NULL)
		return mem_strdup(now);
	for (i = 0; now != NULL && i < sizeof(shared) / sizeof(shared[0]); i++)
		if (strcmp(item->name, shared[i]) == 0)
			return postfix_list_join(item->value, now);
	return mem_strdup(item->value);
}

static void
plan_main(struct postfix_changes *changes, const struct postfix_plan *plan,
    const struct postfix_look *now)
{
	const char *from;
	char *to;
	size_t i;

	for (i = 0; i < plan->main.count; i++) {
		from = postfix_settings_find(
		    &now->written, plan->main.items[i].name);
		to = wanted(&plan->main.items[i], from);
		add(changes, POSTFIX_CHANGE_MAIN, NULL,
		    plan->main.items[i].name, from, to);
		free(to);
	}
}

/* What an earlier plan set and this one does not: it would send mail to a
 * transport that goes away. */
static void
plan_stale_main(struct postfix_changes *changes,
    const struct postfix_plan *plan, const struct postfix_look *now)
{
	static const char routes[] = "sender_dependent_default_transport_maps";
	const struct postfix_settings *written = &now->written;
	const char *transport, *maps;
	char *rest;
	size_t i;

	for (i = 0; i < written->count; i++)
		if (is_ours(written->items[i].name) &&
		    postfix_settings_find(
			&plan->main, written->items[i].name) == NULL)
			add(changes, POSTFIX_CHANGE_MAIN, NULL,
			    written->items[i].name, written->items[i].value,
			    NULL);
	transport = postfix_settings_find(written, "default_transport");
	if (transport != NULL && is_ours(transport) &&
	    postfix_settings_find(&plan->main, "default_transport") == NULL) {
		add(changes, POSTFIX_CHANGE_MAIN, NULL, "default_transport",
		    transport, NULL);
		add(changes, POSTFIX_CHANGE_MAIN, NULL, "relayhost",
		    postfix_settings_find(written, "relayhost"), NULL);
	}
	maps = postfix_settings_find(written, routes);
	if (maps != NULL &&
	    postfix_settings_find(&plan->main, routes) == NULL) {
		rest = postfix_list_join("", maps);
		add(changes, POSTFIX_CHANGE_MAIN, NULL, routes, maps,
		    rest[0] != '\0' ? rest : NULL);
		free(rest);
	}
}

static void
plan_service(struct postfix_changes *changes,
    const struct postfix_service *service, const struct postfix_look *now)
{
	const struct postfix_look_service *there =
	    postfix_look_find(now, service->name, "unix");
	const struct postfix_setting *option;
	size_t i;

	if (there != NULL && strcmp(there->program, "smtp") != 0)
		there = NULL; /* whatever it is, it is replaced */
	if (there == NULL)
		add(changes, POSTFIX_CHANGE_SERVICE, service->name, "chroot",
		    NULL, yes_no(service->chroot));
	else
		add(changes, POSTFIX_CHANGE_CHROOT, service->name, "chroot",
		    yes_no(there->chroot), yes_no(service->chroot));
	for (i = 0; i < service->options.count; i++) {
		option = &service->options.items[i];
		add(changes, POSTFIX_CHANGE_OPTION, service->name, option->name,
		    there != NULL
			? postfix_settings_find(&there->written, option->name)
			: NULL,
		    option->value);
	}
}

static int
has_service(const struct postfix_plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->service_count; i++)
		if (strcmp(plan->services[i].name, name) == 0)
			return 1;
	return 0;
}

void
postfix_change_plan(struct postfix_changes *changes,
    const struct postfix_plan *plan, const struct postfix_look *now)
{
	const struct postfix_look_service *service;
	size_t i;

	memset(changes, 0, sizeof(*changes));
	plan_main(changes, plan, now);
	plan_stale_main(changes, plan, now);
	for (i = 0; i < plan->service_count; i++)
		plan_service(changes, &plan->services[i], now);
	for (i = 0; i < now->service_count; i++) {
		service = &now->services[i];
		if (is_ours(service->name) &&
		    strcmp(service->type, "unix") == 0 &&
		    !has_service(plan, service->name))
			add(changes, POSTFIX_CHANGE_SERVICE, service->name,
			    "chroot", yes_no(service->chroot), NULL);
	}
}

/* --- back again ----------------------------------------------------------- */

/* One value: back to what it was, unless it is another one by now. Where the
 * file itself is, postconf says as if it stood in it. */
static void
back(struct postfix_changes *changes, struct postfix_change kind,
    const char *before, const char *after, const char *now)
{
	if (is_same(before, after) || is_same(now, before) ||
	    strcmp(kind.name, "config_directory") == 0)
		return;
	add(changes, is_same(now, after) ? kind.kind : POSTFIX_CHANGE_KEPT,
	    kind.service, kind.name, now, before);
}

static void
back_settings(struct postfix_changes *changes, struct postfix_change kind,
    const struct postfix_settings *before, const struct postfix_settings *after,
    const struct postfix_settings *now)
{
	size_t i;

	for (i = 0; i < after->count; i++) {
		kind.name = after->items[i].name;
		back(changes, kind, postfix_settings_find(before, kind.name),
		    after->items[i].value,
		    postfix_settings_find(now, kind.name));
	}
	for (i = 0; i < before->count; i++) {
		kind.name = before->items[i].name;
		if (postfix_settings_find(after, kind.name) == NULL)
			back(changes, kind, before->items[i].value, NULL,
			    postfix_settings_find(now, kind.name));
	}
}

static int
is_same_service(
    const struct postfix_look_service *a, const struct postfix_look_service *b)
{
	size_t i;

	if (strcmp(a->program, b->program) != 0 || a->chroot != b->chroot ||
	    a->written.count != b->written.count)
		return 0;
	for (i = 0; i < a->written.count; i++)
		if (!is_same(a->written.items[i].value,
			postfix_settings_find(
			    &b->written, a->written.items[i].name)))
			return 0;
	return 1;
}

static void
add_options(
    struct postfix_changes *changes, const struct postfix_look_service *service)
{
	size_t i;

	for (i = 0; i < service->written.count; i++)
		add(changes, POSTFIX_CHANGE_OPTION, service->name,
		    service->written.items[i].name, NULL,
		    service->written.items[i].value);
}

/* A service that was made goes away, one that went away comes back. */
static void
back_service(struct postfix_changes *changes, const struct postfix_look *before,
    const struct postfix_look_service *after, const struct postfix_look *now)
{
	const struct postfix_look_service *was, *is;
	struct postfix_change kind = {.kind = POSTFIX_CHANGE_OPTION};

	was = postfix_look_find(before, after->name, "unix");
	is = postfix_look_find(now, after->name, "unix");
	if (is == NULL)
		return;
	if (was == NULL) {
		add(changes,
		    is_same_service(is, after) ? POSTFIX_CHANGE_SERVICE
					       : POSTFIX_CHANGE_KEPT,
		    after->name, "chroot", yes_no(is->chroot), NULL);
		return;
	}
	kind.service = after->name;
	back_settings(
	    changes, kind, &was->written, &after->written, &is->written);
	kind.kind = POSTFIX_CHANGE_CHROOT;
	kind.name = copy("chroot");
	back(changes, kind, yes_no(was->chroot), yes_no(after->chroot),
	    yes_no(is->chroot));
	free(kind.name);
}

void
postfix_change_back(struct postfix_changes *changes,
    const struct postfix_look *before, const struct postfix_look *after,
    const struct postfix_look *now)
{
	const struct postfix_look_service *was;
	struct postfix_change kind = {.kind = POSTFIX_CHANGE_MAIN};
	size_t i;

	memset(changes, 0, sizeof(*changes));
	back_settings(
	    changes, kind, &before->written, &after->written, &now->written);
	for (i = 0; i < after->service_count; i++)
		if (strcmp(after->services[i].type, "unix") == 0)
			back_service(changes, before, &after->services[i], now);
	for (i = 0; i < before->service_count; i++) {
		was = &before->services[i];
		if (postfix_look_find(after, was->name, was->type) != NULL ||
		    postfix_look_find(now, was->name, was->type) != NULL)
			continue;
		add(changes, POSTFIX_CHANGE_SERVICE, was->name, "chroot", NULL,
		    yes_no(was->chroot));
		add_options(changes, was);
	}
}

size_t
postfix_change_count(const struct postfix_changes *changes)
{
	size_t i, count = 0;

	for (i = 0; i < changes->count; i++)
		count += changes->items[i].kind != POSTFIX_CHANGE_KEPT;
	return count;
}

/* --- for people ----------------------------------------------------------- */

static void
show_value(
    struct buf *out, const char *label, const char *value, const char *none)
{
	buf_addf(out, "    %4s  ", label);
	if (value != NULL)
		show_text(out, value[0] != '\0' ? value : "(empty)");
	else
		buf_adds(out, none);
	buf_adds(out, "\n");
}

/* The options of a new service, one a line. */
static void
show_option(struct buf *out, const struct postfix_change *change)
{
	buf_adds(out, "          ");
	show_text(out, change->name);
	buf_adds(out, " = ");
	show_text(out, change->to);
	buf_adds(out, "\n");
}

static void
show_change(struct buf *out, const struct postfix_change *change)
{
	int whole = change->kind == POSTFIX_CHANGE_SERVICE;

	buf_adds(out, "  ");
	if (change->service != NULL) {
		show_text(out, change->service);
		buf_adds(out, whole ? " (service)" : ": ");
	}
	if (!whole)
		show_text(out, change->name);
	buf_adds(out, "\n");
	if (whole) {
		show_value(out, "from", change->from != NULL ? "smtp" : NULL,
		    "(not there)");
		show_value(out, "to",
		    change->to == NULL	   ? NULL
		    : change->to[0] == 'y' ? "smtp, chrooted"
					   : "smtp, not chrooted",
		    "(goes away)");
		return;
	}
	show_value(out, "from", change->from, "(not set)");
	show_value(out, "to", change->to, "(not set)");
}

void
postfix_change_show(struct buf *out, const struct postfix_changes *changes,
    const char *config_directory)
{
	const struct postfix_change *change;
	const char *file, *last = NULL, *made = "";
	size_t i;

	for (i = 0; i < changes->count; i++) {
		change = &changes->items[i];
		if (change->kind == POSTFIX_CHANGE_KEPT)
			continue;
		file = change->service == NULL ? "main.cf" : "master.cf";
		if (last == NULL || strcmp(file, last) != 0)
			buf_addf(out, "%s/%s\n", config_directory, file);
		last = file;
		if (change->kind == POSTFIX_CHANGE_SERVICE &&
		    change->to != NULL)
			made = change->service;
		if (change->kind == POSTFIX_CHANGE_OPTION &&
		    strcmp(change->service, made) == 0)
			show_option(out, change);
		else
			show_change(out, change);
	}
	for (i = 0; i < changes->count; i++) {
		change = &changes->items[i];
		if (change->kind != POSTFIX_CHANGE_KEPT)
			continue;
		buf_adds(out, "kept, because it was changed since: ");
		if (change->service != NULL) {
			show_text(out, change->service);
			buf_adds(out, ": ");
		}
		show_text(out, change->name);
		buf_adds(out, "\n");
	}
}

void
postfix_change_clear(struct postfix_changes *changes)
{
	size_t i;

	for (i = 0; i < changes->count; i++) {
		free(changes->items[i].service);
		free(changes->items[i].name);
		free(changes->items[i].from);
		free(changes->items[i].to);
	}
	free(changes->items);
	memset(changes, 0, sizeof(*changes));
}
