/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export - "postoak export" and "postoak restore": an account's refresh token
 * from one host to another, in a file that tokend seals under a passphrase.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "conf.h"
#include "hidden.h"
#include "json.h"
#include "show.h"
#include "verb.h"

#define FILE_MAX 49152 /* what tokend takes */
#define PASSPHRASE_MAX 4096

/* --- the passphrase --------------------------------------------------------
 */

/* On a terminal a slip of the finger would be found out on the other host. */
static int
repeat(const struct buf *passphrase, struct err *err)
{
	struct buf again;
	int rc;

	buf_init(&again, PASSPHRASE_MAX);
	rc = hidden_read("The same again: ", &again, err);
	if (rc == 0 && strcmp(again.data, passphrase->data) != 0)
		rc = err_set(err, ERR_PROTOCOL, "passphrase",
		    "the two passphrases are not the same; nothing was "
		    "exported");
	buf_clear(&again);
	return rc;
}

static int
read_passphrase(int twice, struct buf *out, struct err *err)
{
	if (hidden_read("Passphrase (not shown): ", out, err) == -1)
		return -1;
	return twice && isatty(STDIN_FILENO) ? repeat(out, err) : 0;
}

/* --- the file --------------------------------------------------------------
 */

static int
put(int fd, const char *text, size_t len)
{
	ssize_t done;

	while (len > 0) {
		done = write(fd, text, len);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return -1;
		text += done;
		len -= (size_t)done;
	}
	return fsync(fd);
}

static int
is_there(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return 0;
	err_set(err, ERR_CONFIG, "file",
	    "%s is there already; name a file that is not", path);
	return 1;
}

/* Before tokend is asked: an export that nobody can keep is none. */
static int
create(const char *path, struct err *err)
{
	int fd;

	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		err_errno(err, ERR_CONFIG, errno, "%s cannot be made", path);
	return fd;
}

static int
read_file(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	char *room;

	if (fd == -1)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s cannot be opened", path);
	while (got > 0 && (room = buf_reserve(out, 1024)) != NULL) {
		got = read(fd, room, 1024);
		if (got > 0)
			buf_commit(out, (size_t)got);
	}
	close(fd);
	if (got == -1)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s cannot be read", path);
	if (got > 0 || out->len == 0 || strlen(out->data) != out->len)
		return err_set(err, ERR_CONFIG, "parcel",
		    "%s is no file that postoak export has written", path);
	return 0;
}

/* --- the verbs -------------------------------------------------------------
 */

static struct json *
ask_sealed(const struct conf *conf, const char *verb, const char *account,
    const struct buf *file, const struct buf *passphrase, struct err *err)
{
	struct json *question = ask_new(verb, account);

	if (file != NULL)
		json_set_string(question, "file", file->data);
	json_set_string(question, "passphrase", passphrase->data);
	return ask_send(
	    ASK_TOKEND, conf->tokend.control, question, ASK_LONG_MS, err);
}

static int
export_to(const struct conf *conf, const char *account, const char *path,
    struct err *err)
{
	struct json *answer = NULL;
	struct buf passphrase;
	const char *file = NULL;
	int fd, rc = -1;

	if (is_there(path, err))
		return -1;
	buf_init(&passphrase, PASSPHRASE_MAX);
	if (read_passphrase(1, &passphrase, err) == -1 ||
	    (fd = create(path, err)) == -1) {
		buf_clear(&passphrase);
		return -1;
	}
	answer = ask_sealed(conf, "export", account, NULL, &passphrase, err);
	if (answer != NULL)
		file = json_get_string(answer, "file");
	if (file != NULL)
		rc = put(fd, file, strlen(file)) == 0
			 ? 0
			 : err_errno(err, ERR_CONFIG, errno,
			       "%s cannot be written", path);
	else if (answer != NULL)
		err_set(err, ERR_PROTOCOL, "answer",
		    "tokend's answer holds no file");
	if (rc == -1)
		unlink(path);
	buf_clear(&passphrase);
	json_free(answer);
	close(fd);
	return rc;
}

static struct json *
restore_from(const struct conf *conf, const char *account, const char *path,
    struct err *err)
{
	struct json *answer = NULL;
	struct buf file, passphrase;

	buf_init(&file, FILE_MAX);
	buf_init(&passphrase, PASSPHRASE_MAX);
	if (read_file(path, &file, err) == 0 &&
	    read_passphrase(0, &passphrase, err) == 0)
		answer = ask_sealed(
		    conf, "restore", account, &file, &passphrase, err);
	buf_clear(&file);
	buf_clear(&passphrase);
	return answer;
}

static const char question[] = "which account, and which file?";

static int
print_export(const struct verb_options *options)
{
	struct json *answer;
	struct buf out;
	int rc;

	if (options->json) {
		answer = json_object();
		json_set_int(answer, "version", 1);
		json_set_string(answer, "status", "ok");
		json_set_string(answer, "file", options->operand[1]);
		return show_json(answer) == 0 ? EX_OK : EX_IOERR;
	}
	buf_init(&out, SHOW_MAX);
	show_text(&out, options->operand[0]);
	buf_adds(&out, ": sealed into ");
	show_text(&out, options->operand[1]);
	buf_adds(&out, "; on the other host: postoak restore ");
	show_text(&out, options->operand[0]);
	buf_adds(&out, " FILE\n");
	rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	return rc;
}

int
export_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {
	    .json = 1, .operands = 2, .question = question};
	struct conf *conf;
	struct err err;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	err_clear(&err);
	if (export_to(conf, options.operand[0], options.operand[1], &err) == 0)
		rc = print_export(&options);
	else
		rc = verb_report(&err, options.json);
	conf_free(conf);
	return rc;
}

int
restore_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {
	    .json = 1, .operands = 2, .question = question};
	struct conf *conf;
	struct json *answer;
	struct err err;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	err_clear(&err);
	answer =
	    restore_from(conf, options.operand[0], options.operand[1], &err);
	if (answer != NULL)
		rc = verb_life(answer, options.operand[0],
		    "restored; the refresh token brought a token, good for",
		    options.json);
	else
		rc = verb_report(&err, options.json);
	conf_free(conf);
	return rc;
}
