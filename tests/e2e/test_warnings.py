# SPDX-License-Identifier: Apache-2.0
"""postoak-tokend tells people: before something dies, and when an account's
state changes."""
import datetime
import json
import os
import stat
import subprocess

import pytest

from office365.assertions import AppCertificate
from relay import wait_until
from relay.clock import Clock
from relay.tokend import ACCOUNT
from test_grants_app import PEM, make, put

__all__ = ["make"]

DAY = datetime.timedelta(days=1)

# Appends what it was given as one line: arguments, environment, descriptors,
# standard input's end, whether it leads a session.
COMMAND = """#!/usr/bin/python3
import json, os, sys
told = {{"argv": sys.argv[1:], "environment": dict(os.environ),
        "descriptors": sorted(int(f) for f in os.listdir("/proc/self/fd")),
        "input": sys.stdin.read(), "leader": os.getsid(0) == os.getpid(),
        "directory": os.getcwd()}}
with open("{out}", "a") as f:
    f.write(json.dumps(told) + "\\n")
"""


class Told:
    """The command, and what it was told."""

    def __init__(self, tokend, script=None):
        self.tokend = tokend
        self.path = os.path.join(tokend.directory, "tell")
        self.out = os.path.join(tokend.directory, "told")
        with open(self.path, "w", encoding="utf-8") as f:
            f.write((script or COMMAND).format(out=self.out))
        os.chmod(self.path, 0o755)

    def option(self):
        return f'notify_command = {{ "{self.path}", "a b", "$(id)" }}'

    def all(self):
        if not os.path.exists(self.out):
            return []
        with open(self.out, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def wait(self, count):
        wait_until(lambda: len(self.all()) >= count, f"{count} messages")
        return self.all()

    def words(self, name):
        return [t["environment"].get("POSTOAK_" + name) for t in self.all()]


def configure(tokend, tokend_option="", application_option="", anew=True):
    """Write the configuration with further options in two sections."""
    if anew:
        tokend.write_config()
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    text = text.replace("tokend {", "tokend {\n" + tokend_option, 1)
    text = text.replace('application "contoso" {',
                        'application "contoso" {\n' + application_option, 1)
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(text)


@pytest.fixture
def told(make_tokend):
    """A daemon with a command, started."""
    tokend = make_tokend(start=False)
    told = Told(tokend)
    configure(tokend, told.option())
    tokend.start()
    return told


def alive(pid):
    """It runs; dead ones that nobody has collected do not count."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(tokend):
    with open(f"/proc/{tokend.pid}/task/{tokend.pid}/children",
              encoding="ascii") as f:
        return f.read().split()


def expires_in(days):
    day = datetime.datetime.now(datetime.timezone.utc).date() + days * DAY
    return f'client_secret_expires = "{day.isoformat()}"'


def codes(status):
    return [w["code"] for w in status["warnings"]]


# --- the command ------------------------------------------------------------

def test_what_the_command_gets(told, entra):
    tokend = told.tokend
    tokend.write_secret("password", "wrong")
    answer = tokend.ask()
    one, = told.wait(1)
    assert one["argv"] == ["a b", "$(id)"]
    environment = one["environment"]
    environment.pop("LC_CTYPE", None)  # Python's own doing
    assert sorted(environment) == [
        "LANG", "PATH", "POSTOAK_ACCOUNT", "POSTOAK_APPLICATION",
        "POSTOAK_CODE", "POSTOAK_STATE", "POSTOAK_TEXT"]
    assert environment["POSTOAK_ACCOUNT"] == ACCOUNT
    assert environment["POSTOAK_APPLICATION"] == "contoso"
    assert environment["POSTOAK_STATE"] == "needs_admin"
    assert environment["POSTOAK_CODE"] == "aadsts.50126"
    assert environment["POSTOAK_TEXT"] == answer["text"]
    # Nothing of the daemon's is open; 3 is the directory being listed.
    assert one["descriptors"] == [0, 1, 2, 3]
    assert one["input"] == "" and one["leader"] and one["directory"] == "/"
    wait_until(lambda: not children(tokend), "no child, dead or alive")


def test_who_needs_a_person_is_told_of_each_day(make_tokend, directory):
    """Until somebody logs in, or logs the account out."""
    tokend = make_tokend(start=False, grant="refresh_token")
    clock = Clock(directory)
    tokend.env.update(clock.environment)
    told = Told(tokend)
    configure(tokend, told.option(), anew=False)
    tokend.start()
    assert tokend.ask()["code"] == "login_required"
    told.wait(1)
    for day in (2, 3):
        wait_until(lambda: not children(tokend), "the command's end")
        clock.forward(90_000)
        tokend.reload()
        told.wait(day)
    assert tokend.control("logout", ACCOUNT)["status"] == "ok"
    clock.forward(90_000)
    tokend.reload()
    # What is told next shows that nothing was between.
    configure(tokend, "", expires_in(20), anew=False)
    tokend.reload()
    told.wait(4)
    assert told.words("STATE") == ["needs_login"] * 3 + ["warning"]
    assert "still gets no token" in told.words("TEXT")[2]


def test_each_change_is_told_once(told, entra):
    tokend = told.tokend
    tokend.ask()  # from nothing to a token: nobody needs to hear that
    tokend.write_secret("password", "wrong")
    entra.revoke_refresh_tokens()
    for _ in range(3):
        tokend.control("refresh", ACCOUNT)
    told.wait(1)
    # A restart does not tell what was told.
    tokend.restart()
    assert tokend.status()["state"] == "needs_admin"
    tokend.ask()
    tokend.control("refresh", ACCOUNT)
    tokend.write_secret("password", entra.password)
    assert tokend.ask()["status"] == "ok"
    told.wait(2)
    assert told.words("STATE") == ["needs_admin", "ok"]
    # Passing trouble comes and goes; within a day one hears of it once.
    entra.set(http=503)
    tokend.control("refresh", ACCOUNT)
    tokend.stop()
    assert told.words("STATE") == ["needs_admin", "ok"]


def test_accounts_of_an_application_are_one_subject(told, entra):
    tokend = told.tokend
    entra.set(error="700016")
    for name in ("a@example.org", "b@example.org", "c@example.org"):
        assert tokend.ask(account=name)["kind"] == "config"
    entra.set(error=None)
    tokend.control("refresh", "a@example.org")
    told.wait(2)
    assert told.words("ACCOUNT") == [None, None]
    assert told.words("APPLICATION") == ["contoso", "contoso"]
    assert told.words("STATE") == ["needs_admin", "ok"]


@pytest.mark.parametrize("script, words", [
    (None, "cannot be run"),
    ("#!/bin/sh\nexit 3\n", "status=3"),
    ("#!/bin/sh\nkill -9 $$\n", "signal=9"),
    ("#!/nonexistent/interpreter\n", "cannot be run"),
], ids=["missing", "fails", "dies", "no interpreter"])
def test_a_command_that_is_no_good(make_tokend, script, words):
    tokend = make_tokend(start=False)
    told = Told(tokend, script)
    configure(tokend, told.option())
    if script is None:
        os.remove(told.path)
    tokend.start()
    tokend.write_secret("password", "wrong")
    assert tokend.ask()["code"] == "aadsts.50126"
    wait_until(lambda: words in tokend.read_log(), "a word about it")
    assert told.path in tokend.read_log()
    wait_until(lambda: not children(tokend), "no child")
    assert tokend.ask(account="a@example.org")["status"] == "ok"


def test_a_command_that_hangs(make_tokend, entra):
    """It is ended with all it has started; those behind it come then."""
    tokend = make_tokend(start=False)
    told = Told(tokend, "#!/bin/sh\necho $$ >>{out}\n"
                        "sleep 600 & echo $! >>{out}\nwait\n")
    configure(tokend, told.option())
    tokend.start()
    entra.set(error="700016")
    tokend.ask()
    tokend.ask(account="a@example.org")
    tokend.ask(account="second@contoso.com")

    def pids():
        if not os.path.exists(told.out):
            return []
        with open(told.out, encoding="ascii") as f:
            return f.read().split()
    wait_until(lambda: len(pids()) == 2, "the first one")
    assert children(tokend) == pids()[:1]
    assert tokend.ask()["code"] == "aadsts.700016"
    wait_until(lambda: len(pids()) == 4, "the second one")
    assert "was killed" in tokend.read_log()
    for pid in pids()[:2]:
        wait_until(lambda p=pid: not alive(p), "the first one's end")
    # The end does not wait for the one that runs.
    running = pids()[2:]
    assert tokend.stop() == 0
    for pid in running:
        wait_until(lambda p=pid: not alive(p), "its end")


# --- dates ------------------------------------------------------------------

def test_client_secret_date(told):
    tokend = told.tokend
    assert tokend.status()["warnings"] == []
    for count, days in enumerate((60, 30, 7, 1, 0), 1):
        configure(tokend, told.option(), expires_in(days))
        tokend.reload()
        told.wait(count)
        # Neither a reload nor a restart tells it again.
        tokend.reload()
        tokend.restart()
        warning, = tokend.status()["warnings"]
        assert warning["code"] == "client_secret"
        words = f"in {days} day" if days else "ended on"
        assert words in warning["text"] and "contoso" in warning["text"]
        assert warning["text"] in tokend.read_log()
        assert told.words("TEXT")[-1] == warning["text"]
    assert len(told.all()) == 5  # once, not for each account
    assert set(told.words("STATE")) == {"warning"}
    assert set(told.words("CODE")) == {"client_secret"}
    configure(tokend, told.option(), expires_in(700))
    tokend.reload()
    assert tokend.status()["warnings"] == []
    tokend.stop()
    assert len(told.all()) == 5


def test_certificate_date(make, entra):
    """The certificate says itself when it ends; a new file is noticed."""
    tokend = make(PEM, start=False)
    told = Told(tokend)
    configure(tokend, told.option(), anew=False)
    certificate = None
    for count, days in enumerate((60, 30, 7, 1), 1):
        certificate = AppCertificate(days=days)
        entra.add_certificate(certificate)
        put(tokend, "app.crt", certificate.pem, 0o644)
        put(tokend, "app.key", certificate.key_pem)
        if count == 1:
            tokend.start()
        else:
            tokend.reload()
        told.wait(count)
        warning, = tokend.status()["warnings"]
        assert warning["code"] == "certificate"
        assert certificate.expires in warning["text"]
        assert warning["text"] in tokend.read_log()
        assert told.words("TEXT")[-1] == warning["text"]
        assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    # Written over while it runs, without a reload.
    certificate = AppCertificate(days=400)
    entra.add_certificate(certificate)
    put(tokend, "app.crt", certificate.pem, 0o644)
    put(tokend, "app.key", certificate.key_pem)
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert tokend.status()["certificate_expires"] == certificate.expires
    assert tokend.status()["warnings"] == []
    tokend.stop()
    assert set(told.words("CODE")) == {"certificate"}
    assert len(told.all()) == 4


def test_notes_are_no_condition(told):
    """A file that cannot be read or written costs nothing but repetition."""
    tokend = told.tokend
    configure(tokend, told.option(), expires_in(20))
    tokend.restart()
    told.wait(1)
    tokend.stop()
    path = os.path.join(tokend.store, ".notes")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, "a", encoding="ascii") as f:
        f.write("about=torn")
    tokend.start()
    assert "notes cannot be read" in tokend.read_log()
    assert tokend.ask()["status"] == "ok"
    os.remove(path)
    os.mkdir(path)
    tokend.restart()
    told.wait(2)
    wait_until(lambda: "notes not saved" in tokend.read_log(), "the log")
    assert tokend.ask()["status"] == "ok"


# --- what tokens and refusals teach -----------------------------------------

def test_egress_address(told, entra):
    tokend = told.tokend
    tokend.ask()
    tokend.control("refresh", ACCOUNT)
    assert tokend.status()["warnings"] == []
    tokend.restart()
    entra.set(ipaddr="198.51.100.7")
    tokend.ask()
    tokend.ask(account="second@contoso.com")
    told.wait(1)
    for status in (tokend.status(), tokend.status("second@contoso.com")):
        assert codes(status) == ["egress"]
    text = tokend.status()["warnings"][0]["text"]
    assert "198.51.100.7" in text and "192.0.2.10" in text
    assert text in tokend.read_log()
    # Back again, and from the other family: no news.
    for address in ("192.0.2.10", "2001:db8::1", "198.51.100.7", "no address"):
        entra.set(ipaddr=address)
        tokend.control("refresh", ACCOUNT)
    tokend.stop()
    assert told.words("CODE") == ["egress"]


def notes(tokend):
    with open(os.path.join(tokend.store, ".notes"), encoding="utf-8") as f:
        return [dict(line.split("=", 1) for line in block.splitlines())
                for block in f.read().split("\n\n") if block]


def age_notes(tokend, name, **changes):
    """Let time pass for a subject, while the daemon is stopped."""
    blocks = notes(tokend)
    for block in blocks:
        if block["about"] == name:
            block.update({k: str(int(block[k]) - s)
                          for k, s in changes.items()})
    with open(os.path.join(tokend.store, ".notes"), "w",
              encoding="utf-8") as f:
        for block in blocks:
            f.write("".join(f"{k}={v}\n" for k, v in block.items()) + "\n")


def test_sign_in_frequency_is_learnt(make_tokend, entra):
    tokend = make_tokend(start=False)
    told = Told(tokend)
    configure(tokend, told.option())
    tokend.start()
    tokend.ask()  # a refresh token, by the password
    tokend.stop()
    tokend.grant = "refresh_token"
    configure(tokend, told.option())
    week = 7 * 86400
    age_notes(tokend, f"account {ACCOUNT}", signed_in_at=week)
    tokend.start()
    entra.set(once=1, error="70043")
    assert tokend.ask()["code"] == "aadsts.70043"
    # Somebody signed in again: the next success is the beginning.
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert tokend.status()["warnings"] == []
    tokend.stop()
    block, = [n for n in notes(tokend) if n["about"] == f"account {ACCOUNT}"]
    assert week <= int(block["sign_in_life"]) < week + 60
    age_notes(tokend, f"account {ACCOUNT}", signed_in_at=6 * 86400)
    tokend.start()
    told.wait(3)
    warning, = tokend.status()["warnings"]
    assert warning["code"] == "sign_in_frequency"
    assert "168 hours" in warning["text"]
    assert f"postoak login {ACCOUNT}" in warning["text"]
    tokend.restart()
    tokend.stop()
    assert told.words("STATE") == ["needs_login", "ok", "warning"]


def test_the_tool_shows_warnings(told, build):
    tokend = told.tokend
    configure(tokend, told.option(), expires_in(3))
    tokend.reload()
    argv = [os.path.join(build, "postoak"), "-c", tokend.config, "status"]
    out = subprocess.run([*argv, ACCOUNT], capture_output=True, text=True,
                         timeout=60)
    words = "Warning: the client secret of application contoso"
    assert words in out.stdout
    out = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert out.stdout.count(words) == 1  # three accounts, one secret


@pytest.mark.parametrize("ahead, words", [
    (7230, "120 minutes behind"), (-1230, "20 minutes ahead of")])
def test_wrong_clock(told, entra, ahead, words):
    """The provider's Date header says how wrong this host's clock is."""
    tokend = told.tokend
    entra.set(clock_off=240)
    tokend.ask()
    assert tokend.status()["warnings"] == []
    entra.set(clock_off=ahead)
    assert tokend.ask(account="a@example.org")["status"] == "ok"
    told.wait(1)
    warning, = tokend.status()["warnings"]
    assert warning["code"] == "clock"
    assert words in warning["text"]
    assert warning["text"] in tokend.read_log()
    # A refusal may come from it, an assertion's above all.
    entra.set(error="700024")
    answer = tokend.control("refresh", "a@example.org")
    assert answer["code"] == "aadsts.700024"
    assert "Fix the host clock" in answer["text"]
    assert "the clock of this host is" in answer["text"]
    told.wait(2)  # what waits would be replaced by what comes after it
    entra.set(error=None, clock_off=0)
    assert tokend.control("refresh", "a@example.org")["status"] == "ok"
    assert tokend.status()["warnings"] == []
    tokend.stop()
    assert told.words("CODE") == ["clock", "aadsts.700024", ""]
    assert told.words("APPLICATION") == [None, "contoso", "contoso"]
