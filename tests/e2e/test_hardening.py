# SPDX-License-Identifier: Apache-2.0
"""What of a secret is where: in locked pages while it is needed, in nothing
that is dumped, swapped, inherited or left behind."""
import os
import re

import pytest

from relay import wait_until
from relay.tokend import ACCOUNT

CANARY = "1.canary-of-a-refresh-token-that-must-not-stay-" + "q" * 700


def proc(tokend, name):
    with open(f"/proc/{tokend.process.pid}/{name}", "rb") as f:
        return f.read()


def mappings(tokend):
    """[(start, end, writable, flags)] of the process's memory."""
    found = []
    for line in proc(tokend, "smaps").decode().splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) ", line)
        if match:
            start, end = (int(n, 16) for n in match.groups()[:2])
            found.append([start, end, match[3], []])
        elif line.startswith("VmFlags:"):
            found[-1][3] = line.split()[1:]
    return found


def places(tokend, text):
    """Where a text stands in the memory of the process: its VmFlags."""
    found = []
    with open(f"/proc/{tokend.process.pid}/mem", "rb", buffering=0) as f:
        for start, end, rights, flags in mappings(tokend):
            if "w" not in rights:
                continue
            f.seek(start)
            data, at = f.read(end - start), -1
            while (at := data.find(text.encode(), at + 1)) != -1:
                found.append(flags)
    return found


@pytest.fixture
def canary(make_tokend, entra):
    """A tokend that has a refresh token and an access token we know."""
    tokend = make_tokend(grant="refresh_token")
    token = entra.issue_refresh_token(ACCOUNT)
    answer = tokend.control("import", ACCOUNT, refresh_token=token)
    assert answer["status"] == "ok"
    return tokend, token


def test_a_token_is_in_locked_memory_only(canary):
    tokend, refresh = canary
    access = tokend.ask()["token"]
    for part in (access, access[-40:]):
        found = places(tokend, part)
        assert len(found) == 1, found
        assert "lo" in found[0] and "dd" in found[0]
    # It was shown to the provider and is sealed on disk, and no copy is left.
    assert not places(tokend, refresh)


def test_nothing_is_left_after_a_logout(canary, entra):
    tokend, refresh = canary
    access = tokend.ask()["token"]
    tokend.control("token", ACCOUNT)
    tokend.control("refresh", ACCOUNT)
    later = tokend.ask()["token"]
    assert later != access
    assert tokend.control("logout", ACCOUNT)["status"] == "ok"
    for text in (refresh, access, later):
        for part in (text, text[:60], text[len(text) // 2:], text[-60:]):
            assert not places(tokend, part)
    with open(tokend.secret("client"), encoding="utf-8") as f:
        assert not places(tokend, f.read().strip())


def test_a_password_and_a_refused_token_do_not_stay(tokend, entra):
    assert tokend.ask()["status"] == "ok"
    assert not places(tokend, entra.password)
    tokend.control("import", ACCOUNT, refresh_token=CANARY)
    tokend.control("logout", ACCOUNT)
    assert not places(tokend, CANARY[:46])
    assert not places(tokend, "q" * 100)


def test_a_passphrase_does_not_stay(canary):
    """Nor what was made of it: the exported account opens for nobody."""
    tokend, refresh = canary
    passphrase = "canary horse battery staple " * 9
    answer = tokend.control("export", ACCOUNT, passphrase=passphrase)
    assert answer["status"] == "ok"
    for words in (passphrase, "x" * 99):
        restored = tokend.control("restore", ACCOUNT, file=answer["file"],
                                  passphrase=words)
        assert (restored["status"] == "ok") == (words == passphrase)
    for text in (passphrase[:60], passphrase[-60:], "x" * 99, refresh):
        assert not places(tokend, text)


def test_process(make_tokend):
    tokend = make_tokend(start=False)
    for name in ("SSLKEYLOGFILE", "https_proxy", "ALL_PROXY", "OPENSSL_CONF",
                 "LD_NOTHING", "MY_PASSWORD"):
        tokend.env[name] = "http://127.0.0.1:9/canary"
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    # Neither handed on nor visible to who may look.
    assert b"canary" not in proc(tokend, "environ")
    assert b"PASSWORD" not in proc(tokend, "environ")
    limits = proc(tokend, "limits").decode()
    assert re.search(r"Max core file size +0 +0 ", limits)
    locked = re.search(r"Max locked memory +(\S+) +(\S+) ", limits)
    assert locked[1] == locked[2]
    # Not dumpable: what it is belongs to root, not to its user.
    assert os.stat(f"/proc/{tokend.process.pid}/mem").st_uid == 0
    assert tokend.uid != 0


def test_locked_memory_is_short(make_tokend):
    """It goes on, says so once and with the remedy."""
    tokend = make_tokend(start=False)
    tokend.command[:0] = ["prlimit", "--memlock=0:0"]
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert tokend.ask(account="second@contoso.com")["status"] == "ok"
    said = wait_until(lambda: re.findall(
        r".*cannot be locked.*", tokend.read_log()), "the warning")
    assert len(said) == 1
    assert "LimitMEMLOCK" in said[0] and "limit=0" in said[0]
    found = places(tokend, tokend.ask()["token"])
    assert len(found) == 1 and "dd" in found[0] and "lo" not in found[0]
