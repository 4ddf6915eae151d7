# SPDX-License-Identifier: Apache-2.0
"""A clock that a test sets forward for one program: a library in front of
libc's clock_gettime(2), and a file that says by how much."""
import os
import struct
import subprocess

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shift_s;

__attribute__((constructor)) static void
start(void)
{
	int fd = open(getenv("TEST_CLOCK"), O_RDONLY | O_CLOEXEC);

	shift_s = mmap(NULL, sizeof(*shift_s), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (shift_s != NULL && shift_s != MAP_FAILED &&
	    (id == CLOCK_BOOTTIME || id == CLOCK_REALTIME))
		ts->tv_sec += *shift_s;
	return rc;
}
"""


class Clock:
    def __init__(self, directory):
        self._file = os.path.join(directory, "clock")
        library = os.path.join(directory, "clock.so")
        self._write(0)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o",
                        library], input=SOURCE, text=True, check=True,
                       timeout=60)
        self.environment = {"LD_PRELOAD": library, "TEST_CLOCK": self._file}
        self.shift_s = 0

    def _write(self, shift_s):
        # In place: the program has the file mapped.
        mode = "r+b" if os.path.exists(self._file) else "wb"
        with open(self._file, mode) as f:
            f.write(struct.pack("<q", shift_s))

    def forward(self, seconds):
        self.shift_s += seconds
        self._write(self.shift_s)
