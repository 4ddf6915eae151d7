# SPDX-License-Identifier: Apache-2.0
"""Other programs that speak Cyrus SASL, both mechanisms, against Dovecot:
imtest, pop3test and smtptest of cyrus-clients, and mbsync of isync."""
import os
import shutil
import subprocess

import pytest

from relay import wait_until

MECHANISMS = ("XOAUTH2", "OAUTHBEARER")

# The cyrus-clients have room for 2,048 bytes of response and say "overflowed
# buffer" for more.
SHORT_TOKEN = 1300


@pytest.fixture
def environment(relay):
    """The plugin from the relay's directory, its socket from the variable."""
    relay.office.set(token_bytes=SHORT_TOKEN)
    return {"PATH": "/usr/bin:/bin:/usr/lib/cyrus/bin",
            "HOME": relay.directory, "LC_ALL": "C",
            "SASL_PATH": os.path.join(relay.directory, "sasl2"),
            "POSTOAK_SOCKET": relay.socket}


def client(environment, *argv, stdin=b""):
    out = subprocess.run(argv, env=environment, input=stdin, timeout=60,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return out.returncode, out.stdout.decode(errors="replace")


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("program, port, bye", [
    ("imtest", "imap_port", b". LOGOUT\r\n"),
    ("pop3test", "pop_port", b"QUIT\r\n"),
    ("smtptest", "smtp_port", b"QUIT\r\n"),
])
def test_cyrus_clients(environment, office, program, port, bye, mechanism):
    _, output = client(
        environment, program, "-m", mechanism, "-t", "",
        "-u", "relay@contoso.com", "-a", "relay@contoso.com",
        "-p", str(getattr(office, port)), "localhost", stdin=bye)
    assert "Authenticated." in output, output
    last = office.authentications[-1]
    assert last.user == "relay@contoso.com"
    assert last.mechanism.upper() == mechanism
    assert last.ok


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_cyrus_client_is_told_why_not(environment, relay, office, mechanism):
    """A token that the server refuses: the client sees the server's answer,
    and tokend hears of it and gets another token."""
    relay.postoak("refresh", "relay@contoso.com")
    office.revoke_access_tokens()
    _, output = client(
        environment, "imtest", "-m", mechanism, "-t", "",
        "-u", "relay@contoso.com", "-a", "relay@contoso.com",
        "-p", str(office.imap_port), "localhost", stdin=b". LOGOUT\r\n")
    assert "Authentication failed" in output, output
    wait_until(lambda: len(office.token_requests) == 2, "a second token")


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_mbsync(environment, relay, office, mechanism):
    """isync asks with prompts instead of callbacks; a token of 5 kB."""
    office.set(token_bytes=5000)
    mail = os.path.join(relay.directory, "mail")
    os.makedirs(mail, exist_ok=True)
    config = os.path.join(relay.directory, "mbsyncrc")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"""
IMAPAccount office
Host localhost
Port {office.imap_port}
User relay@contoso.com
Pass not-used
AuthMechs {mechanism}
SSLType STARTTLS
CertificateFile {office.ca_file}

IMAPStore far
Account office

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX

Channel inbox
Far :far:INBOX
Near :near:INBOX
Create Near
SyncState *
""")
    code, output = client(environment, "mbsync", "-V", "-c", config, "inbox")
    assert code == 0, output + relay.tokend.read_log()[-2000:]
    assert os.path.isdir(os.path.join(mail, "INBOX", "cur"))


@pytest.mark.parametrize("mode, obeyed", [(0o755, True), (0o2755, False)])
def test_a_set_id_program_chooses_its_socket_itself(directory, build, mode,
                                                    obeyed):
    """Whoever starts a set-group-ID program must not name the socket that its
    tokens come from. The program is the unit tests' mailer."""
    program = os.path.join(directory, "mailer")
    shutil.copy(os.path.join(build, "unit", "test_program"), program)
    os.chown(program, 0, 65534)
    os.chmod(program, mode)
    socket = os.path.join(directory, "callers.sock")
    _, output = client({"POSTOAK_SOCKET": socket}, program, "--log-in")
    assert output
    assert (socket in output) == obeyed, output
