# SPDX-License-Identifier: Apache-2.0
"""The plugin inside a mail program: time, system calls, memory."""
import os
import re
import statistics
import subprocess

from bench.line import Line, at_most, micro, milli
from bench.meter import by_turns, column, one_processor
from bench.place import account, place

ACCOUNT = "relay@contoso.com"
SYSCALL_COUNT = 1000
ROUNDS, COUNT = 120, 1000
INITS = 40


def plugin_directory(here, name, path):
    directory = here.path(name)
    os.mkdir(directory)
    if path is not None:
        os.symlink(os.path.realpath(path),
                   os.path.join(directory, os.path.basename(path)))
    return directory


class Plugins:
    """libsasl2 once with each plugin, and what they need."""

    def __init__(self, here, peer=None):
        self.here = here
        self.tokend = here.tokend(here.endpoint(), [account(ACCOUNT)])
        self.echo = here.echo(self.tokend, ACCOUNT)
        token = re.search(rb"^token=(.*)$", self.read(self.echo[2]), re.M)[1]
        self.env = {"POSTOAK_SOCKET": self.tokend.socket,
                    "BENCH_TOKEN": here.write("token", token)}
        # As sasl-xoauth2 keeps it; valid for longer than the bench runs.
        self.token_file = here.write("token.json", (
            b'{"access_token":"%s","expiry":"99999999999",'
            b'"refresh_token":"none"}' % token))
        self.directories = {
            name: plugin_directory(here, name, path) for name, path in {
                "none": None,
                "ours": os.path.join(here.build, "libpostoak.so"),
                "format": os.path.join(here.build, "bench", "libformat.so"),
                **({"peer": peer} if peer else {})}.items()}

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def argv(self, name):
        return [self.directories[name], ACCOUNT, self.token_file]

    def client(self, name):
        return self.here.meter("sasl_client", *self.argv(name), env=self.env,
                               first=True)

    def calls(self, name):
        """System calls of one authentication, over the kept connection."""
        def counted(count):
            out = self.here.path("strace")
            said = subprocess.run(
                ["strace", "-f", "-c", "-o", out,
                 self.here.program("sasl_client"), *self.argv(name)],
                input=f"run {count}\n", text=True, check=True,
                stdout=subprocess.PIPE, env={**os.environ, **self.env}).stdout
            with open(out, encoding="ascii") as f:
                total = re.search(r"(\d+)\s+(?:\d+\s+)?total$", f.read(), re.M)
            return int(total[1]), int(re.search(r"done=(\d+)", said)[1])
        few, many = counted(SYSCALL_COUNT), counted(2 * SYSCALL_COUNT)
        return (many[0] - few[0]) / (many[1] - few[1])


def spread(rows):
    """p99 as a multiple of p50, in the median of all rounds."""
    return statistics.median(row["p99_ns"] / row["p50_ns"] for row in rows)


def latency(bench):
    with one_processor(), place(bench.build) as here:
        plugins = Plugins(here, bench.peer)
        names = ["ours", "format"] + (["peer"] if bench.peer else [])
        meters = [plugins.client(name) for name in names]
        meters.append(here.meter("ask", *plugins.echo))
        taken = by_turns(meters, ROUNDS, COUNT)
    p50 = [column(rows, "p50_ns") for rows in taken]
    ours, form, echo = p50[0], p50[1], p50[-1]
    allowed = [f + 1.3 * e for f, e in zip(form, echo)]
    ratio = statistics.median(a / b for a, b in zip(ours, allowed))
    yield Line("plugin-p50", micro(statistics.median(ours)),
               micro(statistics.median(allowed)), ratio,
               f"at most format {micro(statistics.median(form))}"
               f" + 1.3 x echo {micro(statistics.median(echo))}", ratio <= 1)
    p99, ratio = column(taken[0], "p99_ns"), spread(taken[0])
    yield Line("plugin-p99", micro(statistics.median(p99)),
               micro(statistics.median(ours)), ratio,
               f"at most 3 x its p50; echo {spread(taken[-1]):.2f} x",
               ratio <= 3)
    if bench.peer:
        ratio = statistics.median(a / b for a, b in zip(ours, p50[2]))
        yield Line("plugin-peer", micro(statistics.median(ours)),
                   micro(statistics.median(p50[2])), ratio,
                   "none: " + os.path.basename(bench.peer), True)


def calls(bench):
    with place(bench.build) as here:
        plugins = Plugins(here)
        ours, form = plugins.calls("ours"), plugins.calls("format")
    added = ours - form
    yield Line("plugin-syscalls", f"{ours:.1f}", f"{form:.1f}", None,
               f"at most 4 more; {added:.1f} more", added <= 4)


def footprint(bench):
    with place(bench.build) as here:
        plugins = Plugins(here)
        before = plugins.client("none").order("memory")
        client = plugins.client("ours")
        client.run(SYSCALL_COUNT)
        after = client.order("memory")
        started = {name: [] for name in ("none", "ours")}
        for _ in range(INITS):
            for name, taken in started.items():
                client = plugins.client(name)
                taken.append(client.said["init_ns"])
                client.close()
    yield at_most("plugin-objects", after["objects"] - before["objects"], 1,
                  "{:d}".format)
    yield at_most("plugin-memory", after["rss_kb"] - before["rss_kb"], 307,
                  "{:d} kB".format, f"{before['rss_kb']} kB")
    ours, none = (statistics.median(started[n]) for n in ("ours", "none"))
    yield at_most("plugin-init", ours - none, 200000, milli, milli(none))


FIGURES = (
    (("plugin-p50", "plugin-p99", "plugin-peer"), latency),
    (("plugin-syscalls",), calls),
    (("plugin-objects", "plugin-memory", "plugin-init"), footprint),
)
