# SPDX-License-Identifier: Apache-2.0
"""The submission server of real Postfix and Dovecot, and its rules."""

import concurrent.futures
import imaplib
import os
import poplib
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from office365 import Office365, StartError
from office365.clients import (
    BODY, RECIPIENT, app_grant, authenticate, connect, initial_response,
    login, password_grant, refresh_grant, submit, trust)

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def folder():
    """A directory that users postfix and dovecot can enter."""
    path = tempfile.mkdtemp()
    os.chmod(path, 0o755)
    return path


@pytest.fixture(scope="module")
def running():
    directory = folder()
    with Office365(directory) as office:
        office.add_mailbox("second@contoso.com")
        office.add_mailbox("off@contoso.com", smtp_auth=False)
        yield office
    shutil.rmtree(directory)


@pytest.fixture
def office(running):
    """The one server, without any limit that an earlier test has used up."""
    running.clear()
    running.set(max_connections=None, messages_per_minute=None,
                message_reply=None)
    return running


def until(condition, timeout=60):
    """Poll a condition with a deadline; its value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "condition never came true"
        time.sleep(0.01)
    return value


# --- the token is checked by Dovecot

@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("grant", ["password", "refresh", "app"])
def test_message_with_a_token_of_each_grant(office, mechanism, grant):
    if grant == "app":
        answer = app_grant(office)
    else:
        answer = password_grant(office)
    if grant == "refresh":
        answer = refresh_grant(office, answer.json["refresh_token"])
    smtp = login(office, token=answer.json["access_token"],
                 mechanism=mechanism)
    code, text = submit(smtp, office.user, "Relay <relay@contoso.com>",
                        "Reply-To: app@example.org\r\n")
    smtp.quit()
    assert code == 250
    [message] = office.wait_messages(1)
    assert (message.auth_user, message.auth_mechanism) == (
        office.user, mechanism)
    assert message.mail_from == office.user
    assert message.rcpt_to == [RECIPIENT]
    assert message.headers == [
        ("From", "Relay <relay@contoso.com>"),
        ("Reply-To", "app@example.org"), ("Subject", "test\n folded")]
    assert message.raw.endswith(
        b"Reply-To: app@example.org\r\n" + BODY.encode())
    assert message.queue_id.encode() in text


REFUSED = [
    ({"forged": True}, "401"),
    ({"audience": "https://graph.microsoft.com"}, "401"),
    ({"lifetime": -1}, "401"),
    ({"iss": "https://sts.windows.net/another/"}, "401"),
    ({"nbf": 4102444800}, "401"),
    ({"upn": "second@contoso.com"}, "401"),
]


@pytest.mark.parametrize("changes, status", REFUSED)
def test_refused_tokens(office, changes, status):
    smtp = connect(office)
    code, _, challenge = authenticate(
        smtp, office.user, office.mint_token(**changes))
    assert (code, challenge["status"]) == (535, status)
    code, _, challenge = authenticate(
        smtp, office.user, office.mint_token(**changes), "OAUTHBEARER")
    assert (code, challenge["status"]) == (535, "invalid_token")
    assert authenticate(smtp, office.user, office.mint_token())[0] == 235
    smtp.quit()


def test_logins_are_recorded(office):
    login(office, mechanism="OAUTHBEARER").quit()
    [seen] = office.authentications
    assert (seen.user, seen.mechanism, seen.protocol, seen.ok) == (
        office.user, "OAUTHBEARER", "smtp", True)
    authenticate(connect(office), office.user, office.mint_token(forged=True))
    seen = office.wait_authentications(2)[1]
    assert (seen.user, seen.mechanism, seen.ok) == (
        office.user, "XOAUTH2", False)


def test_access_tokens_revoked(office):
    token = office.mint_token()
    login(office, token=token).quit()
    office.revoke_access_tokens()
    code, _, challenge = authenticate(connect(office), office.user, token)
    assert (code, challenge["status"]) == (535, "401")
    login(office).quit()


def test_a_token_expires(office):
    def accepted():
        """One that was taken; a slow machine may need a second try."""
        token = office.mint_token(lifetime=2)
        smtp = connect(office)
        return authenticate(smtp, office.user, token)[0] == 235 and token

    token = until(accepted)
    until(lambda: authenticate(
        connect(office), office.user, token)[0] == 535)


def test_app_token_opens_any_mailbox_but_no_other_address(office):
    token = app_grant(office).json["access_token"]
    login(office, user="second@contoso.com", token=token).quit()
    assert authenticate(
        connect(office), "nobody@contoso.com", token)[0] == 535


def test_smtp_auth_switched_off(office):
    token = office.mint_token("off@contoso.com")
    assert authenticate(connect(office), "off@contoso.com", token)[0] == 535


def test_mailbox_added_while_running(office):
    office.add_mailbox("late@contoso.com")
    login(office, user="late@contoso.com").quit()


def test_passwords_are_refused(office):
    smtp = connect(office)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.user, smtp.password = office.user, office.password
        smtp.auth("LOGIN", smtp.auth_login)


def test_before_starttls_and_before_auth(office):
    smtp = smtplib.SMTP("localhost", office.smtp_port, timeout=60)
    smtp.ehlo()
    assert smtp.has_extn("starttls") and not smtp.has_extn("auth")
    assert smtp.docmd("AUTH", "XOAUTH2")[0] >= 500
    code, text = smtp.mail(office.user)
    assert code == 530 and text.startswith(b"5.7.57 ")
    assert text.endswith(b"Client not authenticated to send mail.")
    smtp.quit()


def test_keywords_are_those_of_exchange(office):
    smtp = connect(office)
    assert smtp.esmtp_features["size"] == "157286400"
    assert smtp.esmtp_features["auth"].split() == [
        "LOGIN", "XOAUTH2", "OAUTHBEARER"]
    for name in ("pipelining", "dsn", "enhancedstatuscodes", "8bitmime",
                 "chunking", "smtputf8"):
        assert smtp.has_extn(name)
    assert not smtp.has_extn("vrfy") and not smtp.has_extn("etrn")
    smtp.quit()


# --- sender rules

@pytest.mark.parametrize("mail_from, header_from, code, text", [
    ("relay@contoso.com", "sales@contoso.com", 250, b""),
    ("sales@contoso.com", "Relay <RELAY@contoso.com>", 250, b""),
    ("relay@contoso.com", "Eve <eve@example.org>", 554,
     b"5.2.252 SendAsDenied; relay@contoso.com not allowed to send as"
     b" eve@example.org; STOREDRV.Submission.Exception:"),
    ("eve@example.org", "relay@contoso.com", 550,
     b"5.7.60 SMTP; Client does not have permissions to send as this sender"),
    ("", "relay@contoso.com", 550, b"5.7.60 SMTP; Client does not have"),
    ("relay@contoso.com", "a <relay@contoso.com>, b <sales@contoso.com>",
     550, b"5.1.20"),
    ("relay@contoso.com", "relay@contoso.com\r\nFrom: sales@contoso.com",
     550, b"5.1.20"),
    ("relay@contoso.com", None, 550, b"5.7.512"),
])
def test_sender_rules(office, mail_from, header_from, code, text):
    smtp = login(office)
    reply = submit(smtp, mail_from, header_from)
    smtp.quit()
    assert reply[0] == code
    assert reply[1].startswith(text)
    assert len(office.messages()) == (1 if code == 250 else 0)


def test_a_reply_by_switch(office):
    throttled = ("550 5.2.252 Sender throttled due to continuous send as"
                 " denied errors, 100% of them.")
    office.set(message_reply=throttled, once=1)
    smtp = login(office)
    code, text = submit(smtp, office.user, office.user)
    assert "%d %s" % (code, text.decode()) == throttled
    assert submit(smtp, office.user, office.user)[0] == 250
    smtp.quit()
    assert office.refusals[-1][1:] == (office.user, throttled)


# --- limits

def test_more_than_three_connections(office):
    office.set(max_connections=3)
    sessions = [login(office) for _ in range(4)]
    for smtp in sessions:
        # A session counts from its first message on.
        smtp.mail(office.user)
        smtp.rset()
    replies = [submit(smtp, office.user, office.user) for smtp in sessions]
    assert [reply[0] for reply in replies] == [250, 250, 250, 432]
    assert replies[3][1].startswith(
        b"4.3.2 Concurrent connections limit exceeded. Visit"
        b" https://aka.ms/concurrent_sending for more information.")
    sessions[0].quit()
    until(lambda: submit(
        sessions[3], office.user, office.user)[0] == 250)
    other = login(office, user="second@contoso.com")
    assert submit(other, "second@contoso.com", "second@contoso.com")[0] == 250
    for smtp in sessions[1:] + [other]:
        smtp.quit()


def test_more_than_thirty_messages_a_minute(office):
    office.add_mailbox("busy@contoso.com")
    office.set(messages_per_minute=30)
    smtp = login(office, user="busy@contoso.com")
    codes = [submit(smtp, "busy@contoso.com", "busy@contoso.com")[0]
             for _ in range(32)]
    smtp.quit()
    assert codes == [250] * 30 + [451] * 2
    assert len(office.messages()) == 30


def test_many_sessions_at_once(office):
    def one(_):
        smtp = login(office)
        for _ in range(10):
            assert submit(smtp, office.user, office.user)[0] == 250
        smtp.quit()

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))
    assert len(office.wait_messages(200)) == 200


# --- reading mail

def test_imap_with_a_token(office):
    office.deliver(office.user, b"Subject: kept\r\n\r\nhello\r\n")
    text = "user=%s\1auth=Bearer %s\1\1"
    with imaplib.IMAP4_SSL("localhost", office.imaps_port,
                           ssl_context=trust(office)) as imap:
        imap.authenticate("XOAUTH2", lambda _: (
            text % (office.user, office.mint_token())).encode())
        assert int(imap.select()[1][0]) >= 1
    with imaplib.IMAP4("localhost", office.imap_port) as imap:
        imap.starttls(trust(office))
        assert "AUTH=XOAUTH2" in imap.capabilities
        with pytest.raises(imaplib.IMAP4.error):
            imap.authenticate("XOAUTH2", lambda data: b"" if data else (
                text % (office.user, office.mint_token(forged=True))).encode())


def test_pop_with_a_token(office):
    office.deliver(office.user, b"Subject: kept\r\n\r\nhello\r\n")
    pop = poplib.POP3("localhost", office.pop_port, timeout=60)
    pop.stls(trust(office))
    assert {"XOAUTH2", "OAUTHBEARER"} <= set(pop.capa()["SASL"])
    pop.quit()
    pop = poplib.POP3_SSL("localhost", office.pops_port, timeout=60,
                          context=trust(office))
    pop._putcmd("AUTH XOAUTH2")
    assert pop._getline()[0].startswith(b"+ ")
    pop._shortcmd(initial_response(
        "XOAUTH2", office.user, office.mint_token()))
    assert pop.stat()[0] >= 1
    pop.quit()


# --- life

def children(directory):
    """Processes whose command line or working directory is in there."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid) as command:
                text = command.read() + os.readlink("/proc/%s/cwd" % pid)
        except OSError:
            continue
        if directory in text and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def test_instances_run_side_by_side_and_leave_nothing():
    directories = [folder() for _ in range(3)]
    offices = [Office365(directory) for directory in directories]
    try:
        for office in offices:
            office.start()
        for office in offices:
            smtp = login(office)
            assert submit(smtp, office.user, office.user)[0] == 250
            smtp.quit()
            # Another instance's key is not ours.
            assert authenticate(
                connect(offices[0]), office.user, office.mint_token()
            )[0] == (235 if office is offices[0] else 535)
        assert [len(office.messages()) for office in offices] == [1, 1, 1]
    finally:
        for office in offices:
            office.stop()
    for directory in directories:
        assert children(directory) == []
        shutil.rmtree(directory)


def test_a_directory_others_cannot_enter_is_an_error():
    directory = tempfile.mkdtemp()
    with pytest.raises(StartError, match="cannot enter"):
        Office365(directory).start()
    shutil.rmtree(directory)


def shell(directory, *options):
    """Start the stand-in as a program; return it when it is ready."""
    process = subprocess.Popen(
        [sys.executable, os.path.join(TESTS, "office365"), "--directory",
         directory] + list(options), stdout=subprocess.PIPE, text=True)
    values = {}
    for line in process.stdout:
        if line == "ready\n":
            break
        name, _, value = line.rstrip("\n").partition("=")
        values[name] = value
    return process, values


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_as_a_program(number):
    directory = folder()
    process, values = shell(directory, "--mailbox", "x@contoso.com")
    try:
        with open(os.path.join(directory, "office365.env")) as kept:
            assert "smtp_port=%s\n" % values["smtp_port"] in kept.read()
        with socket.create_connection(
                ("localhost", int(values["smtp_port"])), 10) as client:
            assert client.recv(4) == b"220 "
        process.send_signal(number)
        assert process.wait(60) == 0
        assert children(directory) == []
    finally:
        process.kill()
        process.stdout.close()
        shutil.rmtree(directory)


def test_killed_hard_it_takes_its_servers_along():
    directory = folder()
    process, _ = shell(directory)
    assert children(directory)
    process.kill()
    process.wait()
    process.stdout.close()
    until(lambda: children(directory) == [])
    shutil.rmtree(directory)
