/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_WAY_H
#define POSTOAK_POSTFIX_WAY_H

#include "err.h"
#include "postfix_look.h"

/*
 * postfix_way - which transport of a Postfix carries what a sender sends to
 * somebody elsewhere, and to which server. Called by check_postfix.
 */

struct postfix_way {
	const char *by;	 /* the parameter that decides; static */
	char *transport; /* a service of master.cf */
	char *nexthop;	 /* "[smtp.office365.com]:587"; "": the recipient's
			    own server */
	const struct postfix_look_service *service; /* NULL: there is none */
};

/*
 * As trivial-rewrite(8) decides, for recipients that transport_maps names one
 * by one excepted. 0, or -1 with *err if a table cannot be asked.
 * postfix_way_clear in both cases.
 */
int postfix_way_find(struct postfix_way *way, const struct postfix_look *look,
    const char *directory, const char *sender, struct err *err);
void postfix_way_clear(struct postfix_way *way);

/* "[host]:port" as "host:port", brackets and a missing port left out. */
char *postfix_way_server(const struct postfix_way *way);

/* The same without the port. */
char *postfix_way_host(const struct postfix_way *way);

#endif
