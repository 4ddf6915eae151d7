/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/address milter/scan
 *
 * Fuzz the address parser: whatever it takes, it writes so that it reads the
 * same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "milter/address.h"

static void
written_and_read(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
	struct address read;

	address_format(address, text);
	if (address_parse_path(text, strlen(text), &read) != 1)
		abort();
	address_format(&read, again);
	if (strcmp(text, again) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct address_list list;
	const char *text = (const char *)data;
	struct address path;
	size_t i;

	if (address_parse(text, size, &list) == 0)
		for (i = 0; i < list.count && i < ADDRESS_KEPT_MAX; i++)
			written_and_read(&list.kept[i]);
	else if (list.problem == NULL)
		abort();
	if (address_parse_path(text, size, &path) == 1)
		written_and_read(&path);
	return 0;
}
