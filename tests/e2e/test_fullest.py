# SPDX-License-Identifier: Apache-2.0
"""`postoak limits` of limits that many are counted by: the fullest of them, how
many others there are, and --reset, with either store."""
import json
import os
import re
import subprocess

import pytest

from milter_client import Milter
from milter_server import DOMAIN, account
from relay import wait_until
from test_redis import url


@pytest.fixture(params=["lmdb", "redis"])
def start(request, serve, redis):
    def make(accounts, store=None):
        if request.param == "lmdb":
            return serve(accounts)
        return serve(accounts, counters=url(store or redis()))
    make.store = request.param
    return make


def send(server, login, count=1, who="a@contoso.com", client="192.0.2.1"):
    with Milter(server.socket) as connection:
        connection.connect(client)
        for _ in range(count):
            assert connection.send(f"<{who}>", ["x@y.example"], [("From", who)],
                                   login=login).action == "continue"


def run(server, *words):
    tool = os.path.join(os.path.dirname(server.program), "postoak")
    return subprocess.run([tool, "-c", server.config, *words], capture_output=True, timeout=60)


def postoak(server, *words):
    done = run(server, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def reset(server, *words):
    """On a busy machine a shared store may be away for a moment."""
    wait_until(lambda: run(server, "limits", "--reset", *words).returncode == 0, "a reset")


def limits(server, *words):
    accounts = json.loads(postoak(server, "limits", "--json", *words))["accounts"]
    return {entry["account"]: entry["limits"] for entry in accounts}


def used(limit):
    return {one["name"]: one["used"] for one in limit["fullest"]}


def two(limits_text):
    """Both by their senders, whoever logs in."""
    return "".join(account(f'limits = {{ {limits_text} }} senders = {{ "{name}" }}', name=name)
                   for name in ("a@contoso.com", "b@contoso.com"))


def test_the_fullest_and_the_others(start):
    server = start(two('"login 28 messages / 1h", "application 900 messages / 1h", "tenant 800 messages / 1h"'))
    for i in range(13):
        send(server, f"User{i}", count=14 - i)
    send(server, "other", who="b@contoso.com")
    out = postoak(server, "limits")
    assert all(len(line) <= 80 for line in out.splitlines()), out
    assert re.search(r"a@contoso.com\n  login 28 messages / 1h +each login by itself\n"
                     r"    user0 +#{10}\.{10} 14 of 28 this hour\n"
                     r"    user1 +#{10}\.{10} 13 of 28 this hour\n", out), out
    assert "    and 3 others\n" in out and "user10" not in out, out
    assert "105 of 900" in out and "105 of 800" in out
    a, b = limits(server).values()
    assert a[0]["used"] is None and (a[0]["others"], a[0]["more"]) == (3, False)
    assert list(used(a[0]).items()) == [(f"user{i}", 14 - i) for i in range(10)]
    assert all(one["frees_at"] > 0 for one in a[0]["fullest"])
    assert used(b[0]) == {"other": 1}
    assert [limit["used"] for limit in b[1:]] == [105, 105]
    # What `postoak status` asks for does not cost that much.
    assert "fullest" not in server.limits()[0]["limits"][0]


def test_names_are_escaped(start):
    server = start(two('"login 9 messages / 1h"'))
    for login in (b"\x1b[2J", b"\xff\xfe", "é ü", "a|messages|3600", "*?[x]\\"):
        send(server, login)
    out = postoak(server, "limits", "a@contoso.com")
    assert "\x1b" not in out and r"\xff\xfe" in out and "é ü" in out, out
    limit, = limits(server)["a@contoso.com"]
    names = set(used(limit))
    assert {"a|messages|3600", "é ü", r"\xff\xfe", "*?[x]\\"} < names and len(names) == 5


def test_reset_is_for_them_too(start):
    server = start(two('"login 40 messages / 1h", "client 40 messages / 1h", "sender 40 messages / 1h", '
                       '"application 99 messages / 1h"'))
    for who in ("a@contoso.com", "b@contoso.com"):
        for login in range(9):
            send(server, str(login), who=who, client=f"192.0.2.{login % 3 + 1}")
    reset(server, "a@contoso.com")
    of = limits(server)
    for limit in of["a@contoso.com"][:3]:
        assert limit["fullest"] == [] and limit["others"] == 0
    assert "each sender by itself, none is in use" in postoak(server, "limits", "a@contoso.com")
    assert used(of["b@contoso.com"][1]) == {f"192.0.2.{i}": 3 for i in (1, 2, 3)}
    assert used(of["b@contoso.com"][2]) == {"b@contoso.com": 9}
    assert of["a@contoso.com"][3]["used"] == 18
    send(server, "0", count=9)
    reset(server)
    for entry in limits(server).values():
        assert [limit.get("fullest") for limit in entry] == [[], [], [], None]
        assert entry[3]["used"] == 0
    send(server, "0", count=9)
    assert used(limits(server)["a@contoso.com"][0]) == {"0": 9}


def test_the_mailboxes_of_a_domain(start):
    server = start(DOMAIN.format(more='limits = { "10 messages / 1h", "login 10 messages / 1h" }'))
    send(server, "x", who="a@fabrikam.com", count=2)
    send(server, "x", who="b@fabrikam.com")
    out = postoak(server, "limits")
    assert re.search(r"10 messages / 1h +each mailbox by itself\n    a@fabrikam.com +#{4}\.{16} 2 of 10", out), out
    assert "b@fabrikam.com x " in out
    assert limits(server, "a@fabrikam.com")["a@fabrikam.com"][0]["used"] == 2
    reset(server)
    assert all(limit["fullest"] == [] for limit in limits(server)["@fabrikam.com"])


def test_a_store_that_is_away(redis, serve):
    """This host lists what it knows, and forgets nothing."""
    store = redis()
    hosts = [serve(two('"login 9 messages / 1h"'), counters=url(store)) for _ in range(2)]
    send(hosts[0], "there", count=2)
    send(hosts[1], "of the other")
    both = {"there": 2, "of the other": 1}
    for host in hosts:
        wait_until(lambda h=host: used(limits(h)["a@contoso.com"][0]) == both, "what both counted")
    store.stop()
    send(hosts[0], "alone")
    wait_until(lambda: "are away" in hosts[0].log(), "the store is missed")
    assert used(limits(hosts[0])["a@contoso.com"][0]).keys() >= {"there", "alone"}
    answer, = hosts[0].control({"version": 1, "verb": "limits", "reset": True})
    assert answer["status"] == "error" and "away" in answer["text"]
    store.start()
    wait_until(lambda: "are back" in hosts[0].log(), "the store is back")
    wait_until(lambda: used(limits(hosts[1])["a@contoso.com"][0]).get("alone") == 1, "the other host hears")
