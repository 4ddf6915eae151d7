/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden - a secret from standard input. See hidden.h.
 */
#define _GNU_SOURCE
#include "hidden.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define BLOCK 4096
#define CTRL_D 4
#define CTRL_U 21
#define BACKSPACE 8
#define DELETE 127

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static struct termios before;
static int is_hidden;

/* --- the terminal --------------------------------------------------------- */

/* A terminal left without echo is worse than a secret seen. */
static void
on_end(int number)
{
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	signal(number, SIG_DFL);
	raise(number);
}

static void
set_handlers(void (*handler)(int))
{
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (signal(ends[i], handler) == SIG_IGN)
			signal(ends[i], SIG_IGN);
}

/*
 * Byte by byte, because a terminal's own line ends after 4095 bytes, and a
 * refresh token may be longer.
 */
static int
hide(void)
{
	struct termios hidden;

	if (tcgetattr(STDIN_FILENO, &before) == -1)
		return -1;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON);
	hidden.c_cc[VMIN] = 1;
	hidden.c_cc[VTIME] = 0;
	set_handlers(on_end);
	is_hidden = 1;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
}

static void
show_again(void)
{
	if (!is_hidden)
		return;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	set_handlers(SIG_DFL);
	is_hidden = 0;
}

/* 1 at the end of the line; else the byte is taken or does its work. */
static int
take_key(char key, struct buf *out)
{
	if (key == '\n' || key == '\r' || key == CTRL_D)
		return 1;
	if (key == CTRL_U) {
		out->len = 0;
	} else if (key == BACKSPACE || key == DELETE) {
		if (out->len > 0)
			out->len--;
	} else {
		(void)buf_add(out, &key, 1);
	}
	return 0;
}

static int
read_terminal(const char *prompt, struct buf *out)
{
	ssize_t got;
	char key;
	int ended = 0, errnum = 0;

	if (hide() == -1)
		return errno;
	fputs(prompt, stderr);
	while (!ended) {
		got = read(STDIN_FILENO, &key, 1);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			errnum = errno;
		ended = got != 1 || take_key(key, out);
	}
	explicit_bzero(&key, 1);
	show_again();
	fputs("\n", stderr);
	return errnum;
}

/* --- any other input ------------------------------------------------------ */

static int
read_all(struct buf *out)
{
	char block[BLOCK];
	ssize_t got;
	int errnum = 0;

	do {
		got = read(STDIN_FILENO, block, sizeof(block));
		if (got > 0)
			(void)buf_add(out, block, (size_t)got);
	} while ((got > 0 && !out->truncated) || (got == -1 && errno == EINTR));
	if (got == -1)
		errnum = errno;
	explicit_bzero(block, sizeof(block));
	return errnum;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(struct buf *out)
{
	size_t blanks = 0;

	while (out->len > 0 && is_blank(out->data[out->len - 1]))
		out->len--;
	while (blanks < out->len && is_blank(out->data[blanks]))
		blanks++;
	buf_drop(out, blanks);
	if (out->data != NULL)
		out->data[out->len] = '\0';
}

int
hidden_read(const char *prompt, struct buf *out, struct err *err)
{
	int errnum;

	errnum =
	    isatty(STDIN_FILENO) ? read_terminal(prompt, out) : read_all(out);
	if (errnum != 0)
		return err_errno(err, ERR_TEMPORARY, errnum,
		    "standard input cannot be read");
	if (out->truncated)
		return err_set(err, ERR_PROTOCOL, "size",
		    "standard input holds more than %zu bytes", out->max);
	trim(out);
	if (out->len == 0)
		return err_set(
		    err, ERR_PROTOCOL, "value", "standard input holds nothing");
	if (memchr(out->data, '\0', out->len) != NULL)
		return err_set(err, ERR_PROTOCOL, "value",
		    "standard input holds a NUL byte");
	return 0;
}

/* --- a line at a time ----------------------------------------------------- */

void
hidden_begin(void)
{
	if (isatty(STDIN_FILENO))
		(void)hide();
}

void
hidden_end(void)
{
	show_again();
}

int
hidden_more(struct buf *line)
{
	char block[BLOCK];
	ssize_t got, i;
	int ended = 0;

	got = read(STDIN_FILENO, block, sizeof(block));
	if (got == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* What follows the line's end was pasted along with it. */
	for (i = 0; i < got && !ended; i++)
		ended = take_key(block[i], line);
	explicit_bzero(block, sizeof(block));
	if (ended)
		trim(line);
	return ended ? 1 : got <= 0 ? -1 : 0;
}
