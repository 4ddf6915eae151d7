/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_LOOK_H
#define POSTOAK_POSTFIX_LOOK_H

#include <stddef.h>

#include "err.h"
#include "postfix_settings.h"

/*
 * postfix_look - how a Postfix is set up, in the words of its own postconf(1):
 * main.cf with all defaults, and the services of master.cf. Nothing is read or
 * understood by us that postconf can say. Called by check_mta and mta.
 */

struct postfix_look_service {
	char *name;    /* "smtp", "127.0.0.1:2525" */
	char *type;    /* "unix", "inet" */
	char *program; /* the first word of its command: "smtp", "smtpd" */
	int chroot;
	struct postfix_settings written; /* its -o, as they stand there */
	struct postfix_settings options; /* the same, each $name filled in */
};

struct postfix_look {
	struct postfix_settings written; /* what main.cf sets, as it stands */
	struct postfix_settings main;	 /* all parameters, defaults, too, each
					    $name filled in */
	size_t service_count;
	struct postfix_look_service *services; /* in the order of master.cf */
};

/*
 * Ask the postconf of PATH, or /usr/sbin's, about config_directory (NULL: its
 * default one). NULL with *err: ERR_CONFIG with code "program" if there is no
 * Postfix here, else postconf's own words. postfix_look_free gives it back.
 */
struct postfix_look *postfix_look_new(
    const char *config_directory, struct err *err);
void postfix_look_free(struct postfix_look *look);

/* A parameter of main.cf in effect; "" if Postfix does not know the name. */
const char *postfix_look_main(
    const struct postfix_look *look, const char *name);

/* The service of that name and type, NULL if there is none. */
const struct postfix_look_service *postfix_look_find(
    const struct postfix_look *look, const char *name, const char *type);

/* A parameter as the service has it: its -o, else main.cf's. */
const char *postfix_look_option(const struct postfix_look *look,
    const struct postfix_look_service *service, const char *name);

#endif
