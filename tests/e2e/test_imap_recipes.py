# SPDX-License-Identifier: Apache-2.0
"""Each recipe of contrib/imap, its names and paths replaced by those of the
test, fetches a message from Dovecot."""
import configparser
import os
import shlex
import subprocess

import pytest

from login_tool import Terminal
from relay import wait_until
from relay.relay import ACCOUNT

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
RECIPES = os.path.join(TOP, "contrib", "imap")
USER = "relay@contoso.com"
NOBODY = 65534
# The longest that the recipes' README promises.
MPOP_TOKEN, NEOMUTT_TOKEN = 3000, 4090
MESSAGE = (b"From: erp@example.org\r\nTo: relay@contoso.com\r\n"
           b"Message-ID: <1@example.org>\r\n"
           b"Subject: order 4711\r\n\r\nThe words of the order.\r\n")


@pytest.fixture
def place(make_relay, office):
    """Fills recipes in, and runs programs as a reader whom the account
    allows."""
    office.deliver(USER, MESSAGE)
    return Place(make_relay(accounts=ACCOUNT.replace(
        "send_as", 'allow_users = { "nobody" }\nsend_as')), office)


class Place:
    def __init__(self, relay, office):
        self.relay, self.office = relay, office
        self.state = os.path.join(relay.directory, "reader")
        os.makedirs(os.path.join(self.state, "Maildir"))
        for name in ("Maildir/cur", "Maildir/new", "Maildir/tmp", "getmail"):
            os.mkdir(os.path.join(self.state, name))
            os.chown(os.path.join(self.state, name), NOBODY, NOBODY)
        for path in (self.state, os.path.join(self.state, "Maildir")):
            os.chown(path, NOBODY, NOBODY)
        self.tool = os.path.join(relay.directory, "postoak-with-its-file")
        with open(self.tool, "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\nexec {relay.program("postoak")} '
                    f'-c {relay.config} "$@"\n')
        os.chmod(self.tool, 0o755)
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": self.state, "LC_ALL": "C",
            "SASL_PATH": os.path.join(relay.directory, "sasl2"),
            "POSTOAK_SOCKET": relay.socket}

    def fill(self, name):
        with open(os.path.join(RECIPES, name), encoding="utf-8") as f:
            text = f.read()
        for old, new in (
                ("outlook.office365.com", "localhost"),
                ("relay@example.com", USER),
                ("993", str(self.office.imaps_port)),
                ("995", str(self.office.pops_port)),
                ("/etc/ssl/certs/ca-certificates.crt", self.office.ca_file),
                ("/usr/bin/postoak", self.tool),
                ("/var/lib/postoak-fetch/reader", self.state),
                ("/var/lib/reader", self.state)):
            text = text.replace(old, new)
        path = os.path.join(self.relay.directory, "reader." + name)
        with open(path, "w", encoding="utf-8",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)
        os.chown(path, NOBODY, NOBODY)
        return path

    def run(self, *argv):
        out = subprocess.run(argv, env=self.environment, capture_output=True,
                             text=True, timeout=90, check=False,
                             user=NOBODY, group=NOBODY, extra_groups=[])
        assert out.returncode == 0, out.stdout + out.stderr

    def fetched(self):
        """Texts of the messages in the Maildir."""
        found = []
        for name in ("cur", "new"):
            path = os.path.join(self.state, "Maildir", name)
            for entry in os.listdir(path):
                with open(os.path.join(path, entry), "rb") as f:
                    found.append(f.read())
        return found

    def assert_fetched_by(self, mechanism="XOAUTH2"):
        text, = self.fetched()
        assert b"Subject: order 4711" in text
        assert b"The words of the order." in text
        last = self.office.authentications[-1]
        assert (last.user, last.mechanism.upper(), last.ok) == \
            (USER, mechanism, True)


def test_mbsync_as_its_service_runs_it(place):
    """The unit's own command; a second run fetches nothing twice."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(os.path.join(RECIPES, "postoak-fetch@.service"))
    config = place.fill("mbsyncrc")
    command = unit["Service"]["ExecStart"].replace(
        "/etc/postoak-fetch/%i.mbsyncrc", config)
    assert "%" not in command and unit["Service"]["User"] == "%i"
    assert unit["Service"]["StateDirectory"] == "postoak-fetch/%i"
    for _ in range(2):
        place.run(*shlex.split(command))
    place.assert_fetched_by()


def test_the_units_are_sound(directory):
    for name in os.listdir(RECIPES):
        if name.startswith("postoak-fetch@"):
            os.symlink(os.path.join(RECIPES, name), os.path.join(
                directory, name.replace("@", "@root")))
    out = subprocess.run(
        ["systemd-analyze", "verify", "--man=no",
         *(os.path.join(directory, n) for n in os.listdir(directory))],
        capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": directory + ":"})
    ours = [line for line in out.stderr.splitlines() if "postoak-fetch" in line]
    assert not ours, out.stderr


def test_getmail(place):
    config = place.fill("getmailrc")
    state = os.path.join(place.state, "getmail")
    for _ in range(2):
        place.run("getmail", "--getmaildir", state, "--rcfile", config)
    place.assert_fetched_by()


def test_mpop(place):
    place.office.set(token_bytes=MPOP_TOKEN)
    config = place.fill("mpoprc")
    for _ in range(2):
        place.run("mpop", "--file=" + config)
    place.assert_fetched_by()


def test_neomutt(place):
    """It runs on a terminal: a person looks for the message and quits."""
    place.office.set(token_bytes=NEOMUTT_TOKEN)
    config = place.fill("neomuttrc")
    terminal = Terminal("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                        "--clear-groups", "neomutt", "-n", "-F", config,
                        HOME=place.state)
    try:
        terminal.wait_text("order 4711")
        terminal.type("\r")
        terminal.wait_text("The words of the order")
        terminal.type("qx")
        wait_until(lambda: terminal.wait() == 0, "the end")
    finally:
        terminal.close()
    last = place.office.authentications[-1]
    assert (last.user, last.mechanism.upper(), last.ok) == \
        (USER, "XOAUTH2", True)
