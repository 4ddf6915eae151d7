# SPDX-License-Identifier: Apache-2.0
"""Limits as a whole: what they count, for whom, and that they hold whatever
happens to the milter, its configuration and the clocks."""
import os
import random
import struct
import subprocess
import threading
import time

import pytest

from milter_client import Milter
from milter_server import OWN, account
from relay import wait_until
from test_redis import url

WINDOW_S, LIMIT = 2, 20
SECONDS = 12


class Clock:
    """The wall clock of the programs that are started with its environment."""

    def __init__(self, directory):
        source = os.path.join(os.path.dirname(__file__), "..", "setclock.c")
        shim = os.path.join(directory, "setclock.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, source], check=True)
        path = os.path.join(directory, "setclock")
        with open(path, "wb") as f:
            f.write(bytes(8))
        self.file = open(path, "r+b", buffering=0)
        self.env = {"LD_PRELOAD": shim, "SETCLOCK": path}

    def step(self, seconds):
        self.file.seek(0)
        self.file.write(struct.pack("=q", seconds))


class Sender(threading.Thread):
    """One connection after the other; at random times messages, each noted
    with when it was sent, when answered, and whether it was taken."""

    def __init__(self, server, rng, stop):
        super().__init__()
        self.server, self.rng, self.stop_at = server, rng, stop
        self.taken, self.refused, self.unknown = [], [], []

    @staticmethod
    def leave(client):
        """A message that is taken back: while it is there it may be in the way
        of others, and afterwards it must not be missed twice."""
        client.send(f"<{OWN}>", ["a@b.example"], [("From", OWN)],
                    queue_id=f"{id(client):x}", leaves=True)
        client.wait_for_close()

    def run(self):
        while not self.stop_at.is_set():
            began = time.monotonic()
            try:
                with self.server.client() as client:
                    for _ in range(self.rng.randrange(1, 9)):
                        began = time.monotonic()
                        if self.rng.randrange(8) == 0:
                            self.leave(client)
                            self.unknown.append((began, time.monotonic()))
                            break
                        result = client.send(f"<{OWN}>", ["a@b.example"], [("From", OWN)])
                        where = (self.taken if result.action == "continue"
                                 else self.refused)
                        where.append((began, time.monotonic()))
                        # Bursts and rests: an arrival, not a synchronisation.
                        if self.stop_at.wait(self.rng.choice((0, 0, 0.01, 0.05, 0.3))):
                            return
            except (OSError, EOFError, AssertionError):
                # Killed: nobody knows whether that one was counted. (Whoever
                # gives up sooner does not know when, either.)
                self.unknown.append((began, time.monotonic()))
                self.stop_at.wait(0.02)


def disturb(server, clock, rng, stop):
    """Restarts, kills, reloads, clocks set forth and back, for a while."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        stop.wait(rng.uniform(0.2, 1.0))
        what = rng.choice(("kill", "stop", "reload", "forth", "back"))
        if what == "kill":
            server.daemon.kill()
            server.start()
        elif what == "stop":
            server.daemon.stop()
            server.start()
        elif what == "reload":
            server.control({"version": 1, "verb": "reload"})
        else:
            clock.step(rng.randrange(1, 7200) * (1 if what == "forth" else -1))


def check(taken, refused, unknown):
    """No interval of the window's length holds more than the limit; and what
    was refused had no room in one that is 1/60 longer."""
    for start, _ in taken:
        inside = [1 for began, ended in taken
                  if began >= start and ended <= start + WINDOW_S]
        assert len(inside) <= LIMIT, f"{len(inside)} from {start}"
    longer = WINDOW_S * (1 + 1 / 60)
    for began, ended in refused:
        before = [1 for b, e in taken + unknown if e >= began - longer and b <= ended]
        assert len(before) >= LIMIT, f"only {len(before)} before {began}"


@pytest.mark.parametrize("store", ["lmdb", "redis"])
def test_no_window_ever_holds_more(serve, redis, directory, store):
    seed = int(os.environ.get("POSTOAK_SEED", random.randrange(2 ** 32)))
    print(f"POSTOAK_SEED={seed}")
    rng = random.Random(seed)
    clock = Clock(directory)
    options = {}
    if store == "redis":
        options["counters"] = url(redis(start=False).start(env=clock.env))
    server = serve(account(f'limits = {{ "{LIMIT} messages / {WINDOW_S}s" }}'),
                   start=False, **options)
    server.daemon.env.update(clock.env)
    server.start()
    stop = threading.Event()
    senders = [Sender(server, random.Random(rng.random()), stop) for _ in range(4)]
    for sender in senders:
        sender.start()
    disturb(server, clock, rng, stop)
    stop.set()
    for sender in senders:
        sender.join()
    taken = [one for sender in senders for one in sender.taken]
    refused = [one for sender in senders for one in sender.refused]
    unknown = [one for sender in senders for one in sender.unknown]
    # An answer that came late, on a busy machine, is refused with room left.
    if "are away" in server.log():
        refused = []
    assert len(taken) > LIMIT * SECONDS / WINDOW_S / 3, (len(taken), server.log()[-2000:])
    assert server.log().count("the MTA did not take the answer") > SECONDS / 2
    check(sorted(taken), refused, unknown)


APPLICATION = """
application "{name}" {{
    provider = "office365"
    tenant_id = "{tenant}"
    client_id = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "contoso.client"
}}
"""
OTHER_TENANT = "22222222-3333-4444-5555-666666666666"
TENANT = "11111111-2222-3333-4444-555555555555"


def accounts(limit):
    """contoso has two accounts; sister is in its tenant, stranger is not."""
    def one(name, application):
        return (account(f'limits = {{ "{limit}" }} senders = {{ "{name}" }} '
                        'logins = { "%s" }' % name[0], name=name)
                .replace('"contoso"', f'"{application}"', 1))
    return (APPLICATION.format(name="sister", tenant=TENANT)
            + APPLICATION.format(name="stranger", tenant=OTHER_TENANT)
            + one("a@contoso.com", "contoso") + one("b@contoso.com", "contoso")
            + one("c@contoso.com", "sister") + one("d@contoso.com", "stranger"))


def send(server, who, client="192.0.2.1", login=None, amount=1, **options):
    with Milter(server.socket) as connection:
        connection.connect(client)
        return connection.send(f"<{who}@contoso.com>", options.pop("recipients", ["x@y.example"]) * amount,
                               [("From", f"{who}@contoso.com")], login=login, **options).action


@pytest.mark.parametrize("scope,shared,apart", [
    ("account", {"who": "a", "client": "192.0.2.9"}, {"who": "b"}),
    ("login", {"who": "a", "login": "x"}, {"who": "a", "login": "z"}),
    ("client", {"who": "a", "client": "192.0.2.1"}, {"who": "a", "client": "192.0.2.2"}),
    ("sender", {"who": "a", "client": "192.0.2.9"}, {"who": "b"}),
    ("application", {"who": "b"}, {"who": "c"}),
    ("tenant", {"who": "c"}, {"who": "d"}),
])
def test_scopes(serve, scope, shared, apart):
    server = serve(accounts(f"{scope} 2 messages / 1h"))
    first = {"who": "a", "login": "x"} if scope == "login" else {"who": "a"}
    assert send(server, **first) == "continue"
    assert send(server, **shared) == "continue"
    assert send(server, **first) == "reply"
    assert send(server, **shared) == "reply"
    assert send(server, **apart) == "continue"


@pytest.mark.parametrize("unit,fits,amount", [
    ("messages", 4, 3), ("recipients", 2, 2), ("external_recipients", 2, 2)])
def test_units(serve, unit, fits, amount):
    server = serve(account(f'limits = {{ "4 {unit} / 1h" }} '
                           'internal_domains = { "contoso.com" }'))
    recipients = ["x@y.example"] * amount
    for _ in range(fits):
        assert server.send(recipients=recipients).action == "continue"
    assert b"4 of 4" in server.send(recipients=recipients).reply
    inside = server.send(recipients=["c@contoso.com"])
    assert (inside.action == "continue") == (unit == "external_recipients")


def test_bytes_are_those_of_the_message(serve):
    server = serve(account('limits = { "30000 bytes / 1h" }'))
    assert server.send(body=b"x" * 14000).action == "continue"
    assert server.send(body=b"x" * 14000).action == "continue"
    assert b"bytes" in server.send(body=b"x" * 14000).reply
    assert server.send(body=b"x" * 500).action == "continue"


def test_the_file_is_opened_once_and_synced_now_and_then(serve, directory):
    trace = os.path.join(directory, "trace")
    server = serve(account('limits = { "100000 messages / 1h" }'), start=False)
    server.daemon.argv = ["strace", "-D", "-f", "-qq", "-o", trace, "-e",
                          "trace=openat,open,fsync,fdatasync,msync", *server.daemon.argv]
    server.start()
    began = time.monotonic()
    with server.client() as client:
        for i in range(500):
            assert client.send(f"<{OWN}>", ["a@b.example"], [("From", OWN)],
                               queue_id=f"{i}").action == "continue"
    took = time.monotonic() - began

    def lines(word):
        with open(trace, encoding="utf-8", errors="replace") as f:
            return [line for line in f if word in line]
    wait_until(lambda: lines("sync("), "a sync")
    # LMDB itself opens it twice, for reading and for what is to be on disk; so
    # does the process that tries it out first.
    assert len(lines("data.mdb")) <= 4
    assert len(lines("sync(")) <= 4 * (took + 2), len(lines("sync("))
