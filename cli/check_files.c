/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_files - who can read the secrets. See check_host.h.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "check_host.h"
#include "mem.h"
#include "secretfile.h"
#include "show.h"

struct files {
	const struct checkup *checkup;
	int has_uid;
	uid_t uid; /* tokend's */
	size_t looked_at;
	size_t faults;
};

/* The user a process runs as, by /proc: its directory there is root's. */
static int
uid_of_process(int64_t pid, uid_t *uid)
{
	char path[64], line[256];
	unsigned int real, effective;
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "Uid: %u %u", &real, &effective) == 2;
	fclose(f);
	if (found)
		*uid = effective;
	return found;
}

static void
find_uid(struct files *files)
{
	const struct passwd *pw;
	struct json *status;

	status = ask(ASK_TOKEND, files->checkup->conf->tokend.control, "status",
	    NULL, ASK_SHORT_MS, NULL);
	if (status != NULL)
		files->has_uid = uid_of_process(
		    show_int(json_get_object(status, "program"), "pid"),
		    &files->uid);
	json_free(status);
	if (files->has_uid)
		return;
	pw = getpwnam("postoak");
	files->has_uid = pw != NULL;
	if (pw != NULL)
		files->uid = pw->pw_uid;
}

/* --- secrets -------------------------------------------------------------- */

static void
check_owner(struct files *files, const char *path)
{
	struct stat st;

	if (!files->has_uid || files->uid == 0 || stat(path, &st) != 0 ||
	    st.st_uid == files->uid)
		return;
	files->faults++;
	findings_add(files->checkup->findings, FINDINGS_FAIL, "secret_owner",
	    NULL,
	    "%s belongs to uid %u, and postoak-tokend runs as uid %u: it "
	    "cannot read it",
	    path, (unsigned)st.st_uid, (unsigned)files->uid);
	findings_remedy(files->checkup->findings, "chown %u %s",
	    (unsigned)files->uid, path);
}

/* tokend's own rules; a key has more than one line. */
static void
check_secret(struct files *files, const char *path, int is_line)
{
	struct secret secret = SECRET_INIT;
	struct err err;
	int rc;

	if (path == NULL)
		return;
	err_clear(&err);
	files->looked_at++;
	rc = is_line ? secretfile_read(path, &secret, &err)
		     : secretfile_read_raw(path, 0, &secret, &err);
	secret_clear(&secret);
	if (rc == 0) {
		check_owner(files, path);
		return;
	}
	files->faults++;
	findings_add_text(files->checkup->findings, FINDINGS_FAIL, "secret",
	    NULL, err.text, "make it a file that only postoak-tokend can read");
}

static void
check_list(struct files *files, const struct conf_list *list, int is_line)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		check_secret(files, list->items[i], is_line);
}

static void
check_application(
    struct files *files, const struct conf_application *application)
{
	check_list(files, &application->client_secret_files, 1);
	/* A certificate without a key file has its key in the same file. */
	check_list(files,
	    application->key_files.count > 0 ? &application->key_files
					     : &application->certificate_files,
	    0);
	check_secret(files, application->key_passphrase_file, 1);
	check_secret(files, application->service_account_file, 0);
}

/* Each application once. */
static void
check_secrets(struct files *files)
{
	const struct checkup *checkup = files->checkup;
	const struct conf_account *account;
	size_t i, k;

	for (i = 0; i < checkup->target_count; i++) {
		account = checkup->targets[i].account;
		check_secret(files, account->password_file, 1);
		for (k = 0; k < i; k++)
			if (checkup->targets[k].account->application ==
			    account->application)
				break;
		if (k == i)
			check_application(files, account->application);
	}
	check_secret(files, checkup->conf->milter.counters_password_file, 1);
	if (access(checkup->conf->tokend.seal_key_file, F_OK) == 0)
		check_secret(files, checkup->conf->tokend.seal_key_file, 0);
}

/* --- directories and the configuration ------------------------------------ */

/* A directory that is nobody else's affair; made at the first start. */
static void
check_directory(
    struct files *files, const char *path, const char *id, const char *what)
{
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
		return;
	files->faults++;
	findings_add(files->checkup->findings, FINDINGS_FAIL, id, NULL,
	    "%s %s has mode %04o: others than its owner may enter it", what,
	    path, (unsigned)(st.st_mode & 07777));
	findings_remedy(files->checkup->findings, "chmod 700 %s", path);
}

/* Who writes the configuration says where secrets are sent. */
static void
check_writers(struct files *files, const char *path)
{
	struct stat st;

	/* In a sticky directory nobody replaces what is another's. */
	if (stat(path, &st) != 0 || (st.st_mode & 022) == 0 ||
	    (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0))
		return;
	files->faults++;
	findings_add(files->checkup->findings, FINDINGS_FAIL,
	    "configuration_mode", NULL,
	    "%s has mode %04o: others than its owner may write it, and with it "
	    "say where secrets are sent",
	    path, (unsigned)(st.st_mode & 07777));
	findings_remedy(files->checkup->findings, "chmod go-w %s", path);
}

static void
check_configuration(struct files *files)
{
	char *directory = mem_strdup(files->checkup->conf->path);
	char *slash = strrchr(directory, '/');

	check_writers(files, directory);
	if (slash != NULL && slash > directory) {
		*slash = '\0';
		check_writers(files, directory);
	}
	free(directory);
}

void
check_host_files(const struct checkup *checkup)
{
	struct files files = {.checkup = checkup};
	const struct conf *conf = checkup->conf;

	check_configuration(&files);
	if (geteuid() != 0) {
		findings_add(checkup->findings, FINDINGS_NOTE, "secret", NULL,
		    "who can read the secrets, only root can see");
		return;
	}
	find_uid(&files);
	check_secrets(&files);
	check_directory(&files, conf->tokend.store, "store", "the token store");
	if (strncmp(conf->milter.counters, "lmdb:", 5) == 0)
		check_directory(&files, conf->milter.counters + 5, "counters",
		    "the counters' directory");
	if (files.faults == 0)
		findings_add(checkup->findings, FINDINGS_OK, "secret", NULL,
		    "%zu secret %s, the token store and the counters are open "
		    "to their owner only",
		    files.looked_at, files.looked_at == 1 ? "file" : "files");
}
