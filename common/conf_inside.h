/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_INSIDE_H
#define POSTOAK_CONF_INSIDE_H

#include "conf_account.h"
#include "conf_index.h"

/*
 * conf_inside - what a struct conf keeps to itself. Shared by conf and
 * conf_load.
 */
struct conf_inside {
	struct conf_list files; /* the names all conf_where point to */
	struct conf_index *accounts;
	struct conf_index *applications;
};

#endif
