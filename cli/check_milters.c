/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_milters - Postfix and our milter. See check_milters.h.
 */
#include "check_milters.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "buf.h"
#include "mem.h"
#include "milter_kind.h"
#include "postfix_table.h"

#define LIST_MAX 65536

struct milters {
	const struct checkup *checkup;
	const struct check_postfix *postfix;
	const struct postfix_plan *plan;
	const char *ours; /* as Postfix writes it */
	int faults;
};

/* --- the list ------------------------------------------------------------- */

/* "{ inet:host:port, default_action=x }" or the address alone. */
struct entry {
	char *text;    /* as it stands */
	char *address; /* without braces */
	char *action;  /* its own default_action, or NULL */
};

static void
free_entry(struct entry *entry)
{
	free(entry->text);
	free(entry->address);
	free(entry->action);
}

static void
read_attributes(struct entry *entry, const char *list)
{
	static const char name[] = "default_action=";
	char *item;

	while ((item = postfix_table_item(&list)) != NULL) {
		if (strncmp(item, name, sizeof(name) - 1) == 0) {
			free(entry->action);
			entry->action = mem_strdup(item + sizeof(name) - 1);
		}
		free(item);
	}
}

/* 1 and the next entry (free_entry), or 0 at the end. */
static int
next_entry(const char **list, struct entry *entry)
{
	const char *inside;
	char *copy;
	size_t len;

	memset(entry, 0, sizeof(*entry));
	entry->text = postfix_table_item(list);
	if (entry->text == NULL)
		return 0;
	if (entry->text[0] != '{') {
		entry->address = mem_strdup(entry->text);
		return 1;
	}
	len = strlen(entry->text);
	copy = mem_strndup(entry->text + 1, len - 2);
	inside = copy;
	entry->address = postfix_table_item(&inside);
	read_attributes(entry, inside);
	free(copy);
	return 1;
}

/* Where a program in the queue directory, or in its jail, looks for it. */
static char *
socket_path(const struct milters *milters, const char *address, int chroot)
{
	const char *path = strchr(address, ':');

	if (path == NULL || strncmp(address, "unix:", 5) != 0)
		return NULL;
	path++;
	if (*path == '/' && !chroot)
		return mem_strdup(path);
	return mem_printf(
	    "%s/%s", milters->postfix->queue, path + strspn(path, "/"));
}

static int
is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
	       (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino &&
		   x.st_dev == y.st_dev);
}

/* inet:localhost:PORT is inet:127.0.0.1:PORT. */
static int
is_same_port(const char *address, const char *ours)
{
	const char *port = strrchr(address, ':');

	return strncmp(address, "inet:localhost:", 15) == 0 &&
	       strncmp(ours, "inet:127.0.0.1:", 15) == 0 &&
	       strcmp(port, strrchr(ours, ':')) == 0;
}

static int
is_ours(const struct milters *milters, const char *address, int chroot)
{
	const char *listen = milters->checkup->conf->milter.listen;
	const char *colon = strchr(listen, ':');
	char *path;
	int found;

	if (address == NULL)
		return 0;
	if (strcmp(address, milters->ours) == 0 ||
	    is_same_port(address, milters->ours))
		return 1;
	path = socket_path(milters, address, chroot);
	found = path != NULL && colon != NULL && is_same_file(path, colon + 1);
	free(path);
	return found;
}

/* --- what is said of it --------------------------------------------------- */

/* The list with ours before all others; postconf -P takes no blanks. */
static char *
mended(const struct milters *milters, const char *list, int chroot,
    const char *separator)
{
	struct entry entry;
	struct buf out;

	buf_init(&out, LIST_MAX);
	buf_adds(&out, milters->ours);
	while (next_entry(&list, &entry)) {
		if (!is_ours(milters, entry.address, chroot))
			buf_addf(&out, "%s%s", separator, entry.text);
		free_entry(&entry);
	}
	return buf_take(&out);
}

static void
remedy(struct milters *milters, const struct postfix_look_service *service,
    const char *name, const char *value)
{
	const char *directory = milters->postfix->directory;
	char *command =
	    check_postfix_command(milters->postfix, service, name, value);

	findings_remedy(milters->checkup->findings, "%s && postfix%s%s reload",
	    command, directory != NULL ? " -c " : "",
	    directory != NULL ? directory : "");
	free(command);
}

struct sight {
	int found;    /* ours is in the list */
	char *before; /* a signer that comes before it */
	char *action; /* what its own entry says */
};

static struct sight
look_at(const struct milters *milters, const char *list, int chroot)
{
	struct sight sight = {0, NULL, NULL};
	struct entry entry;

	while (!sight.found && next_entry(&list, &entry)) {
		sight.found = is_ours(milters, entry.address, chroot);
		if (sight.found && entry.action != NULL)
			sight.action = mem_strdup(entry.action);
		if (!sight.found && sight.before == NULL &&
		    milter_kind_signs(entry.address))
			sight.before = mem_strdup(entry.address);
		free_entry(&entry);
	}
	return sight;
}

/* tempfail waits, and shutdown (Postfix 3.11) as well. */
static void
check_action(struct milters *milters, const char *action)
{
	static const char name[] = "milter_default_action";

	if (strcmp(action, "tempfail") == 0 || strcmp(action, "shutdown") == 0)
		return;
	milters->faults++;
	findings_add(milters->checkup->findings,
	    strcmp(action, "quarantine") == 0 ? FINDINGS_WARN : FINDINGS_FAIL,
	    "milter_action", NULL, "%s = %s: while the milter is away, mail %s",
	    name, action,
	    strcmp(action, "accept") == 0
		? "leaves with senders that Exchange refuses, and past the "
		  "limits"
	    : strcmp(action, "quarantine") == 0
		? "is put on hold until somebody lets it go"
		: "is refused for good, instead of waiting");
	remedy(milters, NULL, name, "tempfail");
}

/*
 * One list, as one service has it. service NULL: main.cf's, for all that have
 * none of their own.
 */
static void
check_list(struct milters *milters, const char *name, const char *id,
    const struct postfix_look_service *service, const char *list, int chroot)
{
	struct findings *findings = milters->checkup->findings;
	struct sight sight = look_at(milters, list, chroot);
	char *value =
	    mended(milters, list, chroot, service != NULL ? "," : ", ");
	char *whose = service != NULL ? mem_printf(" (of %s)", service->name)
				      : mem_strdup("");

	if (!sight.found) {
		/* A service behind a filter rightly has none. */
		findings_add(findings,
		    service != NULL ? FINDINGS_WARN : FINDINGS_FAIL, id, NULL,
		    "%s%s = %s: the milter (%s) is not among them, so %s keeps "
		    "its sender and is not counted",
		    name, whose, *list != '\0' ? list : "(nothing)",
		    milters->ours,
		    strcmp(name, "smtpd_milters") == 0
			? "mail that is submitted here"
			: "mail of this host's own programs");
		remedy(milters, service, name, value);
	} else if (sight.before != NULL) {
		findings_add(findings, FINDINGS_FAIL, "milter_order", NULL,
		    "%s%s has the DKIM signer %s before the milter, which then "
		    "changes what was signed: signatures break",
		    name, whose, sight.before);
		remedy(milters, service, name, value);
	}
	milters->faults += !sight.found || sight.before != NULL;
	if (sight.found)
		check_action(
		    milters, sight.action != NULL
				 ? sight.action
				 : postfix_look_main(milters->postfix->look,
				       "milter_default_action"));
	free(value);
	free(whose);
	free(sight.before);
	free(sight.action);
}

/* main.cf's list as the first chrooted or not chrooted one of them sees it. */
static int
is_chrooted(const struct postfix_look *look, const char *program)
{
	size_t i;

	for (i = 0; i < look->service_count; i++)
		if (strcmp(look->services[i].program, program) == 0)
			return look->services[i].chroot;
	return 0;
}

static void
check_lists(struct milters *milters)
{
	static const char name[] = "smtpd_milters";
	const struct postfix_look *look = milters->postfix->look;
	const struct postfix_look_service *service;
	const char *own;
	size_t i;

	check_list(milters, name, "milter_smtpd", NULL,
	    postfix_look_main(look, name), is_chrooted(look, "smtpd"));
	for (i = 0; i < look->service_count; i++) {
		service = &look->services[i];
		own = postfix_settings_find(&service->options, name);
		if (strcmp(service->program, "smtpd") == 0 && own != NULL)
			check_list(milters, name, "milter_smtpd", service, own,
			    service->chroot);
	}
	check_list(milters, "non_smtpd_milters", "milter_local", NULL,
	    postfix_look_main(look, "non_smtpd_milters"),
	    is_chrooted(look, "cleanup"));
}

/* --- what else the milter needs ------------------------------------------- */

static void
warn(struct milters *milters, const char *id, const char *name,
    const char *value, const char *planned, const char *why)
{
	milters->faults++;
	findings_add(milters->checkup->findings, FINDINGS_WARN, id, NULL,
	    "%s = %s: %s", name, *value != '\0' ? value : "(nothing)", why);
	remedy(milters, NULL, name, planned);
}

static void
check_main(struct milters *milters)
{
	static const char ids[] = "enable_long_queue_ids";
	static const char classes[] = "internal_mail_filter_classes";
	static const char size[] = "message_size_limit";
	const struct postfix_look *look = milters->postfix->look;
	const char *planned = postfix_settings_find(&milters->plan->main, size);
	const char *value = postfix_look_main(look, ids);

	if (strcmp(value, "yes") != 0)
		warn(milters, "long_queue_ids", ids, value, "yes",
		    "mail is counted by its queue id, and short ones come "
		    "again too soon");
	value = postfix_look_main(look, classes);
	if (!postfix_table_has(value, "bounce"))
		warn(milters, "bounces", classes, value, "bounce",
		    "the milter does not see this host's own bounces, and "
		    "Exchange refuses their empty sender");
	value = postfix_look_main(look, size);
	if (planned != NULL &&
	    (atoll(value) == 0 || atoll(value) > atoll(planned)))
		warn(milters, "message_size", size, value, planned,
		    "the server takes less, and larger mail comes back to its "
		    "sender only after the way through the queue");
}

void
check_milters(const struct checkup *checkup,
    const struct check_postfix *postfix, const struct postfix_plan *plan)
{
	struct milters milters = {
	    .checkup = checkup, .postfix = postfix, .plan = plan};

	milters.ours = postfix_settings_find(&plan->main, "smtpd_milters");
	if (milters.ours == NULL)
		return;
	check_lists(&milters);
	check_main(&milters);
	if (milters.faults == 0)
		findings_add(checkup->findings, FINDINGS_OK, "milters", NULL,
		    "all mail is shown to the milter (%s), which comes before "
		    "any DKIM signer; mail waits while it is away",
		    milters.ours);
}
