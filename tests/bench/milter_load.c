/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_load - sends messages to a milter as fast as it answers, in the way
 * Postfix does: what needs no reply is collected, smtpd(8) writes the envelope
 * and cleanup(8) the rest of the message, the next envelope begins with the
 * ABORT that ends the message before.
 *
 * usage: milter_load SOCKET PID CONNECTIONS MESSAGES SENDERS [FIRST]
 *
 * PID is the milter's, whose processor time is measured. Messages come from
 * erp00000@app.example to the SENDERSth such address in turn; their queue ids
 * count from FIRST. Prints "messages seconds cpu_seconds edits", edits being
 * those of one message. Ends with 1 if a message is not let through.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define BYTES_MAX 4096

/* Packets one after the other. */
struct packets {
	unsigned char data[BYTES_MAX];
	size_t len;
};

struct connection {
	int fd;
	unsigned char data[BYTES_MAX]; /* read and not yet looked at */
	size_t len;
};

static struct packets envelope, message;
static size_t sender_at, id_at; /* where the digits are */
static unsigned long sent, done, wanted, senders, first, edits;

static const char *const fields[][2] = {
    {"Received", "from erp.app.example (erp.app.example [192.0.2.7])\n"
		 "\tby relay.example.test (Postfix) with ESMTP id 4ABCDEF\n"
		 "\tfor <someone@example.net>; Mon, 2 Nov 2026 10:00:00 +0000"},
    {"From", "ERP B\xc3\xbcro <erp@app.example>"},
    {"To", "Someone <someone@example.net>"},
    {"Reply-To", "Desk <desk@app.example>"},
    {"Subject", "Invoice 4711 of October"},
    {"Date", "Mon, 2 Nov 2026 10:00:00 +0000"},
    {"Message-ID", "<20261102100000.4ABCDEF@app.example>"},
    {"MIME-Version", "1.0"},
    {"Content-Type", "text/plain; charset=utf-8"},
    {"Content-Transfer-Encoding", "8bit"},
    {"X-Mailer", "ERP 7.3"},
};

static void
die(const char *what)
{
	fprintf(stderr, "milter_load: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* A packet of up to two strings, each with its NUL. Where its data begin. */
static size_t
add(struct packets *packets, char command, const char *first_text,
    const char *second_text)
{
	size_t head = packets->len, at = head + 5;
	uint32_t length;

	packets->len = at;
	if (first_text != NULL) {
		memcpy(packets->data + packets->len, first_text,
		    strlen(first_text) + 1);
		packets->len += strlen(first_text) + 1;
	}
	if (second_text != NULL) {
		memcpy(packets->data + packets->len, second_text,
		    strlen(second_text) + 1);
		packets->len += strlen(second_text) + 1;
	}
	length = htonl((uint32_t)(packets->len - head - 4));
	memcpy(packets->data + head, &length, 4);
	packets->data[head + 4] = (unsigned char)command;
	return at;
}

static void
compose(void)
{
	size_t i;

	(void)add(&envelope, 'A', NULL, NULL);
	sender_at = add(&envelope, 'M', "<erp00000@app.example>", NULL) +
		    strlen("<erp");
	(void)add(&envelope, 'R', "<someone@example.net>", NULL);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		(void)add(&message, 'L', fields[i][0], fields[i][1]);
	id_at = add(&message, 'D', "Ei", "Q0000000000") + strlen("Ei") + 2;
	(void)add(&message, 'E', NULL, NULL);
}

static void
put_digits(unsigned char *where, size_t count, unsigned long number)
{
	while (count > 0) {
		where[--count] = (unsigned char)('0' + number % 10);
		number /= 10;
	}
}

/* --- a connection -------------------------------------------------------- */

static void
write_all(int fd, const unsigned char *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		die("writing to the milter");
}

static void
next_message(struct connection *c)
{
	put_digits(envelope.data + sender_at, 5, sent % senders);
	put_digits(message.data + id_at, 10, first + sent);
	sent++;
	write_all(c->fd, envelope.data, envelope.len);
	write_all(c->fd, message.data, message.len);
}

/* A whole packet's command, or 0. It is dropped with the next call. */
static int
take_packet(struct connection *c, size_t *at)
{
	uint32_t length;
	int command;

	if (c->len - *at < 5)
		return 0;
	memcpy(&length, c->data + *at, 4);
	length = ntohl(length);
	if (length == 0 || length > BYTES_MAX - 4) {
		errno = EPROTO;
		die("a packet of the milter's");
	}
	if (c->len - *at < 4 + length)
		return 0;
	command = c->data[*at + 4];
	*at += 4 + length;
	return command;
}

static void
fill(struct connection *c)
{
	ssize_t n = read(c->fd, c->data + c->len, sizeof(c->data) - c->len);

	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0)
		die("reading from the milter");
	c->len += (size_t)n;
}

static void
drop(struct connection *c, size_t count)
{
	memmove(c->data, c->data + count, c->len - count);
	c->len -= count;
}

/* 1 when the message is through. */
static int
read_answer(struct connection *c)
{
	size_t at = 0;
	int command, finished = 0;

	fill(c);
	while ((command = take_packet(c, &at)) != 0) {
		if (command == 'c')
			finished = 1;
		else if (strchr("emh", command) != NULL)
			edits += done == 0;
		else if (command == 'p') /* still at work */
			continue;
		else {
			fprintf(stderr, "milter_load: answer %c: %.900s\n",
			    command, c->data);
			exit(EXIT_FAILURE);
		}
	}
	drop(c, at);
	return finished;
}

/* What would wait for more replies is not what is measured here. */
static void
check_steps(const struct connection *c)
{
	const uint32_t lean = 0x10 | 0x80 | 0x1000 | 0x4000 | 0x8000;
	uint32_t steps;

	memcpy(&steps, c->data + 13, 4);
	if ((ntohl(steps) & lean) == lean)
		return;
	fprintf(stderr, "milter_load: asks for more than it needs: %x\n",
	    ntohl(steps));
	exit(EXIT_FAILURE);
}

static void
negotiate(struct connection *c)
{
	struct packets packets = {.len = 0};
	const uint32_t offer[3] = {htonl(6), htonl(0x1ff), htonl(0x1fffff)};
	const char client[] = "erp.app.example\0004\000\031192.0.2.7";
	uint32_t length = htonl(1 + sizeof(offer));
	size_t at = 0;

	memcpy(packets.data, &length, 4);
	packets.data[4] = 'O';
	memcpy(packets.data + 5, offer, sizeof(offer));
	write_all(c->fd, packets.data, 5 + sizeof(offer));
	do
		fill(c);
	while (take_packet(c, &at) != 'O');
	check_steps(c);
	drop(c, at);
	length = htonl(1 + sizeof(client));
	memcpy(packets.data, &length, 4);
	packets.data[4] = 'C';
	memcpy(packets.data + 5, client, sizeof(client));
	write_all(c->fd, packets.data, 5 + sizeof(client));
}

static void
open_connection(struct connection *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)(void *)&address,
			     sizeof(address)) < 0)
		die(path);
	negotiate(c);
}

/* --- all of them --------------------------------------------------------- */

static void
serve(struct connection *connections, size_t count, int poll_fd)
{
	struct epoll_event events[CONNECTIONS_MAX];
	size_t i;
	int n;

	for (i = 0; i < count && sent < wanted; i++)
		next_message(&connections[i]);
	while (done < wanted) {
		n = epoll_wait(poll_fd, events, CONNECTIONS_MAX, 60000);
		if (n == 0)
			errno = ETIMEDOUT;
		if (n <= 0)
			die("waiting for the milter");
		while (n-- > 0) {
			struct connection *c = events[n].data.ptr;

			if (!read_answer(c))
				continue;
			done++;
			if (sent < wanted)
				next_message(c);
		}
	}
}

static double
seconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		die("reading the milter's processor time");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
run(const char *path, clockid_t cpu, size_t count)
{
	static struct connection connections[CONNECTIONS_MAX];
	int poll_fd = epoll_create1(EPOLL_CLOEXEC);
	double began, cpu_began;
	size_t i;

	for (i = 0; i < count; i++) {
		struct epoll_event event = {
		    .events = EPOLLIN, .data.ptr = &connections[i]};

		open_connection(&connections[i], path);
		if (epoll_ctl(
			poll_fd, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
			die("epoll");
	}
	began = seconds(CLOCK_MONOTONIC);
	cpu_began = seconds(cpu);
	serve(connections, count, poll_fd);
	printf("%lu %.6f %.6f %lu\n", done, seconds(CLOCK_MONOTONIC) - began,
	    seconds(cpu) - cpu_began, edits);
}

int
main(int argc, char **argv)
{
	unsigned long count;
	clockid_t cpu;

	if (argc < 6) {
		fprintf(stderr, "usage: milter_load SOCKET PID CONNECTIONS "
				"MESSAGES SENDERS [FIRST]\n");
		return EXIT_FAILURE;
	}
	count = strtoul(argv[3], NULL, 10);
	wanted = strtoul(argv[4], NULL, 10);
	senders = strtoul(argv[5], NULL, 10);
	first = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
	errno = clock_getcpuclockid(atoi(argv[2]), &cpu);
	if (errno != 0)
		die("the milter's process");
	if (count == 0 || count > CONNECTIONS_MAX || senders == 0)
		count = 1, senders = 1;
	compose();
	run(argv[1], cpu, count);
	return EXIT_SUCCESS;
}
