/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - "postoak watch": a small service that reads the mail log and tells
 * the milter when the provider says that an account is full or blocked, and
 * when its hourly try was sent.
 *
 * The log is a file or, without one, the journal through journalctl(1). Logs
 * to standard error, which is the journal's for a service.
 */
#include "verb.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "command.h"
#include "follow.h"
#include "json.h"
#include "maillog.h"
#include "show.h"
#include "sock.h"

#define LOOK_MS 500
/* A state that the milter is asked for, beside what it is told. */
#define SENT_MAX 1000
#define SENDERS 4096
#define JOURNAL_LINE_MAX (1024 * 1024)

/* The sender of a message, from the line before the one about its fate. */
struct sender {
	char id[MAILLOG_ID_MAX];
	char sender[MAILLOG_SENDER_MAX];
};

static struct {
	const char *socket;
	struct sender senders[SENDERS];
	struct json *sent; /* ids to be told */
	int64_t marked;	   /* accounts, as the milter said last */
	int is_away;	   /* it does not answer: said once */
} watching;

static volatile sig_atomic_t stop_asked;

static void
on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

/* --- telling the milter --------------------------------------------------- */

static void
tell(struct json *question)
{
	struct err err;
	struct json *answer;

	err_clear(&err);
	answer =
	    ask_send(ASK_MILTER, watching.socket, question, ASK_SHORT_MS, &err);
	if (answer == NULL) {
		if (!watching.is_away)
			(void)show_error(&err);
		watching.is_away = 1;
		return;
	}
	watching.is_away = 0;
	(void)json_get_int(answer, "marked", &watching.marked);
	json_free(answer);
}

static void
tell_sent(void)
{
	struct json *question;

	if (watching.sent == NULL)
		return;
	question = ask_new("watch", NULL);
	json_set_string(question, "step", "sent");
	json_set(question, "ids", watching.sent);
	watching.sent = NULL;
	tell(question);
}

static struct sender *
place_of(const char *id)
{
	size_t hash = 5381;

	for (; *id != '\0'; id++)
		hash = hash * 33 + (unsigned char)*id;
	return &watching.senders[hash % SENDERS];
}

static void
tell_refused(const struct maillog *line)
{
	const struct sender *place = place_of(line->id);
	struct json *question = ask_new("watch", NULL);

	json_set_string(question, "step", "refused");
	json_set_string(
	    question, "kind", line->kind == MAILLOG_FULL ? "full" : "blocked");
	json_set_string(question, "id", line->id);
	if (strcmp(place->id, line->id) == 0)
		json_set_string(question, "sender", place->sender);
	json_set_string(question, "server", line->server);
	json_set_string(question, "text", line->reply);
	tell(question);
}

static void
take_line(void *arg, const char *text)
{
	struct maillog line;
	struct sender *place;

	(void)arg;
	maillog_read(&line, text);
	switch (line.kind) {
	case MAILLOG_OTHER:
		break;
	case MAILLOG_FROM:
		place = place_of(line.id);
		memcpy(place->id, line.id, sizeof(place->id));
		memcpy(place->sender, line.sender, sizeof(place->sender));
		break;
	case MAILLOG_SENT:
		/* Of interest only where a try is waited for. */
		if (watching.marked == 0)
			break;
		if (watching.sent == NULL)
			watching.sent = json_array();
		json_append_string(watching.sent, line.id);
		if (json_length(watching.sent) == SENT_MAX)
			tell_sent();
		break;
	case MAILLOG_FULL:
	case MAILLOG_BLOCKED:
		tell_sent();
		tell_refused(&line);
		break;
	}
}

/* --- where the lines come from -------------------------------------------- */

static int
watch_file(const char *path)
{
	struct follow follow;
	struct err err;

	err_clear(&err);
	if (follow_open(&follow, path, &err) < 0)
		return show_error(&err);
	sock_notify("READY=1");
	while (!stop_asked) {
		follow_read(&follow, take_line, NULL);
		tell_sent();
		(void)poll(NULL, 0, LOOK_MS);
	}
	follow_close(&follow);
	return EX_OK;
}

/* One entry of the journal, as JSON. */
static void
take_entry(const char *line, size_t len)
{
	struct json *entry = json_parse(line, len, NULL);
	const char *message = NULL;

	if (entry != NULL)
		message = json_get_string(entry, "MESSAGE");
	if (message != NULL)
		take_line(NULL, message);
	json_free(entry);
}

static void
take_entries(struct buf *in)
{
	char *end;

	while (in->len > 0 && (end = memchr(in->data, '\n', in->len)) != NULL) {
		size_t len = (size_t)(end - in->data);

		take_entry(in->data, len);
		buf_drop(in, len + 1);
	}
}

/* Until the journal ends or somebody stops us. */
static void
read_journal(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct buf in;
	char data[16384];
	ssize_t n = 1;

	buf_init(&in, JOURNAL_LINE_MAX);
	while (!stop_asked && n != 0) {
		if (poll(&ready, 1, LOOK_MS) <= 0) {
			tell_sent();
			continue;
		}
		n = read(fd, data, sizeof(data));
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && buf_add(&in, data, (size_t)n) < 0)
			buf_drop(&in, in.len);
		take_entries(&in);
	}
	buf_clear(&in);
}

static int
watch_journal(void)
{
	static const char *const argv[] = {"journalctl", "--follow",
	    "--lines=0", "--output=json", "--quiet", "SYSLOG_FACILITY=2", NULL};
	struct err err;
	pid_t pid;
	int fd;

	err_clear(&err);
	fd = command_start(argv, &pid, &err);
	if (fd < 0)
		return show_error(&err);
	sock_notify("READY=1");
	read_journal(fd);
	(void)close(fd);
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
	if (stop_asked)
		return EX_OK;
	fprintf(stderr, "postoak: journalctl has ended; may this user read the "
			"journal (group systemd-journal)?\n");
	return EX_TEMPFAIL;
}

int
watch_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.operands = 1};
	struct sigaction action = {.sa_handler = on_signal};
	struct json *question;
	struct conf *conf;
	int rc;

	if (verb_parse(&options, argc, argv) != 0)
		return EX_USAGE;
	conf = verb_conf(context, &rc);
	if (conf == NULL)
		return rc;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	watching.socket = conf->milter.control;
	/* Is anybody marked already? */
	question = ask_new("watch", NULL);
	json_set_string(question, "step", "sent");
	tell(question);
	rc = options.operands > 0 ? watch_file(options.operand[0])
				  : watch_journal();
	json_free(watching.sent);
	conf_free(conf);
	return rc;
}
