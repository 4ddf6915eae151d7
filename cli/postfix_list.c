/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_list - lists in main.cf. See postfix_list.h.
 */
#include "postfix_list.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "postfix_table.h"

#define LIST_MAX (1024 * 1024)

char *
postfix_list_join(const char *ours, const char *now)
{
	struct buf out;
	char *item;

	buf_init(&out, LIST_MAX);
	buf_adds(&out, ours);
	while ((item = postfix_table_item(&now)) != NULL) {
		if (!postfix_table_has(ours, item) &&
		    strstr(item, "postoak") == NULL)
			buf_addf(&out, "%s%s", out.len > 0 ? ", " : "", item);
		free(item);
	}
	return buf_take(&out);
}
