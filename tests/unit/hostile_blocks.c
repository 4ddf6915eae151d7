/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/message milter/rewrite milter/rewrite_field milter/rewrite_edit
 * link: milter/notice milter/dkim milter/phrase milter/name milter/encoded
 * link: milter/charset milter/address milter/scan milter/map
 * link: tests/unit/block tests/unit/hostile tests/unit/judge
 *
 * hostile_blocks FIRST COUNT: hostile messages of these numbers before and
 * after the milter's edits, for judges that are not written in C. For each that
 * is accepted "NUMBER UTF8 LENGTH LENGTH LENGTH\n" and the envelope sender
 * afterwards, the header before and the header afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"

static struct hostile hostile;
static struct block block, before;

static void
say(uint64_t number)
{
	hostile_make(&hostile, number);
	if (block_decide(&block, &hostile) < 0)
		return;
	block_before(&before, &hostile);
	block_edit(&block, &hostile, BLOCK_POSTFIX);
	printf("%llu %d %zu %zu %zu\n", (unsigned long long)number,
	    block.message.utf8, strlen(block.sender), before.len, block.len);
	(void)fwrite(block.sender, 1, strlen(block.sender), stdout);
	(void)fwrite(before.text, 1, before.len, stdout);
	(void)fwrite(block.text, 1, block.len, stdout);
}

int
main(int argc, char **argv)
{
	uint64_t first, last;

	if (argc != 3)
		return 64;
	first = strtoull(argv[1], NULL, 10);
	last = first + strtoull(argv[2], NULL, 10);
	block_init(&block);
	for (; first < last; first++)
		say(first);
	block_clear(&block);
	return 0;
}
