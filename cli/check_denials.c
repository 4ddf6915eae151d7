/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_denials - what AppArmor and SELinux have forbidden, as far as this user
 * may read it. See check_host.h.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <unistd.h>

#include "check_host.h"
#include "denials.h"
#include "mem.h"

#define KLOG_READ_ALL 3 /* syslog(2) */
#define KLOG_SIZE 10
#define TAIL_BYTES (1024 * 1024) /* of a log file, its newest */

static const char *const logs[] = {
    "/var/log/audit/audit.log", "/var/log/kern.log"};

/* 1 if it could be read. */
static int
search_kernel(struct denials *denials)
{
	int size = klogctl(KLOG_SIZE, NULL, 0), n;
	char *text;

	if (size <= 0)
		return 0;
	text = mem_zalloc((size_t)size, 1);
	n = klogctl(KLOG_READ_ALL, text, size);
	if (n > 0)
		denials_search(denials, text, (size_t)n);
	free(text);
	return n >= 0;
}

static int
search_file(struct denials *denials, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n;
	off_t len;

	if (fd < 0)
		return 0;
	len = lseek(fd, 0, SEEK_END);
	text = mem_zalloc(TAIL_BYTES, 1);
	n = pread(
	    fd, text, TAIL_BYTES, len > TAIL_BYTES ? len - TAIL_BYTES : 0);
	if (n > 0)
		denials_search(denials, text, (size_t)n);
	free(text);
	(void)close(fd);
	return n >= 0;
}

void
check_host_denials(const struct checkup *checkup)
{
	struct denials denials = {0, ""};
	int looked = search_kernel(&denials);
	size_t i;

	for (i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		looked |= search_file(&denials, logs[i]);
	if (denials.count > 0) {
		findings_add(checkup->findings, FINDINGS_WARN, "denials", NULL,
		    "AppArmor or SELinux has forbidden something %zu %s since "
		    "the kernel log begins, the last time: %s",
		    denials.count, denials.count == 1 ? "time" : "times",
		    denials.last);
		findings_remedy(checkup->findings,
		    "allow it in the profile or policy that the line names "
		    "(aa-logprof, or audit2allow), if it still is needed");
	} else if (looked) {
		findings_add(checkup->findings, FINDINGS_OK, "denials", NULL,
		    "neither AppArmor nor SELinux has forbidden anything");
	} else {
		findings_add(checkup->findings, FINDINGS_NOTE, "denials", NULL,
		    "what AppArmor and SELinux have forbidden: the kernel's "
		    "log cannot be read");
	}
}
