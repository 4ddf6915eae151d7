# SPDX-License-Identifier: Apache-2.0
"""postoak setup at a terminal: each grant, one thing changed, given up."""
import os
import stat
import subprocess

import pytest
from cryptography import x509

from office365.assertions import AppCertificate
from setup_tool import (ACCOUNT, CLIENT, SECRET, STAND_IN, TENANT, WRITTEN,
                        Dialogue, files, read, write)

EX_OK, EX_TEMPFAIL = 0, 75


@pytest.fixture
def place(directory):
    """A private directory for a configuration."""
    path = os.path.join(directory, "etc")
    os.mkdir(path)
    return path


@pytest.fixture
def dialogue(build, place):
    """The questions, at a terminal."""
    def start(*argv, **how):
        return Dialogue(os.path.join(build, "postoak"),
                        os.path.join(place, "postoak.conf"), *argv, **how)
    return start


# --- questions, one grant after the other -----------------------------------

def begin(dialogue, login, service="worldwide"):
    dialogue.answer("Mailbox", ACCOUNT)
    dialogue.choose("Service", service)
    shown = dialogue.choose("Login", login)
    assert "fails as soon as multi-factor" in shown or service != "worldwide"


def ids(dialogue, o=None):
    dialogue.answer("Tenant ID", o.tenant if o else TENANT)
    dialogue.answer("Client ID", o.client_id if o else CLIENT)


def finish(dialogue, *answers):
    dialogue.answer("Sent from")
    dialogue.choose("Fetching", "only sends")
    for question, text in answers:
        dialogue.answer(question, text)
    dialogue.answer("Write this?", "y")


def test_certificate(dialogue, place):
    with dialogue("--no-check") as d:
        begin(d, "by itself")
        shown = d.answer("Tenant ID", "contoso")
        assert "Directory (tenant) ID" in shown and "once portal" in shown
        assert "no GUID" in d.answer("Tenant ID", TENANT)
        d.answer("Client ID", TENANT)
        assert "tenant's ID again" in d.answer("Client ID", CLIENT.upper())
        d.choose("Proof", "A certificate, made here")
        finish(d, ("Object ID", "77777777" + CLIENT[8:]))
        assert d.wait() == EX_OK
        text = d.text
    pem, key = read(place, "secrets/contoso.pem"), read(
        place, "secrets/contoso.key")
    thumbprint = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha1"], input=pem,
        capture_output=True, text=True, check=True).stdout
    assert thumbprint.split("=")[1].strip().replace(":", "") in text
    modulus = [subprocess.run(["openssl", *what, "-noout", "-modulus"],
                              input=data, capture_output=True, text=True,
                              check=True).stdout
               for what, data in ((["x509"], pem), (["rsa"], key))]
    assert modulus[0] == modulus[1]
    mode = os.stat(os.path.join(place, "secrets", "contoso.key")).st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert "BEGIN" not in text
    assert f"New-ServicePrincipal -AppId {CLIENT} -ObjectId 77777777" in text
    assert f'Add-MailboxPermission -Identity "{ACCOUNT}"' in text
    assert "SMTP.SendAsApp" in text and "secrets/contoso.pem" in text
    assert 'grant = "client_credentials"' in " ".join(read(place).split())


class Uploaded(AppCertificate):
    """A certificate as the provider has it: without the key."""

    def __init__(self, pem):
        self.certificate = self.key = x509.load_pem_x509_certificate(
            pem.encode())


def test_certificate_delivers(make_relay, office):
    """What was made here, uploaded, sends mail. The application is another
    account's, too: the section is a new one with the same addresses."""
    relay = make_relay(config=STAND_IN.format(o=office))
    with Dialogue(relay.program("postoak"), relay.config,
                  "--no-check") as d:
        begin(d, "by itself")
        d.answer("Tenant ID")
        d.answer("Client ID")
        d.choose("Proof", "A certificate, made here")
        finish(d, ("Object ID", ""))
        assert d.wait() == EX_OK
        assert "OBJECT-ID is the Object ID on its page under Enterprise" in \
            d.text
    text = read(relay.etc)
    assert STAND_IN.format(o=office) in text and 'application "contoso-2"' in text
    office.add_certificate(
        Uploaded(read(relay.etc, "secrets/contoso-2.pem")))
    relay.send(sender=ACCOUNT)
    message, = office.wait_messages(1, 60)
    assert message.auth_user == ACCOUNT
    assert {r.grant for r in office.token_requests} == {"client_credentials"}


def test_password_and_secret(dialogue, place):
    with dialogue("--no-check") as d:
        begin(d, "User name and password")
        ids(d)
        d.choose("Proof", "A client secret")
        d.answer("Client secret (not shown)", CLIENT)
        shown = d.answer("Client secret (not shown)", SECRET)
        assert "that is the Secret ID" in shown
        d.answer("It expires on", "10/11/2030")
        assert "in two ways" in d.answer("It expires on", "31.10.2040")
        d.answer("Login", "login@contoso.com")
        d.answer("Password (not shown)", "correct horse")
        finish(d)
        assert d.wait() == EX_OK
        assert "systemctl enable --now" in d.text
        assert "correct horse" not in d.terminal.text
        assert SECRET not in d.terminal.text
    text = read(place)
    assert '"2040-10-31"' in text and '"login@contoso.com"' in text
    assert read(place, "secrets/contoso.client") == SECRET + "\n"


@pytest.mark.parametrize("login, grant, words", [
    ("a code on any device", "device_code", "Allow public client flows: Yes"),
    ("in a browser", "authorization_code", "http://localhost"),
    ("A refresh token", "refresh_token", f"login {ACCOUNT} --import"),
])
def test_public_clients(dialogue, place, login, grant, words):
    with dialogue("--no-check") as d:
        begin(d, login)
        ids(d)
        if grant != "device_code":
            d.choose("Proof", "a public client")
        finish(d)
        assert d.wait() == EX_OK
        assert words in d.text
    assert f'grant       = "{grant}"' in read(place)
    assert "secret" not in read(place)



def test_recorded_by_script(dialogue, place, directory):
    """A record that somebody hands on has no secret in it."""
    record = os.path.join(directory, "typescript")
    with dialogue("--no-check", script=record) as d:
        begin(d, "User name and password")
        ids(d)
        d.choose("Proof", "A client secret")
        d.answer("Client secret (not shown)", SECRET)
        d.answer("It expires on", "2040-10-31")
        d.answer("Login")
        d.answer("Password (not shown)", "correct horse")
        finish(d)
        assert d.wait() == EX_OK
    assert read(place, "secrets/contoso.client") == SECRET + "\n"
    recorded = read(directory, "typescript")
    assert "Client secret (not shown)" in recorded
    assert SECRET not in recorded and "correct horse" not in recorded

def test_device_login_follows(make_relay, office):
    """The daemon runs: who sets up signs in at once, and mail goes."""
    office.set(device_interval=1)
    office.add_client(office.client_id, public=True)
    relay = make_relay(config=STAND_IN.format(o=office).replace(
        '    client_secret_file = "secrets/contoso.client"\n', "").replace(
        "client_credentials", "device_code"))
    with Dialogue(relay.program("postoak"), relay.config,
                  "--no-check") as d:
        begin(d, "a code on any device")
        d.answer("Tenant ID")
        d.answer("Client ID")
        finish(d)
        d.answer("Sign in now?", "y")
        device = office.sign_ins.wait_device(polls=1)
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert d.wait() == EX_OK
        assert "say which mail is this one's" in d.text
    relay.send(sender=ACCOUNT)
    message, = office.wait_messages(1, 60)
    assert message.auth_user == ACCOUNT


def test_google(dialogue, place):
    with dialogue("--no-check") as d:
        d.answer("Mailbox", "somebody@gmail.com")
        d.choose("Service", "Google")
        d.choose("Login", "in a browser")
        d.answer("Client ID", "1-x.apps.googleusercontent.com")
        d.answer("Client secret (not shown)", "GOCSPX-0123456789abcdef")
        d.answer("Sent from")
        d.answer("Write this?")
        assert d.wait() == EX_OK
        assert "In production" in d.text
    assert 'provider           = "google"' in read(place)


# --- once more --------------------------------------------------------------

def test_one_thing_changes(dialogue, place):
    write(place, WRITTEN)
    os.makedirs(os.path.join(place, "secrets"), 0o700)
    with dialogue(ACCOUNT, "--no-check") as d:
        d.choose("To change", "The client secret")
        d.choose("Proof", "A client secret")
        d.answer("Client secret (not shown)", SECRET)
        d.answer("It expires on", "2041-01-01")
        d.answer("Write this?")
        assert d.wait() == EX_OK
        assert "-    client_secret_expires = \"2040" in d.terminal.text
    assert read(place) == WRITTEN.replace("2040-10-31", "2041-01-01")
    assert read(place, "secrets/old") == SECRET + "\n"
    with dialogue(ACCOUNT) as d:
        d.choose("To change", "mail is sent from")
        d.answer("Sent from", "erp@contoso.com")
        d.answer("Write this?")
        d.answer("Are these steps done", "no")
        assert d.wait() == EX_OK
    assert read(place) == WRITTEN.replace("2040-10-31", "2041-01-01").replace(
        'messages / 1m" }\n', 'messages / 1m" }\n'
        '    from_account = "erp@contoso.com"\n')


def test_no_is_no(dialogue, place):
    write(place, WRITTEN)
    with dialogue(ACCOUNT, "--no-check") as d:
        d.choose("To change", "mail is sent from")
        d.answer("Sent from", "erp@contoso.com")
        d.answer("Write this?", "n")
        assert d.wait() == EX_OK
        assert "Nothing was changed" in d.text
    assert read(place) == WRITTEN and files(place) == ["postoak.conf"]


@pytest.mark.parametrize("end", ["Ctrl-C", "Ctrl-D"])
def test_interrupted(dialogue, place, end):
    """Ctrl-C and the end of the input leave nothing half-written."""
    write(place, WRITTEN)
    with dialogue(ACCOUNT, "--no-check") as d:
        d.choose("To change", "How it logs in")
        d.choose("Login", "User name and password")
        d.choose("Proof", "A client secret")
        d.answer("Client secret (not shown)", SECRET)
        d.answer("It expires on", "")
        d.answer("Login", "")
        d.answer("Password (not shown)", "correct horse")
        d.terminal.wait_text(r"Write this\?.*: $")
        if end == "Ctrl-C":
            assert d.terminal.interrupt() != EX_OK
        else:
            d.terminal.type("\x04")
            assert d.wait() == EX_TEMPFAIL
    assert read(place) == WRITTEN and files(place) == ["postoak.conf"]
