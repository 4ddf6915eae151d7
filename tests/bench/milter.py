# SPDX-License-Identifier: Apache-2.0
"""The milter beside one that does nothing, through the milter protocol."""
import os
import re
import statistics
import subprocess

from milter_server import Server, account
from relay.process import wait_until

from bench.line import Line, at_most, compared
from bench.place import place

CONNECTIONS = (1, 10, 50)
ROUNDS, COUNT = 9, 4000
MILLION = 1000000
MANY = 10000
# What is counted is what Exchange Online counts; the numbers let all through.
LIMITS = ('limits = { "100000000 messages / 1m", '
          '"100000000 recipients / 24h" }')


def bench_account(number):
    """The account of the load's sender of that number."""
    return account(LIMITS + f' senders = {{ "erp{number:05d}@app.example" }}',
                   f"relay{number:05d}@contoso.com")


class Nothing:
    """The milter that does nothing."""

    def __init__(self, here):
        self.socket = here.path("nothing.sock")
        self._popen = subprocess.Popen(
            [here.program("milter_nothing"), f"unix:{self.socket}"])
        here.stack.callback(self._popen.wait)
        here.stack.callback(self._popen.kill)
        wait_until(lambda: os.path.exists(self.socket), "milter_nothing")

    @property
    def pid(self):
        return self._popen.pid


class Ours:
    """A real postoak-milter with so many accounts."""

    def __init__(self, here, accounts=1, counters=None):
        directory = here.path(f"milter{accounts}")
        os.mkdir(directory)
        self.server = Server(directory, here.build,
                             "".join(map(bench_account, range(accounts))),
                             counters=counters)
        self.server.start()
        here.stack.callback(self.server.daemon.stop)
        self.socket = self.server.socket

    @property
    def pid(self):
        return self.server.daemon.pid

    def memory_kb(self):
        """What it alone occupies: its own pages, changed or mapped."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as f:
            rows = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
        return int(rows["Private_Clean"]) + int(rows["Private_Dirty"])


class Load:
    """The client; no queue id comes twice."""

    def __init__(self, here):
        self.here = here
        self._first = 0

    def run(self, milter, connections, count=COUNT, senders=1):
        """Of a message: (seconds it took, processor seconds of the milter)."""
        out = subprocess.run(
            [self.here.program("milter_load"), milter.socket, str(milter.pid),
             str(connections), str(count), str(senders), str(self._first)],
            stdout=subprocess.PIPE, text=True, check=True, timeout=300)
        self._first += count
        messages, wall, cpu, _ = map(float, out.stdout.split())
        return wall / messages, cpu / messages


def rate(seconds):
    return f"{1 / seconds:.0f}/s"


def micro(seconds):
    return f"{1e6 * seconds:.1f} us"


def at_least(name, ours, other, least, unit):
    """Both are costs of the same rounds: the ratio is of what they allow."""
    ratio = statistics.median(b / a for a, b in zip(ours, other))
    return Line(name, unit(statistics.median(ours)),
                unit(statistics.median(other)), ratio,
                f"at least {least:g} x doing nothing", ratio >= least)


def by_turns(load, sides, rounds=ROUNDS):
    """One list of (wall, cpu) a side; the first turn is not counted. A side is
    what Load.run is given."""
    taken = [[] for _ in sides]
    for number in range(rounds + 1):
        places = range(len(sides))
        # Nobody is always the one behind.
        for place_ in reversed(places) if number % 2 else places:
            taken[place_].append(load.run(*sides[place_]))
    return [[list(column) for column in zip(*rows[1:])] for rows in taken]


def speed(bench):
    with place(bench.build) as here:
        load, ours, nothing = Load(here), Ours(here), Nothing(here)
        for connections in CONNECTIONS:
            (wall, cpu), (wall0, cpu0) = by_turns(
                load, [(ours, connections), (nothing, connections)])
            yield at_least(f"milter-speed-{connections}", wall, wall0, 0.9, rate)
            yield at_least(f"milter-cpu-{connections}", cpu, cpu0, 0.9, micro)


def memory(bench):
    with place(bench.build) as here:
        load, ours = Load(here), Ours(here)
        # A fifth fills what is kept of the last messages.
        load.run(ours, 50, MILLION // 5)
        early = ours.memory_kb()
        load.run(ours, 50, MILLION - MILLION // 5)
        late = ours.memory_kb()
    yield at_most("milter-memory", late, 6144, "{:d} kB".format)
    ratio = late / early
    yield Line("milter-million", f"{late} kB", f"{early} kB", ratio,
               "at most 1.05 x after 200,000", ratio <= 1.05)


def accounts(bench):
    with place(bench.build) as here:
        load, one, many = Load(here), Ours(here), Ours(here, MANY)
        # Each account's counters are made before they are measured.
        load.run(many, 10, 2 * MANY, MANY)
        (_, cpu1), (_, cpu) = by_turns(
            load, [(one, 10), (many, 10, COUNT, MANY)])
    yield compared("milter-accounts", cpu, cpu1, 1.1, micro,
                   "that of one account")


FIGURES = (
    ([f"milter-{what}-{n}" for n in CONNECTIONS for what in ("speed", "cpu")],
     speed),
    (("milter-memory", "milter-million"), memory),
    (("milter-accounts",), accounts),
)
