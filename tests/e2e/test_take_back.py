# SPDX-License-Identifier: Apache-2.0
"""A message the MTA does not take costs nothing: neither when an edit fails nor
when the MTA has gone before the answer, wherever it is counted."""
import pytest

from milter_server import OWN, account
from relay import wait_until
from test_redis import url, used

LIMITS = account('limits = { "10 messages / 1h", "100 recipients / 24h" }')
# What an edit is made to, and what is let through as it is.
REWRITTEN, PASSED = "erp@fabrikam.example", OWN
FAILED = {REWRITTEN: "an edit failed", PASSED: "the MTA did not wait for the answer"}
OUTCOME = ": failed: account="
HEADERS = [("To", "a@b.example"), ("Subject", "x")]


@pytest.fixture(params=["lmdb", "redis", "alone"])
def server(request, redis, serve):
    """A milter that counts in its file, in Redis, or, with Redis away, alone."""
    accounts = LIMITS.replace("limits =", 'senders = { "@fabrikam.example" } limits =', 1)
    if request.param == "lmdb":
        return serve(accounts)
    store = redis()
    server = serve(accounts, counters=url(store))
    # The file of its own is made once it has been there.
    assert server.send(queue_id="4FIRST").action == "continue"
    if request.param == "alone":
        store.kill()
    return server


def told(server, what):
    return server.log().count(what)


def leave(server, sender, queue_id):
    """A message whose end nobody hears about; back when the milter is done."""
    before = told(server, FAILED[sender]), told(server, OUTCOME)
    with server.client() as client:
        client.send(f"<{sender}>", ["a@b.example"], [("From", sender), *HEADERS],
                    queue_id=queue_id, leaves=True)
        wait_until(lambda: told(server, OUTCOME) > before[1], "an outcome")
    assert told(server, FAILED[sender]) == before[0] + 1, server.log()


@pytest.mark.parametrize("sender", [REWRITTEN, PASSED])
def test_a_message_that_is_not_taken_costs_nothing(server, sender):
    assert server.send(queue_id="4SENT").action == "continue"
    before = used(server), used(server, 1)
    for i in range(3):
        leave(server, sender, f"4LEFT{i}")
    assert (used(server), used(server, 1)) == before
    # It comes again and is counted like any other; once.
    for _ in range(2):
        assert server.send(f"<{sender}>", ["a@b.example"], [("From", sender), *HEADERS],
                           queue_id="4LEFT0").action == "continue"
    assert (used(server), used(server, 1)) == (before[0] + 1, before[1] + 1)
    assert "stays counted" not in server.log()


def test_the_budget_is_there_for_others(server):
    for i in range(30):
        leave(server, REWRITTEN, f"4LEFT{i}")
    assert server.send(queue_id="4X").action == "continue"


def test_the_other_host_has_it_back(redis, serve):
    store = redis()
    hosts = [serve(LIMITS, counters=url(store)) for _ in range(2)]
    for i, host in enumerate(hosts):
        assert host.send(queue_id=f"4SENT{i}").action == "continue"
    leave(hosts[0], PASSED, "4LEFT")
    assert [used(host) for host in hosts] == [2, 2]
    # Neither host misses it: the server has what they have counted.
    for host in hosts:
        assert host.send(queue_id="4MORE").action == "continue"
        assert "away" not in host.log()
    assert [used(host) for host in hosts] == [4, 4]
