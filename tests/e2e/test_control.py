# SPDX-License-Identifier: Apache-2.0
"""The control socket: who is answered, in which form, and that nobody there
can hold up anybody."""
import grp
import json
import socket
import subprocess
import sys

import pytest

from relay.tokend import ACCOUNT

NOBODY = 65534
VERBS = ("status", "token", "refresh", "import", "export", "restore", "login",
         "logout", "reload")

# Run as another user: connect, ask, wait for a line, ask again.
ASK_TWICE = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except PermissionError:
    print("may not connect")
    sys.exit()
f = s.makefile("rwb")
for _ in range(2):
    f.write(b'{"version":1,"verb":"status"}\\n')
    f.flush()
    answer = json.loads(f.readline())
    print(answer["status"], answer.get("kind"), flush=True)
    sys.stdin.readline()
"""


def ask_as(tokend, groups):
    return subprocess.Popen(
        [sys.executable, "-c", ASK_TWICE, tokend.control_path], user=NOBODY,
        group=NOBODY, extra_groups=groups, cwd="/", stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)


def set_group(tokend, name):
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    head, _, rest = text.partition("tokend {\n")
    rest = "\n".join(line for line in rest.split("\n")
                     if "admin_group" not in line)
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(f'{head}tokend {{\n admin_group = "{name}"\n{rest}')


def test_who_is_answered(make_tokend):
    """Root, members of admin_group; not who has left it, on a connection
    that is kept, either."""
    tokend = make_tokend(start=False, root=True)
    adm, mail = (grp.getgrnam(n).gr_gid for n in ("adm", "mail"))
    set_group(tokend, "adm")
    tokend.start()
    assert tokend.control("status")["status"] == "ok"
    with ask_as(tokend, [mail]) as stranger:
        assert stranger.communicate(timeout=60)[0] == "may not connect\n"
    with ask_as(tokend, [adm]) as member:
        assert member.stdout.readline() == "ok None\n"
        set_group(tokend, "mail")
        tokend.reload()
        member.stdin.write("\n")
        member.stdin.flush()
        assert member.stdout.readline() == "error denied\n"
        member.communicate("\n", timeout=60)


@pytest.mark.parametrize("version", [None, 0, 2, "one", 1.5, [1]], ids=repr)
@pytest.mark.parametrize("verb", ["status", "logout"])
def test_another_version_does_nothing(tokend, verb, version):
    assert tokend.ask()["status"] == "ok"
    answer = tokend.control(verb, ACCOUNT, version=version)
    assert (answer["version"], answer["status"]) == (1, "error")
    assert (answer["kind"], answer["code"]) == ("protocol", "version")
    assert tokend.status()["state"] == "ok"


@pytest.mark.parametrize("verb", VERBS)
def test_every_answer_has_version_and_status(tokend, verb):
    for account in (ACCOUNT, "nobody@else.example", None):
        answer = tokend.control(verb, account)
        assert answer["version"] == 1
        assert answer["status"] in ("ok", "error")
        if answer["status"] == "error":
            assert answer["text"] and answer["kind"] and answer["code"]


def test_stalled_and_half_sent_requests_disturb_nobody(tokend, entra):
    """Among them one that waits for a provider that does not answer, and one
    that sends answers nowhere."""
    assert tokend.ask()["status"] == "ok"
    line = json.dumps({"version": 1, "verb": "status"}).encode() + b"\n"
    stalled = []
    for part in (b"", b"{", line[:-1], line[:9], b"x" * 65000,
                 line * 2000) * 10:
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        s.connect(tokend.control_path)
        try:
            s.send(part)
        except BlockingIOError:
            pass
        stalled.append(s)
    with entra.gate() as gate, \
            tokend.control_later("refresh", ACCOUNT) as refreshed:
        gate.wait_held(1)
        for _ in range(20):
            assert tokend.ask()["status"] == "ok"
            assert tokend.control("status")["status"] == "ok"
        gate.release()
        assert refreshed()["status"] == "ok"
    # A half-sent request is taken up where it was left.
    rest = stalled[3]
    rest.setblocking(True)
    rest.settimeout(60)
    rest.sendall(line[9:])
    assert json.loads(rest.makefile("rb").readline())["status"] == "ok"
    for s in stalled:
        s.close()
    assert tokend.control("status")["status"] == "ok"
