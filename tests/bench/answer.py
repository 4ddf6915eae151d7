# SPDX-License-Identifier: Apache-2.0
"""Answers of tokend over its socket: time, crowds, waiting, endurance."""
import contextlib
import itertools
import os
import threading

from bench.line import Line, at_most, compared
from bench.meter import by_turns, column, one_processor
from bench.place import account, place, wait_until

WARM = account("warm@contoso.com")
ROUNDS, COUNT = 150, 1000
CLIENTS, CLIENT_ROUNDS = 64, 100
HUNG, WAITERS = 200, 1000
REFRESHES = 20
MILLION = 1000  # connections of 1,000 requests
USUAL_TOKEN_BYTES = 1500


def p50_p99(name, taken, most, against):
    for what in ("p50", "p99"):
        yield compared(f"{name}-{what}", column(taken[0], what + "_ns"),
                       column(taken[1], what + "_ns"), most,
                       against=against)


def echo(bench):
    with one_processor(), place(bench.build) as here:
        tokend = here.tokend(here.endpoint(), [WARM])
        sock, *files = here.echo(tokend, "warm@contoso.com")
        taken = by_turns([here.meter("ask", tokend.socket, *files),
                          here.meter("ask", sock, *files)], ROUNDS, COUNT)
    yield from p50_p99("answer", taken, 1.3, "a bare echo")


def clients(bench):
    with place(bench.build) as here:
        tokend = here.tokend(here.endpoint(), [WARM])
        _, request, _ = here.echo(tokend, "warm@contoso.com")
        crowd = here.meter("crowd", tokend.socket, request)
        said = crowd.order(f"connect {CLIENTS} {CLIENT_ROUNDS}")
    every = CLIENTS * CLIENT_ROUNDS
    yield Line("answer-clients", f"{said['failed']} failed", f"{every} made",
               None, "0 failed, all answered",
               said["failed"] == 0 and said["answered"] == every)


def hung(bench):
    """The same account at a tokend where a provider hangs, and at one where
    none does."""
    accounts = [WARM, account("hung@contoso.com", "hang")]
    with one_processor(), place(bench.build) as here:
        endpoint = here.endpoint()
        meters = []
        for number in range(2):
            tokend = here.tokend(endpoint, accounts, ("token", "hang"))
            request = here.write("request", tokend.request("warm@contoso.com"))
            answer = here.write("answer", tokend.ask_raw(
                tokend.request("warm@contoso.com")))
            meters.append(here.meter("ask", tokend.socket, request, answer))
            if number == 0:
                crowd = here.meter("crowd", tokend.socket, here.write(
                    "hung", tokend.request("hung@contoso.com", 60000)))
                crowd.order(f"wait {HUNG}")
                wait_until(lambda: endpoint.order("count")["hang"] > 0,
                           "a request that hangs")
        taken = by_turns(meters, ROUNDS, COUNT)
    yield compared("answer-hung-p99", column(taken[0], "p99_ns"),
                   column(taken[1], "p99_ns"), 1.2,
                   against="with no provider hung")


@contextlib.contextmanager
def refreshing(tokend, names):
    """One account after the other gets a new token, each of which must be on
    disk before it counts: REFRESHES a second, those of 50,000 accounts."""
    over = threading.Event()
    done = []

    def refresh():
        for name in itertools.cycle(names):
            if over.wait(1 / REFRESHES):
                return
            if tokend.ask_control("refresh", name)["status"] != "ok":
                return
            done.append(name)

    thread = threading.Thread(target=refresh)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def beside_refreshes(bench):
    """The same account at a tokend that saves refresh tokens all the time, and
    at one that does not; both on the machine that does all that."""
    names = [f"busy{i}@contoso.com" for i in range(REFRESHES)]
    accounts = [WARM, *(account(name, grant="password", password="secret")
                        for name in names)]
    with one_processor(), place(bench.build) as here:
        endpoint = here.endpoint()
        tokends = [here.tokend(endpoint, accounts) for _ in range(2)]
        _, *files = here.echo(tokends[0], "warm@contoso.com")
        tokends[1].ask_raw(tokends[1].request("warm@contoso.com"))
        meters = [here.meter("ask", tokend.socket, *files)
                  for tokend in tokends]
        with refreshing(tokends[0], names) as done:
            taken = by_turns(meters, ROUNDS, COUNT)
        if len(done) < REFRESHES:
            raise RuntimeError(f"only {len(done)} refreshes")
    longest = max(column(taken[0], "max_ns")) / 1e6
    yield compared("answer-refresh-p99", column(taken[0], "p99_ns"),
                   column(taken[1], "p99_ns"), 1.2,
                   against=f"without; longest {longest:.1f} ms")


def waiters(bench):
    """A token at its end, its renewal under way, and then everybody asks."""
    with place(bench.build) as here:
        endpoint = here.endpoint()
        tokend = here.tokend(
            endpoint, [account("gate@contoso.com", "gate")], ("gate",))
        request = tokend.request("gate@contoso.com", 60000)
        tokend.ask_raw(request)
        wait_until(lambda: tokend.status("gate@contoso.com")["expires_at"]
                   is None, "the end of the first token")
        crowd = here.meter("crowd", tokend.socket,
                           here.write("request", request))
        crowd.order(f"wait {WAITERS}")
        wait_until(lambda: tokend.status("gate@contoso.com")["waiters"]
                   == WAITERS, "all to wait")
        endpoint.order("open")
        answered = crowd.order("collect")["answered"]
        exchanges = endpoint.order("count")["gate"] - 1
    yield Line("answer-waiters", f"{exchanges} exchange",
               f"{answered} answered", None,
               f"1 exchange for {WAITERS} that wait",
               exchanges == 1 and answered == WAITERS)


def million(bench):
    """What is left after a tenth is what there must be at the end."""
    def state():
        return tokend.resident_kb(), tokend.descriptors()

    with place(bench.build) as here:
        tokend = here.tokend(here.endpoint(USUAL_TOKEN_BYTES), [WARM])
        tokend.ask_raw(tokend.request("warm@contoso.com"))
        flood = here.meter("flood", tokend.socket, here.write(
            "request", tokend.request("warm@contoso.com")))
        flood.run(MILLION // 10)
        memory, files = state()
        flood.run(MILLION)
        more, open_now = state()
    # Without root the kernel's sum is a batch of pages off.
    yield at_most("answer-million", more - memory,
                  0 if os.geteuid() == 0 else 512, "{:d} kB more".format,
                  f"{memory} kB before")
    yield at_most("answer-million-fds", open_now - files, 0,
                  "{:d} more".format, f"{files} before")


FIGURES = (
    (("answer-p50", "answer-p99"), echo),
    (("answer-clients",), clients),
    (("answer-hung-p99",), hung),
    (("answer-refresh-p99",), beside_refreshes),
    (("answer-waiters",), waiters),
    (("answer-million", "answer-million-fds"), million),
)
