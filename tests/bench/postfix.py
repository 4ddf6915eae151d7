# SPDX-License-Identifier: Apache-2.0
"""What a message through a real Postfix takes with our milter, with one that
does nothing, and with none: smtp-source, smtpd, cleanup, discard."""
import os
import statistics
import subprocess
import time

from relay.postfix import MASTER, Postfix
from relay.process import free_port, wait_until

from bench.line import Line
from bench.milter import Nothing, Ours, at_least, rate
from bench.place import place

SESSIONS, COUNT, ROUNDS = 10, 400, 6
SMTPD = "127.0.0.1:{port} inet n - n - - smtpd -o smtpd_milters={milter}\n"


class Relay:
    """One Postfix that delivers nothing, with a port for each milter."""

    def __init__(self, here, milters):
        self.ports = [free_port() for _ in milters]
        services = "".join(
            SMTPD.format(port=port, milter=milter)
            for port, milter in zip(self.ports, milters))
        os.chmod(here.directory, 0o755)
        directory = here.path("postfix")
        os.mkdir(directory)
        self.postfix = Postfix(directory, {
            "default_transport": "discard:", "relay_transport": "discard:",
            "milter_default_action": "tempfail"}, MASTER + services)
        here.stack.callback(self.postfix.stop)
        self.postfix.start()

    def run(self, port):
        """Seconds a message, from the first connection to the last reply."""
        begin = time.monotonic()
        subprocess.run(
            ["smtp-source", "-s", str(SESSIONS), "-m", str(COUNT), "-l",
             "2000", "-f", "erp00000@app.example", "-t",
             "someone@example.net", f"127.0.0.1:{port}"],
            check=True, timeout=120, env={"PATH": "/usr/sbin:/usr/bin"})
        taken = time.monotonic() - begin
        # The queue manager's work for one is not to slow the next one down.
        wait_until(lambda: not self.postfix.queue(), "the queue to empty", 120)
        return taken / COUNT


def through(bench):
    if os.geteuid() != 0:
        yield Line("postfix-speed", "-", "-", None, "for root only", False)
        return
    with place(bench.build) as here:
        ours, nothing = Ours(here), Nothing(here)
        for milter in (ours, nothing):
            os.chmod(milter.socket, 0o666)
        relay = Relay(here, [f"unix:{ours.socket}", f"unix:{nothing.socket}",
                             ""])
        taken = [[] for _ in relay.ports]
        for number in range(ROUNDS + 1):
            # Nobody is always the one behind.
            order = list(enumerate(relay.ports))
            for side, port in order[number % 3:] + order[:number % 3]:
                taken[side].append(relay.run(port))
        with_ours, with_nothing, with_none = (rows[1:] for rows in taken)
        seen = ours.server.log().count(": rewritten: ")
    if seen != (ROUNDS + 1) * COUNT:
        raise RuntimeError(f"{seen} messages were rewritten")
    yield at_least("postfix-speed", with_ours, with_nothing, 0.95, rate)
    ratio = statistics.median(b / a for a, b in zip(with_ours, with_none))
    yield Line("postfix-none", rate(statistics.median(with_ours)),
               rate(statistics.median(with_none)), ratio,
               "none: beside no milter at all", True)


FIGURES = ((("postfix-speed", "postfix-none"), through),)
