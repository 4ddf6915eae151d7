# SPDX-License-Identifier: Apache-2.0
"""postoak check, mail servers: real logins; what the server refuses is found,
with its remedy, and nothing else is marked FAIL."""
import contextlib
import os
import ssl

import pytest

from checkup import checkup, failed, said, warned
from office365 import Office365
from office365.certificates import Authority
from office365.exchange import AUTH_REPLIES
from office365.listener import Listener, loopback
from relay.process import free_port

SERVER = ("--area", "server")
ALL = "SMTP.Send IMAP.AccessAsUser.All POP.AccessAsUser.All".split()
SCOPE = " ".join("https://outlook.office.com/" + name for name in ALL) + \
    " offline_access"
APP = {"settings": {"grant": "client_credentials", "password_file": None}}


@pytest.fixture(scope="module")
def shared(place):
    with Office365(os.path.join(place, "office365"), mode="exchange",
                   names=("localhost",)) as o:
        o.set(max_connections=None, messages_per_minute=None)
        yield o


@pytest.fixture
def office(shared):
    shared.add_client(shared.client_id, shared.client_secret,
                      roles=("SMTP.SendAsApp",))
    shared.add_mailbox(shared.user, send_as=["sales@contoso.com"])
    before = {name: shared._switches.get(name)
              for name in shared._switches._values}
    yield shared
    shared.set(**before)
    shared._smtp.tls = True
    shared.clear()


@pytest.fixture
def doctor(place, build, office):
    return lambda **more: checkup(place, build, office, **more)


def test_sound_servers(doctor, office):
    with doctor() as d:
        found = d.find(*SERVER)
    assert not failed(found) and not warned(found), found
    assert f"localhost port {office.smtp_port}: relay@contoso.com has logged " \
        "in; the server sees this host as 127.0.0.1" in \
        found["server_smtp"]["seen"]
    assert found["server_imap"]["verdict"] == "note"
    assert not office.messages()
    assert [(a.mechanism, a.ok) for a in office.authentications] == [
        ("XOAUTH2", True)]
    assert office.authentications[0].tls


# --- planted faults --------------------------------------------------------

def reply(name):
    def plant(_d, office):
        office.set(auth_reply=name)
    return plant


def smtp_auth_off(_d, office):
    office.add_mailbox(office.user, smtp_auth=False)


def no_starttls(_d, office):
    office._smtp.tls = False


def configure(d, **application):
    d.application.update(application)
    d.write_config()
    d.reload()


def nobody_there(d, _office):
    configure(d, smtp_server=f"localhost:{free_port()}")


def other_name(d, office):
    configure(d, hosts=["127.0.0.1"],
              smtp_server=f"127.0.0.1:{office.smtp_port}")


def unknown_name(d, _office):
    configure(d, hosts=["smtp.contoso.invalid"], smtp_server=None)


FAULTS = {
    "SMTP AUTH off for the mailbox": (
        {}, smtp_auth_off, "Manage email apps"),
    "SMTP AUTH off for the organisation": (
        {}, reply("5.7.139-tenant"), "SmtpClientAuthenticationDisabled"),
    "security defaults": (
        {}, reply("5.7.139-defaults"), "security defaults"),
    "Conditional Access": (
        {}, reply("5.7.139-criteria"), "sign-in log"),
    "refused without a reason": (
        {}, reply("5.7.3"), "Authenticated SMTP"),
    "no right on the mailbox": (
        APP, reply("5.7.3"), "Add-MailboxPermission -Identity "
        "\"relay@contoso.com\""),
    "certificate for another name": (
        {}, other_name, "the token was not sent"),
    "server away": (
        {}, nobody_there, "have the firewall let this host connect"),
    "name unknown": (
        {}, unknown_name, "/etc/resolv.conf"),
    "STARTTLS hidden": (
        {}, no_starttls, "hides STARTTLS"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault(name, doctor, office):
    settings, plant, words = FAULTS[name]
    with doctor(**settings) as d:
        plant(d, office)
        found = d.find(*SERVER)
    assert failed(found) == {"server_smtp"}, found
    assert words in said(found["server_smtp"])
    # A token is shown to a verified server only.
    if plant in (other_name, nobody_there, unknown_name, no_starttls):
        assert not office.authentications
    else:
        assert all(attempt.tls for attempt in office.authentications)


@pytest.mark.parametrize("name", ["451", "454", "421"])
def test_put_off_is_no_failure(name, doctor, office):
    with doctor() as d:
        office.set(auth_reply=name)
        found = d.find(*SERVER)
    assert not failed(found)
    assert AUTH_REPLIES[name] in said(found["server_smtp"])


# --- the test message ------------------------------------------------------

def test_message(doctor, office):
    with doctor() as d:
        found = d.find(*SERVER, "--send", "Boss@example.org")
    assert not failed(found) and not warned(found), found
    message, = office.messages()
    assert (message.mail_from, message.rcpt_to) == (
        "relay@contoso.com", ["Boss@example.org"])
    assert message.header("From") == ["<relay@contoso.com>"]
    assert "250 2.0.0 OK <" in said(found["server_send"])
    assert "not through this host's mail server" in said(found["server_send"])


REFUSED = "554 5.2.252 SendAsDenied; relay@contoso.com not allowed to send " \
    "as sales@contoso.com; STOREDRV.Submission.Exception"


def test_message_that_is_refused(doctor, office):
    with doctor(settings={"from_account": "other@contoso.com"}) as d:
        office.set(message_reply=REFUSED)
        found = d.find(*SERVER, "--send", "boss@example.org")
    assert failed(found) == {"server_send"}, found
    assert found["server_smtp"]["verdict"] == "ok"
    assert "554 5.2.252" in said(found["server_send"])
    assert "Send As" in said(found["server_send"])


@pytest.mark.parametrize("to", ["boss", "a@b>\r\nDATA", "@x", "x@", "a b@c"])
def test_recipient_that_is_none(to, doctor, office):
    with doctor() as d:
        found = d.find(*SERVER, "--send", to)
    assert failed(found) == {"server_send"}
    assert not office.authentications


# --- Gmail -----------------------------------------------------------------

def test_error_challenge_is_answered(place, build):
    """Gmail says why only after the client has answered its challenge."""
    path = os.path.join(place, "gmail")
    with Office365(path, mode="gmail") as o, checkup(place, build, o) as d:
        found = d.find(*SERVER)
        assert not failed(found), found
        o.set(auth_reply="5.7.3")
        found = d.find(*SERVER)
        assert failed(found) == {"server_smtp"}
        assert "535 5.7.3" in said(found["server_smtp"])
        assert o.authentications[-1].challenge_answer == b""


# --- IMAP and POP ----------------------------------------------------------

@pytest.fixture(scope="module")
def mailboxes(place):
    with Office365(os.path.join(place, "mailboxes")) as o:
        o.set(max_connections=None, messages_per_minute=None)
        for number in range(3):
            o.deliver(o.user, b"Subject: %d\n\nHello.\n" % number)
        yield o


@pytest.fixture
def reader(place, build, mailboxes):
    def make(**more):
        application = {
            "scope": SCOPE, "imap_server": f"localhost:{mailboxes.imaps_port}",
            "pop_server": f"localhost:{mailboxes.pops_port}",
            **more.pop("application", {})}
        return checkup(place, build, mailboxes, application=application, **more)
    return make


def test_mailboxes_are_looked_into(reader):
    with reader() as d:
        found = d.find("--area", "account,server")
    assert not failed(found) and not warned(found), found
    assert "3 messages in INBOX" in said(found["server_imap"])
    assert "has logged in: 3 messages" in said(found["server_pop"])
    assert found["account_permissions"]["seen"].count("  yes") == 3


def test_one_cause_is_told_once(reader, mailboxes):
    """A mailbox that is not there refuses by all three."""
    with reader(settings={"grant": "client_credentials",
                          "user": "nobody@contoso.com",
                          "password_file": None}) as d:
        found = d.find(*SERVER)
    assert failed(found) == {"server_smtp"}, found
    assert warned(found) == {"server_imap", "server_pop"}
    assert "New-ServicePrincipal" in said(found["server_smtp"])
    assert "mend what SMTP was refused for" in said(found["server_pop"])


@contextlib.contextmanager
def tls_server(place, talk):
    """An IMAP or POP server of a few lines; (port, its certificate's CA)."""
    authority = Authority(os.path.join(place, "own"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("mail", ("localhost",)))
    port = free_port()

    def serve(connection):
        with contextlib.suppress(OSError), connection, \
                context.wrap_socket(connection, server_side=True) as tls, \
                tls.makefile("rw", newline="") as wire:
            talk(wire)
    listener = Listener(loopback(port), serve)
    listener.resume()
    listener.start()
    try:
        yield port, authority.ca_file
    finally:
        listener.stop()


def exchange_imap(wire):
    """OK to the login, and no mailbox behind it: facts of Exchange."""
    def say(line):
        wire.write(line + "\r\n")
        wire.flush()
    say("* OK The Microsoft Exchange IMAP4 service is ready.")
    for line in wire:
        tag, _, command = line.strip().partition(" ")
        if command == "CAPABILITY":
            say("* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR")
            say(tag + " OK CAPABILITY completed.")
        elif command == "AUTHENTICATE XOAUTH2":
            say("+ ")
            wire.readline()
            say(tag + " OK AUTHENTICATE completed.")
        else:
            say(tag + " BAD User is authenticated but not connected.")


def test_a_login_that_opens_no_mailbox(place, reader, mailboxes):
    with tls_server(place, exchange_imap) as (port, authority):
        both = os.path.join(place, "both.pem")
        with open(both, "w", encoding="ascii") as out:
            for name in (authority, mailboxes.ca_file):
                with open(name, encoding="ascii") as one:
                    out.write(one.read())
        with reader(application={"imap_server": f"localhost:{port}",
                                 "ca_file": both}) as d:
            found = d.find(*SERVER)
    assert failed(found) == {"server_imap"}, found
    assert "authenticated but not connected" in said(found["server_imap"])
