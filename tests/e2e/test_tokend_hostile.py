# SPDX-License-Identifier: Apache-2.0
"""postoak-tokend against clients, files and moments that mean it no good."""
import contextlib
import os
import signal
import socket

import pytest

from relay import wait_until
from relay.tokend import ACCOUNT, block


# --- its end ------------------------------------------------------------------

def test_requests_sent_ahead_do_not_begin_anew_at_the_end(tokend, entra):
    entra.set(behaviour="silent")
    with tokend.connect() as client:
        client.send(*[tokend.request(wait_ms=60000) for _ in range(5)])
        wait_until(lambda: tokend.status()["waiters"] == 1, "a waiter")
        tokend.signal(signal.SIGTERM)
        assert client.answer()["code"] == "stopping"
        assert client.answer() == {}
    assert tokend.stop() == 0
    assert len(entra.token_requests) == 1


def test_no_reload_while_it_ends(tokend, entra):
    """Its sockets are gone by then; an exchange keeps it for a moment."""
    tokend.ask()
    with entra.gate() as gate, tokend.connect() as client, \
            contextlib.closing(socket.socket(socket.AF_UNIX)) as control:
        control.connect(tokend.control_path)
        client.send(tokend.request(account="a@example.org", wait_ms=60000))
        gate.wait_held(1)
        tokend.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in tokend.read_log(), "the end's begin")
        for _ in range(20):
            tokend.signal(signal.SIGHUP)
        control.sendall(b'{"version":1,"verb":"reload"}\n')
        assert b'"code":"stopping"' in control.recv(4096)
        gate.release()
    assert tokend.stop() == 0
    assert "read again" not in tokend.read_log()


# --- reload -------------------------------------------------------------------

@pytest.mark.parametrize("old, new", [
    ('control.sock"', 'no/such/control.sock"'),
    ('tokend.sock"', 'no/such/tokend.sock"'),
])
def test_sockets_change_together_or_not_at_all(tokend, old, new):
    tokend.write_config()
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    other = text.replace(old, new)
    for name in ("control.sock", "tokend.sock"):
        other = other.replace(f'/{name}"', f'/other-{name}"') \
            if name not in new else other
    assert other != text
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(other)
    assert tokend.control("reload")["kind"] == "config"
    assert tokend.ask()["status"] == "ok"
    assert tokend.status()["state"] == "ok"
    left = [n for n in os.listdir(tokend.directory) if "other" in n]
    assert not left, left


def test_group_of_the_control_socket_follows_the_configuration(make_tokend):
    tokend = make_tokend(root=True)
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(text.replace("tokend {", 'tokend {\n admin_group = "adm"', 1))
    assert os.stat(tokend.control_path).st_gid == 0
    tokend.reload()
    assert os.stat(tokend.control_path).st_gid == 4
    assert tokend.ask()["status"] == "ok"


def test_reload_storm_with_waiters(tokend, entra):
    """Configurations come and go while an exchange is under way: the waiter
    of an account that stays gets its token, of one exchange."""
    with entra.gate() as gate, tokend.connect() as client:
        client.send(tokend.request(wait_ms=30000))
        gate.wait_held(1)
        for number in range(50):
            tokend.write_config(hosts=f'"localhost", "h{number}.example"')
            assert tokend.control("reload")["status"] == "ok"
        for _ in range(200):
            tokend.signal(signal.SIGHUP)
        assert tokend.status()["waiters"] == 1
        gate.release()
        assert client.answer()["status"] == "ok"
    assert len(entra.token_requests) == 1


def test_reload_sent_ahead_of_its_own_cause(tokend, entra):
    """A reload ends a request whose connection has the next reload ready: it
    must not begin inside the first."""
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    with entra.gate() as gate, \
            contextlib.closing(socket.socket(socket.AF_UNIX)) as control:
        control.settimeout(60)
        control.connect(tokend.control_path)
        refresh = b'{"version":1,"verb":"refresh","account":"%s"}\n'
        reload = b'{"version":1,"verb":"reload"}\n'
        control.sendall(refresh % b"relay@contoso.com" + reload * 3)
        gate.wait_held(1)
        with open(tokend.config, "w", encoding="utf-8") as f:
            f.write(text.partition('account "relay')[0])
        tokend.reload()
        with control.makefile("rb") as answers:
            assert b'"code":"reload"' in answers.readline()
            for _ in range(3):
                assert b'"accounts":0' in answers.readline()
        gate.release()
    assert tokend.stop() == 0
    assert "AddressSanitizer" not in tokend.read_log()


# --- clients ------------------------------------------------------------------

def test_ten_thousand_requests_sent_ahead(tokend, entra):
    tokend.ask()
    one = block(**tokend.request()).encode()
    with tokend.connect() as client:
        client.socket.setblocking(False)
        unsent, answers = memoryview(one * 10000), bytearray()
        seen = 0
        while seen < 10000:
            if unsent:
                with contextlib.suppress(BlockingIOError):
                    unsent = unsent[client.socket.send(unsent[:65536]):]
            with contextlib.suppress(BlockingIOError):
                data = client.socket.recv(1 << 20)
                assert data, f"closed after {seen} answers"
                answers += data
            seen += answers.count(b"\n\n")
            del answers[:answers.rfind(b"\n\n") + 2 if b"\n\n" in answers
                        else 0]
    assert len(entra.token_requests) == 1


def test_clients_that_never_read_hold_up_nobody(tokend):
    tokend.ask()
    one = block(**tokend.request()).encode()
    deaf = [tokend.connect() for _ in range(50)]
    for client in deaf:
        client.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                client.socket.send(one * 100)
    assert tokend.ask()["status"] == "ok"
    for client in deaf:
        client.close()


@pytest.mark.parametrize("account", [
    "../../etc/passwd", "%n%s%s", "\x1b[31m@contoso.com", "\xff\xfe",
    "a" * 2000, "relay@contoso.com\x00", " ", "@"], ids=ascii)
def test_odd_names(tokend, account):
    files = os.listdir(tokend.store)
    with tokend.connect() as client:
        client.socket.sendall(block(**tokend.request(account=account))
                              .encode("latin-1"))
        answer = client.file.readline()
        assert answer == b"status=error\n"
        rest = client.file.read(4096) if "\0" in account else b""
        assert b"\x1b" not in rest
    assert tokend.ask()["status"] == "ok"
    assert "\x1b" not in tokend.read_log()
    assert len(os.listdir(tokend.store)) <= len(files) + 1  # its own


@pytest.mark.parametrize("line", [
    b"{" * 60000 + b"\n", b"[" * 60000 + b"\n", b"\0\n", b"\n",
    b'{"version":1e999,"verb":"status"}\n', b'{"version":1}\n', b"null\n",
    b'{"version":1,"verb":"token","account":{"a":1}}\n', b"5\n",
    b'{"version":1,"verb":"' + b"x" * 60000 + b'"}\n', b"x" * 70000])
def test_what_is_no_control_request(tokend, line):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.settimeout(60)
        s.connect(tokend.control_path)
        with contextlib.suppress(BrokenPipeError):
            s.sendall(line)
        assert b'"kind":"protocol"' in s.recv(65536)
    assert tokend.status()


# --- the disk -----------------------------------------------------------------

def test_refusal_outlives_a_full_disk(make_tokend, entra):
    """The refresh token that waits for room must not wipe out, when it is
    saved, what was refused since."""
    tokend = make_tokend(start=False)
    with tokend.small_store():
        tokend.start()
        tokend.ask()
        tokend.fill_store()
        assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
        assert tokend.status()["unsaved"]
        entra.revoke_refresh_tokens()
        tokend.write_secret("password", "wrong")
        assert tokend.control("refresh", ACCOUNT)["code"] == "aadsts.50126"
        tokend.empty_store()
        shown = len(entra.token_requests)
        tokend.restart()
        assert tokend.ask()["code"] == "aadsts.50126"
        assert len(entra.token_requests) == shown


# --- the environment ------------------------------------------------------------

def test_environment_leads_nowhere(make_tokend, entra):
    """Proxies, key logs and other certificates of the environment count for
    nothing, and nobody sees a secret in the list of processes."""
    tokend = make_tokend(start=False)
    keys = os.path.join(tokend.directory, "store", "keys")
    tokend.env = {
        "https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://[::1]:1",
        "ALL_PROXY": "socks5://127.0.0.1:1", "SSLKEYLOGFILE": keys,
        "SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/nonexistent",
        "CURL_CA_BUNDLE": "/dev/null", "OPENSSL_CONF": "/dev/zero",
        "RES_OPTIONS": "ndots:15", "HOME": "/nonexistent"}
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert not os.path.exists(keys)
    with open(f"/proc/{tokend.pid}/limits", encoding="ascii") as f:
        core, = [line for line in f if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
    # Not dumpable: its /proc files belong to root.
    assert os.stat(f"/proc/{tokend.pid}/environ").st_uid == 0
    with open(f"/proc/{tokend.pid}/cmdline", "rb") as f:
        line = f.read().decode()
    for secret in (entra.password, entra.client_secret):
        assert secret not in line


def test_few_descriptors(make_tokend):
    tokend = make_tokend(open_files=32)
    crowd = [tokend.connect() for _ in range(40)]
    wait_until(lambda: tokend.ask().get("status") == "ok",
               "a token in a crowd")
    for client in crowd:
        client.close()
    wait_until(lambda: tokend.ask().get("status") == "ok", "a token after it")
    assert tokend.status()["state"] == "ok"
