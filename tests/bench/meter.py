# SPDX-License-Identifier: Apache-2.0
"""The programs that measure (meter.h), driven by turns."""
import contextlib
import os
import subprocess


class Meter:
    """A benchmark program on the other side of two pipes."""

    def __init__(self, argv, env=None, first=True):
        self.argv = argv
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})
        self.said = self._line() if first else {}

    def _line(self):
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"{self.argv[0]} ended with "
                               f"{self.process.wait()}")
        return {k: int(v) for k, _, v in
                (pair.partition("=") for pair in text.split()) if v}

    def order(self, words):
        """One line to it, one line from it: {name: number}."""
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self._line()

    def run(self, count):
        return self.order(f"run {count}")

    @property
    def pid(self):
        return self.process.pid

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


@contextlib.contextmanager
def one_processor():
    """What is started within shares one processor. Two that talk to each other
    are fast on one and slow on two idle ones; which of both it is would be the
    scheduler's whim, another one for each pair."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def by_turns(meters, rounds, count, warm=200):
    """Each meter runs count times, then the next, rounds times over. One list
    of {p50_ns, p99_ns, max_ns} a meter; the first turn is not counted."""
    for meter in meters:
        meter.run(warm)
    taken = [[] for _ in meters]
    for number in range(rounds):
        # Nobody is always the one behind.
        order = list(enumerate(meters))
        for place, meter in order[number % len(order):] \
                + order[:number % len(order)]:
            taken[place].append(meter.run(count))
    return taken


def column(taken, name):
    return [row[name] for row in taken]
