/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ERR_H
#define POSTOAK_ERR_H

/*
 * err - what went wrong, for whom, and what to do next.
 *
 * An error is made where its cause is known and handed up unchanged. Its kind
 * says what the caller should do; its code is a stable word for programs; its
 * text is one sentence for an administrator. Safe inside the plugin: no
 * allocation, no I/O.
 */

enum err_kind {
	ERR_NONE = 0,
	ERR_TEMPORARY, /* try again later, nothing to mend */
	ERR_LOGIN,     /* a person has to sign in again */
	ERR_CONFIG,    /* an administrator has to change something */
	ERR_DENIED,    /* the caller may not have this */
	ERR_PROTOCOL,  /* the other side does not speak our protocol */
	ERR_BUG,       /* our own mistake */
};

struct err {
	enum err_kind kind;
	int retry_ms;	/* when to try again; 0: not known */
	char code[32];	/* stable word, for example "aadsts.7000222" */
	char text[768]; /* one line, printable, no secret in it */
};

/*
 * Fill *err. The text is cut at its maximum and made printable: control
 * characters become blanks. err may be NULL; its own text may be an argument.
 * Always returns -1, so that "return err_set(...)" reads well.
 */
int err_set(struct err *err, enum err_kind kind, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* As err_set, with ": strerror(errnum)" behind the text; code "errno". */
int err_errno(struct err *err, enum err_kind kind, int errnum, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

void err_clear(struct err *err);

/* The kind's word on the token socket: "temporary", "login", ... */
const char *err_kind_name(enum err_kind kind);

/* The reverse; ERR_PROTOCOL for a word that is none. name may be NULL. */
enum err_kind err_kind_parse(const char *name);

/* The kind as a sysexits(3) code, for programs that end with it. */
int err_exit_code(enum err_kind kind);

#endif
