/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VERDICT_H
#define POSTOAK_VERDICT_H

#include "json.h"

/*
 * verdict - will a token do for mail? A token endpoint says yes to much that a
 * mail server refuses later with 535. Pure.
 */

struct verdict_subject {
	const char *user;	   /* who should have signed in */
	const char *tenant_id;	   /* as configured, or NULL */
	const char *scope;	   /* as configured; NULL: nothing to ask for */
	const char *granted;	   /* scope of the answer, or NULL */
	const struct json *claims; /* NULL: the token cannot be read */
	const char *again;	   /* how another one is had: "log in again" */
	int is_app;		   /* the application's own: roles, no user */
	int keeps_refresh; /* by the grant; then has_refresh should be */
	int has_refresh;
};

/*
 * What is wrong, an array of {"level": "fail" or "warn", "code", "text"}; the
 * text says what to do. To be freed.
 */
struct json *verdict_make(const struct verdict_subject *subject);

#endif
