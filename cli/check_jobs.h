/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_JOBS_H
#define POSTOAK_CHECK_JOBS_H

#include <stddef.h>

#include "checkup.h"

/*
 * check_jobs - run checks in processes of their own, several at a time, each
 * bounded in time. What one has found until its time is up is kept. Called by
 * check.
 */

struct check_job {
	checkup_function run;
	const char *what;	/* for a person: "TLS of the servers" */
	int limit_s;		/* its time */
	struct checkup checkup; /* in; its findings are the job's */
	struct findings findings;
};

/*
 * Run them all, for total_s seconds at most; done is called for each, in the
 * order of the array, as soon as it and those before have ended. The findings
 * are the caller's (findings_clear).
 */
void check_jobs_run(struct check_job *jobs, size_t count, int total_s,
    void (*done)(struct check_job *job, void *arg), void *arg);

#endif
