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
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "bookmark.h"
#include "buf.h"
#include "command.h"
#include "follow.h"
#include "json.h"
#include "maillog.h"
#include "notice.h"
#include "show.h"
#include "sock.h"

#define LOOK_MS 500
/* A state that the milter is asked for, beside what it is told. */
#define SENT_MAX 1000
#define SENDERS 4096
/* What a bookmark begins with. */
#define FROM_FILE "file "
#define FROM_JOURNAL "journal "
#define JOURNAL_LINE_MAX (1024 * 1024)

/* The sender of a message, from the line before the one about its fate. */
struct sender {
	char id[MAILLOG_ID_MAX];
	char sender[MAILLOG_SENDER_MAX];
};

static struct {
	const char *socket;
	const struct conf_list *notify_command;
	struct sender senders[SENDERS];
	struct json *sent;     /* ids to be told */
	int64_t marked;	       /* accounts, as the milter said last */
	int is_away;	       /* it does not answer: said once */
	int is_doubted;	       /* a line that is not believed: the same */
	int is_behind;	       /* stopped before all was told */
	struct follow *follow; /* or the journal, read up to here: */
	char cursor[BOOKMARK_MAX - 16];
	struct bookmark bookmark;
} watching;

static volatile sig_atomic_t stop_asked;

static void
on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

/* --- how far the log was read --------------------------------------------- */

static void
keep_place(void)
{
	char text[BOOKMARK_MAX], place[64];

	if (watching.is_behind)
		return;
	if (watching.follow != NULL) {
		follow_place(watching.follow, place, sizeof(place));
		(void)snprintf(text, sizeof(text), FROM_FILE "%s %.900s", place,
		    watching.follow->path);
	} else if (watching.cursor[0] != '\0') {
		(void)snprintf(
		    text, sizeof(text), FROM_JOURNAL "%s", watching.cursor);
	} else {
		return;
	}
	bookmark_write(&watching.bookmark, text);
}

/* Behind the word, if that is where it was read from. */
static const char *
last_place(const char *from)
{
	size_t len = strlen(from);

	return strncmp(watching.bookmark.text, from, len) == 0
		   ? watching.bookmark.text + len
		   : NULL;
}

static const char *
kind_of(const struct maillog *line)
{
	return line->kind == MAILLOG_FULL ? "full" : "blocked";
}

/* --- telling the milter --------------------------------------------------- */

/* The milter says once that an account is newly marked. */
static void
notify(const struct json *answer, const struct maillog *line)
{
	const char *account = json_get_string(answer, "account");

	if (account != NULL && json_get_bool(answer, "new", 0))
		notice_run(watching.notify_command, account, kind_of(line),
		    line->reply);
}

/* 0, or -1: nobody answers. line is what the question is about, or NULL. */
static int
tell(struct json *question, const struct maillog *line)
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
		return strcmp(err.code, "unreachable") == 0 ||
			       strcmp(err.code, "silent") == 0
			   ? -1
			   : 0;
	}
	watching.is_away = 0;
	(void)json_get_int(answer, "marked", &watching.marked);
	if (line != NULL)
		notify(answer, line);
	json_free(answer);
	return 0;
}

/*
 * Until there is an answer: the log waits. If we are stopped before, the place
 * kept is one before these lines.
 */
static void
tell_surely(struct json *(*make)(const void *), const void *arg,
    const struct maillog *line)
{
	while (tell(make(arg), line) < 0) {
		if (stop_asked) {
			watching.is_behind = 1;
			return;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static struct json *
make_sent(const void *arg)
{
	const struct json *ids = arg;
	struct json *question = ask_new("watch", NULL), *copy = json_array();
	size_t i;

	for (i = 0; ids != NULL && i < json_length(ids); i++)
		json_append_string(copy, json_string_at(ids, i));
	json_set_string(question, "step", "sent");
	json_set(question, "ids", copy);
	return question;
}

static void
tell_sent(void)
{
	if (watching.sent == NULL)
		return;
	tell_surely(make_sent, watching.sent, NULL);
	json_free(watching.sent);
	watching.sent = NULL;
}

static struct sender *
place_of(const char *id)
{
	size_t hash = 5381;

	for (; *id != '\0'; id++)
		hash = hash * 33 + (unsigned char)*id;
	return &watching.senders[hash % SENDERS];
}

static struct json *
make_refused(const void *arg)
{
	const struct maillog *line = arg;
	const struct sender *place = place_of(line->id);
	struct json *question = ask_new("watch", NULL);

	json_set_string(question, "step", "refused");
	json_set_string(question, "kind", kind_of(line));
	json_set_string(question, "id", line->id);
	if (strcmp(place->id, line->id) == 0)
		json_set_string(question, "sender", place->sender);
	json_set_string(question, "server", line->server);
	json_set_string(question, "text", line->reply);
	return question;
}

static void
take_line(void *arg, const char *text)
{
	struct maillog line;
	struct sender *place;

	(void)arg;
	if (watching.is_behind)
		return;
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
		tell_surely(make_refused, &line, &line);
		break;
	}
}

/* --- where the lines come from -------------------------------------------- */

/* Another file than the last time is read from its end. */
static void
resume_file(struct follow *follow)
{
	const char *place = last_place(FROM_FILE);
	const char *path = place != NULL ? strchr(place, '/') : NULL;

	if (path != NULL && strcmp(path, follow->path) == 0)
		follow_resume(follow, place);
}

static int
watch_file(const char *path)
{
	struct follow follow;
	struct err err;

	err_clear(&err);
	if (follow_open(&follow, path, &err) < 0)
		return show_error(&err);
	resume_file(&follow);
	watching.follow = &follow;
	keep_place();
	sock_notify("READY=1");
	while (!stop_asked) {
		follow_read(&follow, take_line, NULL);
		tell_sent();
		keep_place();
		(void)poll(NULL, 0, LOOK_MS);
	}
	follow_close(&follow);
	return EX_OK;
}

/* A mail server's users; anybody may write to the journal as "mail". */
static int
is_mail_user(const char *uid)
{
	static const char *const names[] = {"postfix", "smmta"};
	const struct passwd *user;
	char number[24];
	size_t i;

	if (strcmp(uid, "0") == 0)
		return 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		user = getpwnam(names[i]);
		if (user == NULL)
			continue;
		(void)snprintf(
		    number, sizeof(number), "%lu", (unsigned long)user->pw_uid);
		if (strcmp(uid, number) == 0)
			return 1;
	}
	return 0;
}

/* Asked only about lines that say something. _UID is journald's own word; what
 * another machine sent has none. */
static int
is_believed(const struct json *entry, const char *message)
{
	const char *uid = json_get_string(entry, "_UID");
	struct maillog line;

	maillog_read(&line, message);
	if (line.kind == MAILLOG_OTHER || uid == NULL || is_mail_user(uid))
		return 1;
	if (!watching.is_doubted)
		fprintf(stderr,
		    "postoak: lines of a mail log that user id %.20s wrote to "
		    "the journal are not believed: it is none of root, "
		    "postfix, smmta\n",
		    uid);
	watching.is_doubted = 1;
	return 0;
}

/* One entry of the journal, as JSON. */
static void
take_entry(const char *line, size_t len)
{
	struct json *entry = json_parse(line, len, NULL);
	const char *message = NULL, *cursor = NULL;

	if (entry != NULL) {
		message = json_get_string(entry, "MESSAGE");
		cursor = json_get_string(entry, "__CURSOR");
	}
	if (message != NULL && is_believed(entry, message))
		take_line(NULL, message);
	if (cursor != NULL && !watching.is_behind &&
	    strlen(cursor) < sizeof(watching.cursor))
		strcpy(watching.cursor, cursor);
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
			keep_place();
			continue;
		}
		n = read(fd, data, sizeof(data));
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && buf_add(&in, data, (size_t)n) < 0)
			buf_drop(&in, in.len);
		take_entries(&in);
		tell_sent();
		keep_place();
	}
	buf_clear(&in);
}

static int
watch_journal(void)
{
	const char *argv[] = {"journalctl", "--follow", "--lines=0",
	    "--output=json", "--quiet", "SYSLOG_FACILITY=2", NULL, NULL};
	const char *cursor = last_place(FROM_JOURNAL);
	char after[BOOKMARK_MAX + 16];
	struct err err;
	pid_t pid;
	int fd;

	err_clear(&err);
	if (cursor != NULL) {
		(void)snprintf(
		    after, sizeof(after), "--after-cursor=%s", cursor);
		argv[2] = "--no-tail";
		argv[6] = after;
	}
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
	/* A cursor that it does not take must not stop the next start, too. */
	if (cursor != NULL && watching.cursor[0] == '\0')
		bookmark_write(&watching.bookmark, "");
	fprintf(stderr, "postoak: journalctl has ended; may this user read the "
			"journal (group systemd-journal)?\n");
	return EX_TEMPFAIL;
}

int
watch_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.operands = 1};
	struct sigaction action = {.sa_handler = on_signal};
	struct conf *conf;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	watching.socket = conf->milter.control;
	watching.notify_command = &conf->tokend.notify_command;
	bookmark_open(&watching.bookmark);
	/* Is anybody marked already? Until that is known: perhaps. */
	watching.marked = -1;
	(void)tell(make_sent(NULL), NULL);
	rc = options.operands > 0 ? watch_file(options.operand[0])
				  : watch_journal();
	json_free(watching.sent);
	conf_free(conf);
	return rc;
}
