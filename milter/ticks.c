/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticks - see ticks.h.
 */
#include "ticks.h"

#include <endian.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

/* Later than any clock is right: 64 bits hold it in microseconds, and twice. */
#define LATEST_MS ((int64_t)1 << 46)

static char boot_id[TICKS_BOOT_ID_MAX];
static pthread_once_t boot_id_once = PTHREAD_ONCE_INIT;

int64_t
ticks_advance(struct ticks *stored, const struct ticks *now)
{
	int64_t before = stored->ticks_ms, passed;

	if (before <= 0) {
		before = now->wall_ms > 0 ? now->wall_ms : 1;
		passed = 0;
	} else if (now->boot_id[0] != '\0' &&
		   strcmp(stored->boot_id, now->boot_id) == 0 &&
		   now->boot_ms >= stored->boot_ms) {
		passed = now->boot_ms - stored->boot_ms;
	} else {
		passed = now->wall_ms - stored->wall_ms;
	}
	*stored = *now;
	stored->ticks_ms = before + (passed > 0 ? passed : 0);
	return stored->ticks_ms;
}

static void
read_boot_id(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, boot_id, sizeof(boot_id) - 1);
	if (n > 0)
		boot_id[strcspn(boot_id, "\n")] = '\0';
	(void)close(fd);
}

void
ticks_read(struct ticks *now)
{
	(void)pthread_once(&boot_id_once, read_boot_id);
	now->ticks_ms = 0;
	now->boot_ms = clock_boot_ms();
	now->wall_ms = clock_wall_ms();
	memcpy(now->boot_id, boot_id, sizeof(now->boot_id));
}

static void
put(unsigned char *data, int64_t value)
{
	uint64_t wire = htole64((uint64_t)value);

	memcpy(data, &wire, sizeof(wire));
}

static int64_t
get(const unsigned char *data)
{
	uint64_t wire;

	memcpy(&wire, data, sizeof(wire));
	return (int64_t)le64toh(wire);
}

void
ticks_encode(const struct ticks *ticks, unsigned char data[TICKS_BYTES])
{
	put(data, ticks->ticks_ms);
	put(data + 8, ticks->boot_ms);
	put(data + 16, ticks->wall_ms);
	memcpy(data + 24, ticks->boot_id, TICKS_BOOT_ID_MAX);
}

static int
is_time(int64_t ms)
{
	return ms >= 0 && ms < LATEST_MS;
}

int
ticks_decode(struct ticks *ticks, const unsigned char *data, size_t len)
{
	if (len != TICKS_BYTES || data[TICKS_BYTES - 1] != '\0')
		return -1;
	ticks->ticks_ms = get(data);
	ticks->boot_ms = get(data + 8);
	ticks->wall_ms = get(data + 16);
	memcpy(ticks->boot_id, data + 24, TICKS_BOOT_ID_MAX);
	return ticks->ticks_ms > 0 && is_time(ticks->ticks_ms) &&
		       is_time(ticks->boot_ms) && is_time(ticks->wall_ms)
		   ? 0
		   : -1;
}
