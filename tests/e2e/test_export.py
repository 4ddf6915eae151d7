# SPDX-License-Identifier: Apache-2.0
"""An account goes from one host to another: sealed under a passphrase, for
nobody else, and what is there is not given up for it."""
import os
import pty
import stat
import subprocess

import pytest

from relay.tokend import ACCOUNT

EX_OK, EX_USAGE, EX_PROTOCOL, EX_CONFIG = 0, 64, 76, 78
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def tool(build, directory):
    def run(tokend, verb, *argv, stdin=PASSPHRASE + "\n"):
        return subprocess.run(
            [os.path.join(build, "postoak"), "-c", tokend.config, verb, *argv],
            input=stdin, capture_output=True, text=True, timeout=60,
            check=False)
    return run


@pytest.fixture
def hosts(make_tokend, entra):
    """The first has a refresh token, the second has none."""
    first, second = (make_tokend(grant="refresh_token") for _ in range(2))
    token = entra.issue_refresh_token(ACCOUNT)
    assert first.control("import", ACCOUNT,
                         refresh_token=token)["status"] == "ok"
    return first, second


def test_from_host_to_host(hosts, tool, directory, entra):
    first, second = hosts
    newest = entra.token_requests[-1].new_refresh_token_id
    path = os.path.join(directory, "relay.export")
    out = tool(first, "export", ACCOUNT, path)
    assert out.returncode == EX_OK, out.stderr
    assert f"postoak restore {ACCOUNT}" in out.stdout
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert second.ask()["code"] == "login_required"
    out = tool(second, "restore", ACCOUNT, path)
    assert out.returncode == EX_OK and "good for" in out.stdout, out.stderr
    assert entra.token_requests[-1].refresh_token_id == newest
    for host in (first, second):
        assert host.ask()["status"] == "ok"
        host.restart()
        assert host.ask()["status"] == "ok"
    for text in (first.read_log(), second.read_log()):
        assert PASSPHRASE not in text and "1.AX0A" not in text
    with open(path, encoding="ascii") as f:
        assert "1.AX0A" not in f.read()


def test_what_is_refused(hosts, tool, directory, entra):
    first, second = hosts
    path = os.path.join(directory, "relay.export")
    before = len(entra.token_requests)
    # A weak passphrase, and a file that is there: nothing is written over.
    out = tool(first, "export", ACCOUNT, path, stdin="short\n")
    assert out.returncode == EX_PROTOCOL and "12 to 1024" in out.stderr
    assert not os.path.exists(path)
    assert tool(first, "export", ACCOUNT, path).returncode == EX_OK
    out = tool(first, "export", ACCOUNT, path)
    assert out.returncode == EX_CONFIG and "there already" in out.stderr
    # Another passphrase, another account, a file that is none.
    out = tool(second, "restore", ACCOUNT, path, stdin="wrong horse battery\n")
    assert out.returncode == EX_CONFIG and "passphrase is wrong" in out.stderr
    out = tool(second, "restore", "second@contoso.com", path)
    words = " ".join(out.stderr.split())
    assert out.returncode == EX_CONFIG
    assert f"another account: it was exported for {ACCOUNT}" in words
    out = tool(second, "restore", ACCOUNT, second.config)
    assert out.returncode == EX_CONFIG and "export has written" in out.stderr
    # Nothing to be exported.
    out = tool(second, "export", ACCOUNT, path + "2")
    assert out.returncode == EX_CONFIG and "no refresh token" in out.stderr
    out = tool(second, "export", "@example.org", path + "2")
    assert out.returncode == EX_CONFIG and "client_credentials" in out.stderr
    assert tool(first, "export", ACCOUNT).returncode == EX_USAGE
    assert len(entra.token_requests) == before
    assert not os.path.exists(path + "2")
    assert not [n for n in os.listdir(second.store) if n[0] != "."]


def test_another_tenant(hosts, tool, directory, entra):
    first, second = hosts
    path = os.path.join(directory, "relay.export")
    assert tool(first, "export", ACCOUNT, path).returncode == EX_OK
    with open(second.config, encoding="utf-8") as f:
        text = f.read()
    with open(second.config, "w", encoding="utf-8") as f:
        f.write(text.replace(entra.token_endpoint,
                             entra.token_endpoint.replace(
                                 entra.tenant, "fabrikam.example")))
    second.restart()
    out = tool(second, "restore", ACCOUNT, path)
    words = " ".join(out.stderr.split())
    assert out.returncode == EX_CONFIG and "another tenant" in words
    assert not [n for n in os.listdir(second.store) if n[0] != "."]


def test_a_dead_export_does_not_replace_what_works(
        hosts, tool, directory, entra):
    first, second = hosts
    path = os.path.join(directory, "relay.export")
    assert tool(first, "export", ACCOUNT, path).returncode == EX_OK
    entra.revoke_refresh_tokens()
    good = entra.issue_refresh_token(ACCOUNT)
    second.control("import", ACCOUNT, refresh_token=good)
    token = second.ask()["token"]
    out = tool(second, "restore", ACCOUNT, path)
    assert out.returncode != EX_OK
    assert "the one before is" in " ".join(out.stderr.split())
    assert second.ask()["token"] == token
    assert second.status()["state"] == "ok"
    second.restart()
    assert second.ask()["status"] == "ok"


def test_passphrase_on_a_terminal(hosts, build, directory):
    """Asked twice, not shown; a slip of the finger leaves nothing behind."""
    first, _ = hosts
    path = os.path.join(directory, "relay.export")

    def typed(*lines):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
                [os.path.join(build, "postoak"), "-c", first.config, "export",
                 ACCOUNT, path], stdin=theirs, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE) as tool:
            for line in lines:  # each behind its prompt
                while tool.stderr.read(1) != b":":
                    pass
                os.write(ours, line + b"\n")
            out = tool.communicate(timeout=60)
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1)  # nothing was echoed
        os.close(ours)
        os.close(theirs)
        return tool.returncode, out

    code, out = typed(b"correct horse battery", b"correct horse batterz")
    assert code == EX_PROTOCOL and b"not the same" in out[1]
    assert not os.path.exists(path)
    code, out = typed(b"correct horse battery", b"correct horse battery")
    assert code == EX_OK and os.path.exists(path)
    assert b"horse" not in out[0] + out[1]
