# SPDX-License-Identifier: Apache-2.0
"""postoak login --browser: from an address on a terminal to a delivered
message, by each way back, and everything that can come between."""
import json
import os
import re
import socket
import subprocess

import pytest

from elsewhere import visit_elsewhere
from login_tool import ACCOUNT, accounts, login
from person import Browser, arrive, sign_in, visit
from relay import wait_until

EX_OK, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 0, 75, 77, 78


@pytest.fixture
def relay(make_relay, office):
    return make_relay(accounts=accounts(office, "authorization_code"))


def address_of(terminal):
    return terminal.wait_text(
        r"(https://\S+/authorize\?\S+)\r\n(?s:.*)Ctrl-C gives it up").group(1)


def port_of(terminal):
    return int(terminal.wait_text(r"http://localhost:(\d+)").group(1))


def sentence(terminal):
    return " ".join(terminal.text.split())


def grants(office):
    return [r.grant for r in office.token_requests]


def files(relay):
    out = subprocess.run(["ls", "-A", f"{relay.directory}/store/tokens"],
                         capture_output=True, text=True, check=True)
    return [name for name in out.stdout.split() if name != ".notes"]


def is_closed(port):
    for address in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((address, port), 60).close()
            return False
        except ConnectionRefusedError:
            pass
    return True


def unchanged(relay, port):
    assert relay.status()["state"] == "idle" and files(relay) == []
    wait_until(lambda: is_closed(port), "closed ports")


# --- through -----------------------------------------------------------------

def test_mail_waits_for_the_browser(relay, office):
    """A real browser; mail that was refused a token is delivered with the one
    of the sign-in, without a restart of anything, and it lives on."""
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}: .*status=deferred")
    assert not office.token_requests
    with login(relay, "--browser") as terminal, Browser() as browser:
        browser.sign_in(address_of(terminal), office.password)
        page = browser.wait_text("Signed in; mail can be sent now")
        assert ACCOUNT in page
        assert "https://outlook.office.com/SMTP.Send" in page
        assert "https://outlook.office.com/IMAP.AccessAsUser.All" in page
        assert "code=" not in browser.address
        assert terminal.wait() == EX_OK
        assert "signed in" in terminal.text and "FAIL" not in terminal.text
    message, = office.wait_messages(1, 60)
    assert (message.auth_user, message.mail_from) == (ACCOUNT, ACCOUNT)
    assert grants(office) == ["authorization_code"]
    relay.tokend.kill()
    relay.tokend.start()
    assert relay.postoak("token", ACCOUNT).strip()
    assert grants(office)[-1] == "refresh_token"
    log = relay.tokend.read_log()
    assert "1.AX0A" not in log and "eyJ" not in log
    assert "code_verifier" not in log and "state=" not in log


def test_who_is_to_sign_in(make_relay, office):
    """The mailbox, whatever the account is called."""
    relay = make_relay(accounts=accounts(
        office, "authorization_code").replace(
            "    grant ", '    user = "someone@contoso.com"\n    grant '))
    with login(relay, "--browser") as terminal:
        address = address_of(terminal)
        assert "sign in as someone@contoso.com:" in terminal.text
        assert "login_hint=someone%40contoso.com" in address
        terminal.interrupt()


def test_the_address_pasted_back(relay, office):
    with login(relay, "--browser") as terminal:
        address, port = address_of(terminal), port_of(terminal)
        terminal.type("http://localhost/nothing\n")
        terminal.wait_text("not the address that a sign-in ends at")
        final = sign_in(office, address)
        terminal.type(final + "\n")
        assert terminal.wait() == EX_OK
        assert "signed in" in terminal.text
        assert "1.AX0A" not in terminal.text, "what is pasted is not shown"
    assert relay.status()["state"] == "ok"
    wait_until(lambda: is_closed(port), "closed ports")


def test_on_both_addresses_of_localhost(relay, office):
    """And each page with all that a browser is told for safety."""
    with login(relay, "--browser") as terminal:
        final = sign_in(office, address_of(terminal))
        port = port_of(terminal)
        for address in ("127.0.0.1", "::1"):
            status, headers, page = visit(port, "/", address=address)
            assert status == 400 and "not the address" in page
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "<script" not in page
        page = arrive(final)
        assert "Signed in; mail can be sent now" in page
        assert terminal.wait() == EX_OK


def test_another_computer(relay, office):
    """The printed ssh line leads a browser elsewhere to the right port: here
    elsewhere is a network of its own, with the two ports of that line."""
    with login(relay, "--browser") as terminal:
        address, port = address_of(terminal), port_of(terminal)
        there, target, here = terminal.wait_text(
            r"ssh -L (\d+):(\S+):(\d+) \S+").groups()
        assert int(there) == int(here) == port
        final = sign_in(office, address)
        assert final.startswith(f"http://localhost:{port}/?")
        page = visit_elsewhere(final, int(there), (target, int(here)))
        assert "The sign-in is being completed" in page or \
            "Signed in" in page
        assert terminal.wait() == EX_OK


# --- refused -----------------------------------------------------------------

def test_declined_in_the_browser(relay, office):
    with login(relay, "--browser") as terminal, Browser() as browser:
        port = port_of(terminal)
        browser.sign_in(address_of(terminal), office.password, "cancel")
        page = browser.wait_text("The login has failed")
        assert "User declined to consent" in page
        assert terminal.wait() == EX_NOPERM
        assert "declined in the browser" in sentence(terminal)
    assert not office.token_requests
    unchanged(relay, port)


def test_words_of_others_stay_words(relay, office):
    """What comes by the address is neither HTML nor a terminal's command."""
    with login(relay, "--browser") as terminal:
        state = re.search(r"state=([^&]+)", address_of(terminal)).group(1)
        port = port_of(terminal)
        page = arrive(f"http://localhost:{port}/?error=access_denied&state="
                      f"{state}&error_description=%1b%5b2J<b>%22%26%0d%0aX")
        assert "<b>" not in page and "&lt;b&gt;&quot;&amp;" in page
        assert terminal.wait() == EX_NOPERM
        assert "\x1b[2J" not in terminal.text and "[2J" in terminal.text
    unchanged(relay, port)


@pytest.mark.parametrize("change, words", [
    (lambda a: re.sub(r"state=[^&]*", "state=AAAA", a), "another attempt"),
    (lambda a: re.sub(r"&state=[^&]*", "", a), "another attempt"),
    (lambda a: re.sub(r"state=(.)", r"state=_\1", a), "another attempt"),
    (lambda a: a + "&code=second", "broken"),
    (lambda a: re.sub(r"code=[^&]*", "code=", a), "empty"),
    (lambda a: re.sub(r"code=[^&]*", "code=%zz", a), "broken")])
def test_a_foreign_address_changes_nothing(relay, office, change, words):
    """Neither by the browser nor pasted; the right one is taken after it."""
    with login(relay, "--browser") as terminal:
        final = sign_in(office, address_of(terminal))
        port = port_of(terminal)
        path = change(final)[len(f"http://localhost:{port}"):]
        status, _, page = visit(port, path)
        assert status == 400 and words in page
        terminal.type(change(final) + "\n")
        terminal.wait_text(words)
        assert not office.token_requests
        terminal.type(final + "\n")
        assert terminal.wait() == EX_OK


def test_only_for_this_host_and_only_once(relay, office):
    with login(relay, "--browser") as terminal:
        final = sign_in(office, address_of(terminal))
        port = port_of(terminal)
        path = final[len(f"http://localhost:{port}"):]
        for host in (f"evil.example:{port}", "localhost", f"localhost:{port}1",
                     "evil.example"):
            status, _, page = visit(port, path, host)
            assert status == 400 and "Not here" in page
        assert visit(port, path, method="POST")[0] in (400, 405, 501)
        assert visit(port, "/other")[0] == 404
        assert visit(port, "/" + "a" * 30000)[0] in (400, 413, 414)
        assert not office.token_requests
        with office.gate() as gate:
            assert visit(port, path)[0] == 303
            gate.wait_held()
            status, _, page = visit(port, path)
            assert status == 400 and "already" in page
        assert terminal.wait() == EX_OK
    assert grants(office) == ["authorization_code"]


@pytest.mark.parametrize("switches, code, words", [
    (dict(error="501481"), EX_NOPERM, "AADSTS501481"),
    (dict(error="54005"), EX_NOPERM, "AADSTS54005"),
    (dict(error="50011"), EX_CONFIG, "AADSTS50011"),
    (dict(error="7000218"), EX_CONFIG, "AADSTS7000218"),
    (dict(error="50076"), EX_NOPERM, "AADSTS50076"),
    (dict(http=503), EX_TEMPFAIL, "503"),
    (dict(code_lifetime=0), EX_NOPERM, "AADSTS70008")])
def test_a_code_that_is_refused(relay, office, switches, code, words):
    """The page, the terminal and the log say the same."""
    with login(relay, "--browser") as terminal:
        address, port = address_of(terminal), port_of(terminal)
        office.set(**switches)
        page = arrive(sign_in(office, address))
        assert "The login has failed" in page and words in page
        assert terminal.wait() == code
        assert words in sentence(terminal)
    assert len(office.token_requests) == 1
    unchanged(relay, port)


@pytest.mark.parametrize("number, code", [
    ("53003", EX_CONFIG), ("90033", EX_TEMPFAIL), ("65001", EX_NOPERM)])
def test_the_provider_sends_back_no_code(relay, office, number, code):
    office.set(authorize_error=number)
    with login(relay, "--browser") as terminal:
        address, port = address_of(terminal), port_of(terminal)
        page = arrive(sign_in(office, address))
        assert f"AADSTS{number}" in page
        assert terminal.wait() == code
        assert f"AADSTS{number}" in sentence(terminal)
    unchanged(relay, port)


def test_what_the_token_lacks_is_on_the_page(relay, office):
    office.set(grant_scope="https://outlook.office.com/IMAP.AccessAsUser.All"
                           " offline_access")
    with login(relay, "--browser") as terminal:
        page = arrive(sign_in(office, address_of(terminal)))
        assert "Signed in, but mail cannot be sent yet" in page
        assert "lacks the permission SMTP.Send" in page
        assert terminal.wait() == EX_CONFIG


# --- ended -------------------------------------------------------------------

def test_ctrl_c_leaves_nothing_behind(relay, office):
    with login(relay, "--browser") as terminal:
        address, first = address_of(terminal), port_of(terminal)
        terminal.interrupt()
    unchanged(relay, first)
    with login(relay, "--browser") as terminal:  # not "under way" any more
        second = address_of(terminal)
        assert second != address
        # The first one's address is of no use to the second attempt.
        terminal.type(sign_in(office, address) + "\n")
        terminal.wait_text("another attempt")
        terminal.interrupt()
    assert not office.token_requests


@pytest.fixture
def hurried(make_relay, office, directory):
    """A relay whose tokend lives a minute in a second."""
    library = os.path.join(directory, "fast_clock.so")
    source = os.path.join(os.path.dirname(__file__), "fast_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-DFACTOR=60", "-o", library,
                    source], check=True, timeout=60)
    os.chmod(library, 0o755)
    relay = make_relay(accounts=accounts(office, "authorization_code"),
                       start=False)
    relay.tokend.env["LD_PRELOAD"] = library
    return relay.start()


def test_an_attempt_nobody_finishes(hurried, office):
    """It ends after 15 minutes, by the clock that counts suspend too."""
    with login(hurried, "--browser") as terminal:
        address, port = address_of(terminal), port_of(terminal)
        assert terminal.wait() == EX_NOPERM
        assert "nobody has signed in within 15 minutes" in sentence(terminal)
    unchanged(hurried, port)
    with pytest.raises(ConnectionRefusedError):
        arrive(sign_in(office, address))


def test_ctrl_c_during_the_exchange(relay, office):
    with login(relay, "--browser") as terminal:
        port = port_of(terminal)
        with office.gate() as gate:
            terminal.type(sign_in(office, address_of(terminal)) + "\n")
            gate.wait_held()
            terminal.interrupt()
            wait_until(lambda: is_closed(port), "closed ports")
    unchanged(relay, port)


def test_stopping_and_reloading_are_told(relay, office):
    with login(relay, "--browser") as terminal:
        address = address_of(terminal)
        relay.write_config(accounts=relay.accounts.replace(
            "SMTP.Send ", ""))
        relay.tokend.reload()
        page = arrive(sign_in(office, address))
        assert "changed meanwhile" in page
        assert terminal.wait() == EX_TEMPFAIL
    with login(relay, "--browser") as terminal:
        address_of(terminal)
        relay.tokend.stop()
        assert terminal.wait() == EX_TEMPFAIL
        assert "being stopped" in sentence(terminal)


def test_too_many_connections(relay, office):
    """A neighbour who fills the port up: the address can still be pasted."""
    with login(relay, "--browser") as terminal:
        final, port = sign_in(office, address_of(terminal)), port_of(terminal)
        crowd = []
        try:
            while "too many connections for one login" not in \
                    relay.tokend.read_log():
                crowd.append(socket.create_connection(("127.0.0.1", port), 60))
                assert len(crowd) < 200
            terminal.type(final + "\n")
            assert terminal.wait() == EX_OK
        finally:
            for one in crowd:
                one.close()


def test_pasting_without_a_login(relay):
    """The verb alone, as another program might call it."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{relay.directory}/run/control.sock")
        s.sendall(json.dumps({"version": 1, "verb": "redirect",
                              "account": ACCOUNT,
                              "address": "http://localhost:1/?code=x"}
                             ).encode() + b"\n")
        answer = json.loads(s.makefile("rb").readline())
    assert (answer["kind"], answer["code"]) == ("config", "login")
    assert "no login by browser is under way" in answer["text"]
