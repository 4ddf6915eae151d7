/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_TEXT_H
#define POSTOAK_CHECK_TEXT_H

#include <stddef.h>

#include "buf.h"
#include "findings.h"

/*
 * check_text - findings as text for people. Pure. Called by check.
 */

/* Append "  FAIL  ACCOUNT: what was seen" and below it the remedy. */
void check_text_item(
    struct buf *out, const struct findings_item *item, int colours);

/* Append the line that ends it: how many of each. */
void check_text_summary(
    struct buf *out, const size_t counts[FINDINGS_VERDICTS], int colours);

#endif
