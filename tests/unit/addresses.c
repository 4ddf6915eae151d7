/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/address milter/scan
 *
 * addresses: what address_parse makes of values on standard input, each a line
 * with its length and then its bytes. A line for each: "- PROBLEM", or
 * "+ COUNT GROUPS FLAGS" and the kept mailboxes, "local@domain" in hexadecimal.
 * For test_address_differential.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/address.h"

#define VALUE_MAX 200000

static void
put_hex(const char *text)
{
	for (; *text != '\0'; text++)
		printf("%02x", (unsigned)(unsigned char)*text);
}

static void
say(const char *value, size_t len)
{
	static struct address_list list;
	size_t i;

	if (address_parse(value, len, &list) < 0) {
		printf("- %s\n", list.problem);
		return;
	}
	printf("+ %zu %zu %u", list.count, list.groups, list.flags);
	for (i = 0; i < list.count && i < ADDRESS_KEPT_MAX; i++) {
		putchar(' ');
		put_hex(list.kept[i].local);
		putchar('@');
		put_hex(list.kept[i].domain);
	}
	putchar('\n');
}

int
main(void)
{
	static char line[32], value[VALUE_MAX];
	size_t len;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		len = strtoul(line, NULL, 10);
		if (len > sizeof(value) || fread(value, 1, len, stdin) != len)
			return 1;
		say(value, len);
	}
	return 0;
}
