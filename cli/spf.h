/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SPF_H
#define POSTOAK_SPF_H

#include <stddef.h>

/*
 * spf - does a domain's SPF record (RFC 7208) let a provider's servers send?
 * Pure: records come through a callback. The provider is known by the name that
 * its customers include. Called by check_domain.
 */

#define SPF_LOOKUPS_MAX 10 /* RFC 7208 section 4.6.4 */
#define SPF_WHY_MAX 400

enum spf_verdict {
	SPF_PASS,
	SPF_NEUTRAL,   /* ?include: neither yes nor no */
	SPF_FAIL,      /* the servers are not in it: fail or softfail */
	SPF_NONE,      /* there is no record */
	SPF_PERMERROR, /* receivers must ignore it: why says what is wrong */
	SPF_UNKNOWN,   /* a name server does not answer, or there are macros */
};

enum spf_found { SPF_FOUND, SPF_ABSENT, SPF_TROUBLE };

/*
 * The SPF records of a name: how many there are, and the first one, which is
 * valid until the next call.
 */
typedef enum spf_found spf_lookup(
    void *arg, const char *name, const char **record, size_t *count);

struct spf_result {
	enum spf_verdict verdict;
	int lookups;   /* that count for a mail of the provider */
	int takes_all; /* +all: anybody may send */
	char why[SPF_WHY_MAX];
};

/* 1 if a TXT record is one of SPF version 1. */
int spf_is_record(const char *text);

/*
 * Judge the domain. wanted is the provider's name
 * ("spf.protection.outlook.com"); NULL: only whether the record is sound; then
 * the verdict is PASS.
 */
void spf_judge(const char *domain, const char *wanted, spf_lookup *lookup,
    void *arg, struct spf_result *result);

#endif
