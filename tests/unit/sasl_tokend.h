/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SASL_TOKEND_H
#define POSTOAK_SASL_TOKEND_H

#include <pthread.h>
#include <stddef.h>

/*
 * sasl_tokend - a stand-in for postoak-tokend, a thread that can be told to
 * misbehave. For the plugin's tests.
 */

enum tokend_mode {
	TOKEND_ANSWER,	/* as PROTOCOL says; user is the account's name */
	TOKEND_RAW,	/* the bytes of tokend_raw, and nothing else */
	TOKEND_SILENT,	/* nothing; answered late, after the mode is changed */
	TOKEND_HANG_UP, /* close instead of answering */
	TOKEND_HALF,	/* half an answer, then close */
	TOKEND_DRIP,	/* a byte every few milliseconds */
	TOKEND_DEAF,	/* shut the reading side, then answer */
};

#define TOKEND_CLIENTS 64

struct tokend {
	char dir[64];
	char path[96];
	int listener;
	int wake[2];
	pthread_t thread;
	pthread_mutex_t lock;
	/* below: under the lock */
	enum tokend_mode mode;
	int mode_left; /* requests the mode is for, then ANSWER; -1: all */
	char token[8192];
	char user[256]; /* "" with has_user 0: the account's name */
	int has_user;
	char raw[70000];
	size_t raw_len;
	int connections;
	int requests;
	int rejected;
	char last[4096]; /* last request, as received */
	struct {
		int fd;
		int is_deaf;
		char in[4096];
		size_t in_len;
		char owed[8192]; /* what SILENT and DRIP have not sent yet */
		size_t owed_len;
	} clients[TOKEND_CLIENTS];
};

/* A temporary directory and a listening, serving tokend in it. */
struct tokend *tokend_new(void);
void tokend_free(struct tokend *tokend);

/* Stop: every connection is closed, the path removed. Start again. */
void tokend_stop(struct tokend *tokend);
void tokend_start(struct tokend *tokend);

/* The next count requests (-1: all) are treated so. */
void tokend_behave(struct tokend *tokend, enum tokend_mode mode, int count);
void tokend_raw(struct tokend *tokend, const char *raw, size_t len);

/* Send this to every client, unasked. */
void tokend_say(struct tokend *tokend, const char *text);

void tokend_set_token(
    struct tokend *tokend, const char *user, const char *token);

int tokend_connections(struct tokend *tokend); /* accepted since the start */
int tokend_requests(struct tokend *tokend);
int tokend_rejected(struct tokend *tokend);

/* 1 if the last request had this line. */
int tokend_was_sent(struct tokend *tokend, const char *line);

/* Descriptors this process has open. */
int tokend_count_fds(void);

/* Milliseconds, for deadlines. */
long long tokend_now_ms(void);

#endif
