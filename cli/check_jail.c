/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_jail - whether Postfix's programs reach tokend and the milter from
 * where they run. See check_host.h.
 *
 * smtp(8) looks for the token socket after it has entered its jail: what is
 * outside of the queue directory is not there for it.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_host.h"
#include "check_postfix.h"
#include "jail.h"
#include "mem.h"
#include "postfix_table.h"
#include "sock.h"
#include "wire.h"

#define TRY_MS 5000
#define CONTROL_MS 1000

static const char default_socket[] = POSTOAK_RUNSTATEDIR "/postoak/tokend.sock";

struct place {
	const struct checkup *checkup;
	struct check_postfix postfix;
	struct jail jail; /* of the account's transport */
	char *socket;	  /* where the plugin looks */
	size_t faults;
};

/* A daemon that is down has its own finding. */
static int
is_up(const char *control)
{
	int fd = sock_connect(control, CONTROL_MS, NULL);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* $POSTOAK_SOCKET of the mail server's environment, else what is compiled in.
 */
static char *
plugin_socket(const struct check_postfix *postfix)
{
	const char *list =
	    postfix_look_main(postfix->look, "import_environment");
	char *item, *found = NULL;

	while ((item = postfix_table_item(&list)) != NULL) {
		if (strncmp(item, "POSTOAK_SOCKET=", 15) == 0) {
			free(found);
			found = mem_strdup(item + 15);
		}
		free(item);
	}
	return found != NULL ? found : mem_strdup(default_socket);
}

/* The path from outside. */
static char *
outside(const struct place *place, const char *path, int chroot)
{
	return mem_printf("%s%s", chroot ? place->postfix.queue : "", path);
}

static int
is_listed(const struct conf_list *list, const char *path)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i], path) == 0)
			return 1;
	return 0;
}

/* --- the token socket ----------------------------------------------------- */

static void
no_socket(struct place *place, const struct check_postfix_way *way, int errnum)
{
	const struct conf *conf = place->checkup->conf;
	int chroot = place->jail.root != NULL;
	char *path = outside(place, place->socket, chroot);

	place->faults++;
	findings_add(place->checkup->findings, FINDINGS_FAIL,
	    chroot ? "jail_socket" : "token_socket", way->name,
	    chroot
		? "transport %s runs inside of %s and does not reach tokend: "
		  "%s: %s"
		: "transport %s does not reach tokend (its root is /, not "
		  "%s): %s: %s",
	    way->way.transport, place->postfix.queue, path, strerror(errnum));
	if (errnum == EACCES)
		findings_remedy(place->checkup->findings,
		    "let everybody enter the directories above it (chmod a+x) "
		    "and connect to it (mode 0666): tokend itself decides who "
		    "gets a token");
	else if (is_listed(&conf->tokend.listen, path))
		findings_remedy(place->checkup->findings,
		    "it is in listen of section tokend, so systemctl restart "
		    "postoak-tokend makes it again");
	else
		findings_remedy(place->checkup->findings,
		    "add \"%s\" to listen in section tokend of %s, and "
		    "systemctl restart postoak-tokend",
		    path, conf->path);
	free(path);
}

/* What the plugin would ask. tokend knows by the kernel who it is. */
static char *
make_request(const struct check_postfix_way *way)
{
	char *host = postfix_way_host(&way->way);
	struct buf out;

	buf_init(&out, WIRE_REQUEST_MAX);
	if (wire_put(&out, "request", "token", NULL) != 0 ||
	    wire_put_int(&out, "protocol", WIRE_VERSION, NULL) != 0 ||
	    wire_put(&out, "account", way->mailbox, NULL) != 0 ||
	    wire_put(&out, "service", "smtp", NULL) != 0 ||
	    wire_put(&out, "host", host, NULL) != 0 ||
	    wire_put(&out, "wait_ms", "0", NULL) != 0 ||
	    wire_end(&out, NULL) != 0)
		buf_clear(&out);
	free(host);
	return buf_take(&out);
}

/* A refusal is the host's affair; that there is no token is the account's. */
static void
check_answer(
    struct place *place, const struct check_postfix_way *way, char *answer)
{
	size_t len = wire_complete(answer, strlen(answer));
	struct wire wire;
	struct err err;

	err_clear(&err);
	if (len == 0 || wire_parse(&wire, answer, len, &err) != 0 ||
	    wire_answer(&wire, &err) == 0 || err.kind != ERR_DENIED)
		return;
	place->faults++;
	findings_add_text(place->checkup->findings, FINDINGS_FAIL,
	    "allow_users", way->name, err.text,
	    "add the user that Postfix runs as to allow_users in section "
	    "tokend");
}

static void
check_token_socket(struct place *place, const struct check_postfix_way *way)
{
	static char answer[WIRE_ANSWER_MAX + 1];
	char *request = make_request(way);
	int errnum;

	place->jail.root =
	    way->way.service->chroot ? place->postfix.queue : NULL;
	errnum = jail_try(&place->jail, place->socket, request, answer,
	    sizeof(answer), TRY_MS);
	/* An answer that does not come is what the account's checks find. */
	if (errnum == 0)
		check_answer(place, way, answer);
	else if (errnum != EAGAIN)
		no_socket(place, way, errnum);
	explicit_bzero(answer, sizeof(answer));
	free(request);
}

/* --- the milter's socket -------------------------------------------------- */

static int
has_chrooted(const struct postfix_look *look, const char *program)
{
	size_t i;

	for (i = 0; i < look->service_count; i++)
		if (strcmp(look->services[i].program, program) == 0 &&
		    look->services[i].chroot)
			return 1;
	return 0;
}

/* "unix:/path" without its scheme; NULL: a port. */
static const char *
milter_path(const struct conf *conf)
{
	const char *colon = strchr(conf->milter.listen, ':');

	if (strncmp(conf->milter.listen, "inet", 4) == 0 || colon == NULL)
		return NULL;
	return colon + 1;
}

static void
no_milter(struct place *place, const char *path, const char *why)
{
	place->faults++;
	findings_add(place->checkup->findings, FINDINGS_FAIL, "milter_socket",
	    NULL, "smtpd does not reach the milter's socket %s: %s", path, why);
	findings_remedy(place->checkup->findings,
	    "the socket and the directories above it must be open to group "
	    "postfix, and for a chrooted smtpd inside of %s; listen in section "
	    "milter says where it is, systemd-tmpfiles --create makes the "
	    "directory, systemctl restart postoak-milter the socket",
	    place->postfix.queue);
}

static void
check_milter_socket(struct place *place)
{
	const char *path = milter_path(place->checkup->conf);
	size_t len = strlen(place->postfix.queue);
	char nothing[1];
	int errnum;

	if (path == NULL || !is_up(place->checkup->conf->milter.control))
		return;
	place->jail.root = NULL;
	if (has_chrooted(place->postfix.look, "smtpd")) {
		if (strncmp(path, place->postfix.queue, len) != 0 ||
		    path[len] != '/') {
			no_milter(place, path, "it is outside of the jail");
			return;
		}
		place->jail.root = place->postfix.queue;
	}
	errnum =
	    jail_try(&place->jail, place->jail.root != NULL ? path + len : path,
		NULL, nothing, sizeof(nothing), TRY_MS);
	if (errnum != 0)
		no_milter(place, path, strerror(errnum));
}

/* --- what else is needed inside ------------------------------------------- */

static int
is_same_text(const char *a, const char *b)
{
	char x[4096], y[4096];
	FILE *f = fopen(a, "re"), *g = fopen(b, "re");
	size_t n = f != NULL ? fread(x, 1, sizeof(x), f) : 0;
	size_t m = g != NULL ? fread(y, 1, sizeof(y), g) : 0;

	if (f != NULL)
		fclose(f);
	if (g != NULL)
		fclose(g);
	return n == m && memcmp(x, y, n) == 0;
}

/* By the number that its master(8) has left. */
static int
is_running(const struct place *place)
{
	char *path = outside(place, "/pid/master.pid", 1);
	FILE *f = fopen(path, "re");
	int pid = 0;

	free(path);
	if (f == NULL)
		return 0;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid > 0 && kill(pid, 0) == 0;
}

/* Names are looked up inside. Debian copies this file at each start. */
static void
check_resolver(struct place *place)
{
	static const char name[] = "/etc/resolv.conf";
	char *copy = outside(place, name, 1);

	if (access(name, R_OK) == 0 && !is_same_text(name, copy)) {
		place->faults++;
		findings_add(place->checkup->findings,
		    access(copy, R_OK) == 0 ? FINDINGS_WARN : FINDINGS_FAIL,
		    "jail_resolver", NULL,
		    access(copy, R_OK) == 0
			? "%s, by which smtp finds servers inside of its jail, "
			  "is not the same as %s"
			: "%s is missing: inside of its jail smtp finds no "
			  "server (%s is outside)",
		    copy, name);
		findings_remedy(place->checkup->findings,
		    "cp %s %s; systemctl restart postfix does it, too, on "
		    "Debian",
		    name, copy);
	}
	free(copy);
}

/* A file is read before the jail is entered, a directory inside. */
static void
check_ca_path(struct place *place, const struct check_postfix_way *way)
{
	const struct postfix_look_service *service = way->way.service;
	const struct postfix_look *look = place->postfix.look;
	const char *path =
	    postfix_look_option(look, service, "smtp_tls_CApath");
	char *inside = outside(place, path, 1);

	if (*path != '\0' && access(inside, X_OK) != 0 &&
	    *postfix_look_option(look, service, "smtp_tls_CAfile") == '\0') {
		place->faults++;
		findings_add(place->checkup->findings, FINDINGS_FAIL, "jail_ca",
		    way->name,
		    "transport %s has smtp_tls_CApath = %s, which is not "
		    "inside "
		    "of its jail: no certificate can be matched",
		    way->way.transport, path);
		findings_remedy(place->checkup->findings,
		    "use smtp_tls_CAfile, which is read before the jail is "
		    "entered, or copy the directory to %s",
		    inside);
	}
	free(inside);
}

/* --- all of it ------------------------------------------------------------ */

static int
find_user(struct place *place)
{
	const char *name = postfix_look_main(place->postfix.look, "mail_owner");
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return -1;
	place->jail.uid = pw->pw_uid;
	place->jail.gid = pw->pw_gid;
	return 0;
}

static void
check_account(struct place *place, const struct checkup_target *target)
{
	struct check_postfix_way way;

	if (check_postfix_find(
		&way, &place->postfix, place->checkup, target, NULL) == 0 &&
	    way.way.service != NULL) {
		if (is_up(place->checkup->conf->tokend.control))
			check_token_socket(place, &way);
		if (way.way.service->chroot)
			check_ca_path(place, &way);
	}
	check_postfix_way_clear(&way);
}

static void
check_all(struct place *place)
{
	const struct checkup *checkup = place->checkup;
	size_t i;

	for (i = 0; i < checkup->target_count; i++)
		check_account(place, &checkup->targets[i]);
	check_milter_socket(place);
	if (has_chrooted(place->postfix.look, "smtp") && is_running(place))
		check_resolver(place);
	if (place->faults == 0 && is_up(checkup->conf->tokend.control))
		findings_add(checkup->findings, FINDINGS_OK, "jail_socket",
		    NULL,
		    "Postfix's programs reach both sockets from where "
		    "they run");
}

void
check_host_jail(const struct checkup *checkup)
{
	struct place place = {.checkup = checkup};

	if (check_postfix_open(&place.postfix, checkup, NULL) != 0) {
		/* What is wrong with it, the mail server's checks say. */
		check_postfix_close(&place.postfix);
		return;
	}
	place.socket = plugin_socket(&place.postfix);
	if (geteuid() != 0)
		findings_add(checkup->findings, FINDINGS_NOTE, "jail_socket",
		    NULL,
		    "whether Postfix's programs reach the sockets, only "
		    "root can try");
	else if (find_user(&place) == 0)
		check_all(&place);
	free(place.socket);
	check_postfix_close(&place.postfix);
}
