/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen - a terminal drawn over again and again. See screen.h.
 *
 * The sequences are those of ECMA-48 and the other screen of xterm, which all
 * terminals of today know; one that does not is no worse off than after "cat".
 */
#define _GNU_SOURCE /* ppoll */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TAKE "\033[?1049h\033[?25l\033[H\033[2J"
#define GIVE_BACK "\033[?25h\033[?1049l"
#define ROWS_DEFAULT 24
#define COLUMNS_DEFAULT 80

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static struct termios before;
static int has_keys; /* standard input is the terminal, too */

int
screen_is_one(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

/* --- taking and giving back ----------------------------------------------- */

static int
write_all(const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(STDOUT_FILENO, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Safe in a signal handler. */
static void
give_back(void)
{
	(void)write_all(GIVE_BACK, strlen(GIVE_BACK));
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

static void
on_end(int number)
{
	give_back();
	signal(number, SIG_DFL);
	raise(number);
}

/* It only has to interrupt the wait. */
static void
on_resize(int number)
{
	(void)number;
}

static void
handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = handler;
	action.sa_flags = flags;
	(void)sigaction(number, &action, NULL);
}

/* A stopped program would leave the terminal as it is: it cannot be stopped by
 * a key. */
static void
take_keys(void)
{
	struct termios keys;

	has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
	if (!has_keys)
		return;
	keys = before;
	keys.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON);
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	keys.c_cc[VSUSP] = _POSIX_VDISABLE;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys);
}

void
screen_begin(void)
{
	sigset_t resize;
	size_t i;

	take_keys();
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		handle(ends[i], on_end, (int)SA_RESETHAND);
	/* A new size counts while we wait: not in the middle of an answer. */
	sigemptyset(&resize);
	sigaddset(&resize, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, &resize, NULL);
	handle(SIGWINCH, on_resize, 0);
	(void)write_all(TAKE, strlen(TAKE));
}

void
screen_end(void)
{
	size_t i;

	give_back();
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		signal(ends[i], SIG_DFL);
}

struct screen_size
screen_size_now(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row == 0 ||
	    size.ws_col == 0)
		return (struct screen_size){ROWS_DEFAULT, COLUMNS_DEFAULT};
	return (struct screen_size){size.ws_row, size.ws_col};
}

/* --- drawing and waiting -------------------------------------------------- */

int
screen_draw(const struct buf *frame)
{
	return frame->truncated ? -1 : write_all(frame->data, frame->len);
}

/* What is typed; 1 for the key that ends. End of file is nobody's key. */
static int
read_key(void)
{
	char key = 0;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == 0)
		has_keys = 0;
	return n == 1 && (key == 'q' || key == 'Q');
}

int
screen_wait(int wait_ms)
{
	struct pollfd keys = {
	    .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};
	struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
	sigset_t none;

	sigprocmask(SIG_SETMASK, NULL, &none);
	sigdelset(&none, SIGWINCH);
	if (ppoll(&keys, 1, &wait, &none) != 1)
		return 0;
	return read_key();
}

/* --- the frame ------------------------------------------------------------ */

int
screen_lines(const char *text)
{
	int lines = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		lines++;
		text++;
	}
	return lines;
}

/* The bytes of the colour sequence at p, 0 if there is none. */
static size_t
colour_len(const char *p)
{
	size_t len;

	if (strncmp(p, "\033[", 2) != 0)
		return 0;
	len = 2 + strspn(p + 2, "0123456789;");
	return p[len] == 'm' ? len + 1 : 0;
}

static void
put_cut(struct buf *out, const char *line, size_t len, int columns)
{
	const char *end = line + len;
	int column = 0;
	size_t step;

	while (line < end) {
		step = colour_len(line);
		if (step == 0) {
			/* The bytes of one character. */
			for (step = 1;
			     line + step < end &&
			     ((unsigned char)line[step] & 0xc0) == 0x80;)
				step++;
			if (++column > columns)
				break;
		}
		buf_add(out, line, step);
		line += step;
	}
	/* A colour whose end was cut off must not go on. */
	buf_adds(out, line < end ? "\033[0m\033[K" : "\033[K");
}

void
screen_fit(struct buf *out, const char *text, struct screen_size size)
{
	int lines = screen_lines(text), row;
	char more[64];
	size_t len;

	buf_adds(out, "\033[H");
	for (row = 1; row <= size.rows && row <= lines; row++) {
		len = strcspn(text, "\n");
		if (row > 1)
			buf_adds(out, "\r\n");
		if (row == size.rows && row < lines) {
			snprintf(more, sizeof(more), "... %d more lines",
			    lines - row + 1);
			put_cut(out, more, strlen(more), size.columns);
		} else {
			put_cut(out, text, len, size.columns);
		}
		text += len + 1;
	}
	buf_adds(out, "\033[J");
}
