/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_H
#define POSTOAK_CHECK_H

#include "conf.h"
#include "err.h"

/*
 * check - what -t looks at beside the configuration itself: the directories
 * the milter needs when it starts. Called by main only; changes nothing.
 */

/*
 * 0 if the directories of counters and of both sockets are there and this user
 * may write to them, and nobody else reads the counters; else -1 with
 * ERR_CONFIG, the file, the option and what to do.
 */
int check_directories(const struct conf *conf, struct err *err);

#endif
