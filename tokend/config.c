/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - tokend's view of the configuration. See config.h.
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"
#include "log.h"
#include "mem.h"
#include "clientauth.h"
#include "secretfile.h"
#include "serviceaccount.h"

/* A name, or a number as it is. */
static int
resolve_user(const char *name, uid_t *uid)
{
	const struct passwd *pw = getpwnam(name);
	unsigned long number;
	char *end;

	if (pw != NULL) {
		*uid = pw->pw_uid;
		return 0;
	}
	if (*name < '0' || *name > '9')
		return -1;
	errno = 0;
	number = strtoul(name, &end, 10);
	if (*end != '\0' || errno != 0 || number >= (uid_t)-1)
		return -1;
	*uid = (uid_t)number;
	return 0;
}

/* whose, where: for the warning about a name that is no user; NULL: none. */
static void
resolve_users(struct config_users *users, const struct conf_list *names,
    const char *whose, const struct conf_where *where)
{
	size_t i;

	if (names->count == 0)
		return;
	users->uids = mem_zalloc(names->count, sizeof(uid_t));
	for (i = 0; i < names->count; i++)
		if (resolve_user(names->items[i], &users->uids[users->count]) ==
		    0)
			users->count++;
		else if (whose != NULL)
			log_warn(whose,
			    "no such user in allow_users, programs of that "
			    "user get no token; create it and reload: user=%s "
			    "at=%s:%d",
			    names->items[i], where->file, where->line);
}

static int
has_user(const struct config_users *users, uid_t uid)
{
	size_t i;

	for (i = 0; i < users->count; i++)
		if (users->uids[i] == uid)
			return 1;
	return 0;
}

int
config_user_allowed(
    const struct config *config, const struct conf_account *account, uid_t uid)
{
	if (has_user(&config->allow, uid))
		return 1;
	return account != NULL &&
	       has_user(
		   &config->allow_account[account - config->conf->accounts],
		   uid);
}

int
config_host_allowed(
    const struct conf_application *application, const char *host)
{
	size_t len = strlen(host);
	const char *item;
	size_t i, item_len;

	if (len > 0 && host[len - 1] == '.')
		len--;
	for (i = 0; len > 0 && i < application->hosts.count; i++) {
		item = application->hosts.items[i];
		item_len = strlen(item);
		if (item_len > 0 && item[item_len - 1] == '.')
			item_len--;
		if (item_len == len && strncasecmp(item, host, len) == 0)
			return 1;
	}
	return 0;
}

/* Put where the option stands before what is wrong with its file. */
static int
blame(const struct conf_where *where, const char *option, const struct err *why,
    struct err *err)
{
	if (where->file == NULL)
		return err_set(
		    err, why->kind, why->code, "%s: %s", option, why->text);
	return err_set(err, why->kind, why->code, "%s:%d: %s: %s", where->file,
	    where->line, option, why->text);
}

static int
check_file(const char *path, const struct conf_where *where, const char *option,
    struct err *err)
{
	struct secret secret = SECRET_INIT;
	struct err why;
	int rc;

	rc = secretfile_read(path, &secret, &why);
	secret_clear(&secret);
	return rc == 0 ? 0 : blame(where, option, &why, err);
}

/* What has expired is told; it must not keep other accounts from starting. */
static int
check_proof(
    const struct conf_application *application, size_t n, struct err *err)
{
	struct err why;

	if (clientauth_check(application, n, clock_wall_s(), &why) == 0)
		return 0;
	if (strcmp(why.code, CLIENTAUTH_EXPIRED) != 0)
		return blame(&application->where_proof,
		    clientauth_option(application), &why, err);
	(void)blame(&application->where_proof, clientauth_option(application),
	    &why, err);
	log_warn(application->name, "%s", err->text);
	return 0;
}

/*
 * 0 if there is a certificate in the file; libcurl would say no before each
 * exchange, and not which option is to blame.
 */
static int
look_for_certificate(FILE *file, const char *path, struct err *err)
{
	char line[128];

	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "-----BEGIN ", 11) == 0 &&
		    strstr(line, "CERTIFICATE-----") != NULL)
			return 0;
	return err_set(err, ERR_CONFIG, "ca_file",
	    "%s holds no certificate in PEM form", path);
}

static int
read_ca(const char *path, struct err *err)
{
	FILE *file;
	struct stat st;
	/* Not to hang at a FIFO. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int rc;

	if (fd == -1)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s cannot be read", path);
	file = fdopen(fd, "r");
	if (file == NULL || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		rc = err_set(err, ERR_CONFIG, "ca_file", "%s is no file", path);
	else
		rc = look_for_certificate(file, path, err);
	if (file != NULL)
		(void)fclose(file);
	else
		(void)close(fd);
	return rc;
}

static int
check_ca(const struct conf_application *application, struct err *err)
{
	const struct conf_where *where = &application->where_ca;
	struct err why;

	if (application->ca_file == NULL ||
	    read_ca(application->ca_file, &why) == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "ca_file",
	    "%s:%d: ca_file: %s; name the file with the certificates the "
	    "provider's is checked with, or delete the line for the system's",
	    where->file, where->line, why.text);
}

static int
check_service_account(
    const struct conf_application *application, struct err *err)
{
	struct secret jwt = SECRET_INIT;
	struct err why;
	int rc;

	rc = serviceaccount_sign(application, "", clock_wall_s(), &jwt, &why);
	secret_clear(&jwt);
	return rc == 0 ? 0
		       : blame(&application->where, "service_account_file",
			     &why, err);
}

static int
check_files(const struct conf *conf, struct err *err)
{
	const struct conf_application *application;
	const struct conf_account *account;
	size_t i, j;

	for (i = 0; i < conf->application_count; i++) {
		application = &conf->applications[i];
		if (application->service_account_file != NULL &&
		    check_service_account(application, err) == -1)
			return -1;
		for (j = 0; j < clientauth_count(application); j++)
			if (check_proof(application, j, err) == -1)
				return -1;
		if (check_ca(application, err) == -1)
			return -1;
	}
	for (i = 0; i < conf->account_count; i++) {
		account = &conf->accounts[i];
		if (account->password_file != NULL &&
		    check_file(account->password_file, &account->where_password,
			"password_file", err) == -1)
			return -1;
	}
	return 0;
}

static int
check_endpoints(const struct conf *conf, struct err *err)
{
	const struct conf_application *application;
	struct err why;
	size_t i;

	for (i = 0; i < conf->application_count; i++) {
		application = &conf->applications[i];
		if (application->is_identity)
			continue;
		if (application->token_endpoint == NULL ||
		    http_check_url(application->token_endpoint, &why) == -1)
			return err_set(err, ERR_CONFIG, "endpoint",
			    "%s:%d: token_endpoint of application %s: %s",
			    application->where.file, application->where.line,
			    application->name,
			    application->token_endpoint == NULL
				? "there is none; configure it"
				: why.text);
	}
	return 0;
}

const char *
config_certificate_end(
    struct config *config, const struct conf_application *application)
{
	struct config_certificate *certificate =
	    &config->certificates[application - config->conf->applications];
	uint64_t stamp;
	struct tm tm;
	time_t end;

	if (application->proof != CONF_PROOF_CERTIFICATE)
		return NULL;
	stamp = clientauth_stamp(application);
	if (stamp != certificate->stamp) {
		end = (time_t)clientauth_not_after_s(application);
		if (end == 0 || gmtime_r(&end, &tm) == NULL ||
		    strftime(certificate->end, sizeof(certificate->end),
			"%Y-%m-%d", &tm) == 0)
			certificate->end[0] = '\0';
		certificate->stamp = stamp;
	}
	return certificate->end[0] != '\0' ? certificate->end : NULL;
}

/* A group that does not exist gives nobody rights: said, not fatal. */
static void
resolve_group(struct config *config)
{
	const char *name = config->conf->tokend.admin_group;
	const struct group *group;

	if (name == NULL)
		return;
	group = getgrnam(name);
	if (group == NULL) {
		log_warn(NULL, "no such group: admin_group=%s", name);
		return;
	}
	config->admin_gid = group->gr_gid;
	config->has_admin_gid = 1;
}

struct config *
config_load(const char *path, struct err *err)
{
	struct config *config;
	const struct conf *conf;
	size_t i;

	config = mem_zalloc(1, sizeof(*config));
	config->references = 1;
	config->conf = conf_load(path, err);
	conf = config->conf;
	if (conf == NULL || check_endpoints(conf, err) == -1 ||
	    check_files(conf, err) == -1) {
		config_unref(config);
		return NULL;
	}
	/* Of the default's users some belong to mail servers not used here. */
	resolve_users(&config->allow, &conf->tokend.allow_users,
	    conf->tokend.allow_users_is_default ? NULL : "tokend",
	    &conf->tokend.where_users);
	config->certificates = mem_zalloc(
	    conf->application_count, sizeof(struct config_certificate));
	config->allow_account =
	    mem_zalloc(conf->account_count, sizeof(struct config_users));
	for (i = 0; i < conf->account_count; i++)
		resolve_users(&config->allow_account[i],
		    &conf->accounts[i].allow_users, conf->accounts[i].name,
		    &conf->accounts[i].where);
	resolve_group(config);
	return config;
}

struct config *
config_ref(struct config *config)
{
	config->references++;
	return config;
}

void
config_unref(struct config *config)
{
	size_t i;

	if (config == NULL || --config->references > 0)
		return;
	if (config->allow_account != NULL)
		for (i = 0; i < config->conf->account_count; i++)
			free(config->allow_account[i].uids);
	free(config->allow_account);
	free(config->certificates);
	free(config->allow.uids);
	conf_free(config->conf);
	free(config);
}
