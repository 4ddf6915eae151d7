# SPDX-License-Identifier: Apache-2.0
"""A tokend with nothing to do. It is watched for a minute while the other
figures are measured, which it cannot disturb: that is what is shown."""
import os
import time

from bench.line import Line, at_most
from bench.place import account, place, wait_until

MINUTE_S = 60


class Idle:
    """A tokend that has handed out one token."""

    def __init__(self, bench):
        here = bench.stack.enter_context(place(bench.build))
        self.tokend = here.tokend(
            here.endpoint(), [account("idle@contoso.com")])
        self.tokend.ask_raw(self.tokend.request("idle@contoso.com"))
        self.start_s = None

    def has_come_to_rest(self):
        """Nothing for a second: what follows an exchange is done."""
        before = self.tokend.switches()
        time.sleep(1)
        self.start_s, self.before = time.monotonic(), self.tokend.switches()
        return self.before == before

    def wakeups(self):
        """Of a minute, and how long that was."""
        time.sleep(max(0, self.start_s + MINUTE_S - time.monotonic()))
        count = self.tokend.switches() - self.before
        return count, time.monotonic() - self.start_s


def prepare(bench):
    bench.idle = Idle(bench)
    wait_until(bench.idle.has_come_to_rest, "tokend to come to rest")


def processes(pid):
    """The process and all that it has started."""
    count = 1
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children",
                  encoding="ascii") as f:
            count += sum(processes(int(child)) for child in f.read().split())
    return count


def rest(bench):
    count, seconds = bench.idle.wakeups()
    tokend = bench.idle.tokend
    yield at_most("idle-wakeups", count, 0, "{:d}".format,
                  f"{seconds:.0f} s")
    yield at_most("idle-processes", processes(tokend.pid), 1, "{:d}".format)
    # Clean pages are the libraries', private while nobody else has them mapped
    # and given back when the host wants them.
    yield at_most("idle-private", tokend.private_kb(), 3072,
                  "{:d} kB".format, f"{tokend.clean_kb()} kB clean")


FIGURES = (
    (("idle-wakeups", "idle-processes", "idle-private"), rest),
)
