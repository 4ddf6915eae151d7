# SPDX-License-Identifier: Apache-2.0
"""What postoak status --json prints is what postoak(1) lists, member by
member: programs of other people rely on it."""
import json
import os
import re
import subprocess

from relay import wait_until
from relay.tokend import ACCOUNT

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def words(text):
    return set(re.findall(r"[a-z_]+", text))


def manual():
    """{member: its text} of the document, and of an account in it."""
    with open(os.path.join(TOP, "cli", "postoak.1"), encoding="utf-8") as f:
        part = f.read().partition(".Sh JSON OUTPUT")[2]
    part = part.partition(".Cm status\nprints")[2].partition(".Pp\n.Cm limits")
    lists = part[0].split(".Bl -tag")
    members = [dict(re.findall(r"^\.It Li (\w+)\n(.*?)(?=^\.It|^\.El|\Z)",
                               text, re.M | re.S)) for text in lists[1:]]
    document, account = members
    # Behind the inner list the outer one goes on.
    behind = lists[2].partition(".El\n")[2]
    for name in re.findall(r"^\.It Li (\w+)", behind, re.M):
        document[name] = account.pop(name)
    return document, account


def inner(text):
    """The members of an object that a text lists."""
    return words(" ".join(re.findall(r"^\.Li ([a-z_ ,]+)", text, re.M)))


def status(tokend, build):
    out = subprocess.run(
        [os.path.join(build, "postoak"), "-c", tokend.config, "status",
         "--json"], capture_output=True, text=True, timeout=60, check=False)
    return json.loads(out.stdout)


def test_members_are_those_of_the_manual(tokend, entra, build):
    document, account = manual()
    assert len(account) > 15
    # Before the first token, with one, with an error: the same members.
    for step in ("idle", "ok", "needs_admin"):
        if step == "ok":
            assert tokend.ask()["status"] == "ok"
        if step == "needs_admin":
            tokend.control("logout", ACCOUNT)
            tokend.write_secret("password", "wrong")
            tokend.ask()
        answer = status(tokend, build)
        assert set(answer) == set(document)
        assert [a["state"] for a in answer["accounts"]][0] == step
        for one in answer["accounts"]:
            assert set(one) == set(account)
            assert one["state"] in inner(account["state"])
        assert set(answer["program"]) == inner(document["program"])
    assert set(answer["accounts"][0]["last_error"]) == inner(
        account["last_error"])


def test_members_of_limits(make_relay, office):
    _, account = manual()
    relay = make_relay()
    relay.send()
    office.wait_messages(1, 30)
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")
    one = json.loads(relay.postoak("status", "--json"))["accounts"][0]
    assert one["limits"]
    for limit in one["limits"]:
        assert set(limit) == inner(account["limits"])
