/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SENTENCE_H
#define POSTOAK_SENTENCE_H

#include <stddef.h>
#include <stdint.h>

#include "aadsts.h"
#include "conf_account.h"

/*
 * sentence - what a provider's refusal means and what to do, in the same words
 * wherever it is said: the mail log, "postoak status", "postoak explain". The
 * tables are sentences.tsv and aadsts.tsv, compiled in. Pure. Called by
 * tokend's refusal and the tool's explain.
 */

#define SENTENCE_MAX 640 /* bytes; an error's text holds one and its ids */

/* What a sentence is about. What is NULL is not known: the sentence then says
 * "the application", "the user". All borrowed. */
struct sentence_about {
	const char *account; /* NULL also: a credential of the application */
	const char *application;
	const char *user;
	const char *password_file;
	const char *secret_file;
	const char *secret_expires; /* YYYY-MM-DD, as configured */
	const char *key_file;	    /* of a service account */
	enum conf_grant grant;	    /* of the request; NONE: not known */
	enum conf_proof proof;
	int proof_known;
	int unnamed;   /* nobody named it: no subject before the sentence */
	int imported;  /* its refresh token comes from elsewhere */
	int64_t now_s; /* wall clock */
};

/* What is known of a code; the texts are static, with braces to be filled. */
struct sentence {
	char code[40]; /* "AADSTS50126", "invalid_grant" */
	enum aadsts_class class;
	const char *meaning;
	const char *remedy;
};

/*
 * Fill about from the configuration. account may be NULL; user is the mailbox
 * if that is an account of a domain, else NULL. The strings live as long as
 * these.
 */
void sentence_about(struct sentence_about *about,
    const struct conf_application *application,
    const struct conf_account *account, const char *user, int64_t now_s);

/*
 * Look up a code, an error word or "AADSTS" with a number. 1 and *sentence
 * set, or 0: not known. about may be NULL: nothing is known of it.
 */
int sentence_find(struct sentence *sentence, const char *code,
    const struct sentence_about *about);

/* A template with its braces filled, cut at size. */
void sentence_fill(const char *template, const struct sentence_about *about,
    char *out, size_t size);

/* "account relay@contoso.com: MEANING (CODE); REMEDY", cut at size. */
void sentence_write(const struct sentence *sentence,
    const struct sentence_about *about, char *out, size_t size);

/* "account relay@contoso.com: ", "application contoso: ", or "" if neither is
 * known or was named. */
void sentence_subject(
    const struct sentence_about *about, char *out, size_t size);

#endif
