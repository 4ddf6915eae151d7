/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_STAGE_H
#define POSTOAK_POSTFIX_STAGE_H

#include "err.h"
#include "postfix_change.h"

/*
 * postfix_stage - main.cf and master.cf as they would be with some changes:
 * made by postconf(1) on copies, so that everything else in them stays as its
 * author wrote it. Called by postfix_apply and postfix_undo.
 */

struct postfix_stage {
	char *main_before, *main_after;
	char *master_before, *master_after;
};

/* 0 or -1. postfix_stage_clear in both cases; texts that are taken are set to
 * NULL. */
int postfix_stage_make(struct postfix_stage *stage,
    const char *config_directory, const struct postfix_changes *changes,
    struct err *err);

/* The directory it uses, and what an interrupted call has left of one. */
#define POSTFIX_STAGE_PATTERN ".postoak-stage-??????"
void postfix_stage_remove(const char *path);

void postfix_stage_clear(struct postfix_stage *stage);

#endif
