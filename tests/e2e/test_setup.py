# SPDX-License-Identifier: Apache-2.0
"""postoak setup --from: from a hand-over text to a delivered message; what is
wrong in it is found."""
import os
import re
import stat
import subprocess

import pytest

from relay.relay import TOKEND_UID
from setup_tool import (ACCOUNT, CLIENT, HOST, SECRET, TENANT, VALUES, WRITTEN,
                        Dialogue, files, mail, read, sentences, write)

EX_OK, EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_CONFIG = 0, 64, 65, 66, 78


@pytest.fixture
def place(directory):
    """A private directory for a configuration."""
    path = os.path.join(directory, "etc")
    os.mkdir(path)
    return path


@pytest.fixture
def setup(build, place):
    """postoak setup --from a text, without a terminal."""
    def run(text, *argv, check=("--no-check",)):
        source = os.path.join(place, "handover.txt")
        with open(source, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return subprocess.run(
            [os.path.join(build, "postoak"), "-c",
             os.path.join(place, "postoak.conf"), "setup", "--from", source,
             "--yes", *check, *argv], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
    return run


# --- the vendor's text ------------------------------------------------------

def test_text_to_delivered_message(make_relay, office):
    """The eight values as they came by mail, a password typed: the daemons run
    already, and the next message goes."""
    relay = make_relay(config="")
    values = {**VALUES,
              "Modern Auth Client Secret": office.client_secret,
              "Modern Auth Client ID": office.client_id,
              "Modern Auth Tenant ID": office.tenant,
              "Modern Auth Authorization Endpoint":
                  office.authorization_endpoint,
              "Modern Auth Token Endpoint": office.token_endpoint,
              "SMTP Server": f"localhost:{office.smtp_port}",
              "CA File": office.ca_file}
    del values["Password"]
    source = os.path.join(relay.directory, "mail.txt")
    with open(source, "w", encoding="utf-8", newline="") as f:
        f.write("Dear support,\r\n\r\n" + mail(values))
    with Dialogue(relay.program("postoak"), relay.config, "--from", source,
                  "--yes", "--no-check") as dialogue:
        dialogue.answer("Password (not shown)", office.password)
        assert dialogue.wait() == EX_OK
        assert "postoak-tokend has read the configuration" in dialogue.text
        assert office.password not in dialogue.terminal.text
        assert office.client_secret not in dialogue.terminal.text
    relay.send()
    message, = office.wait_messages(1, 60)
    assert (message.auth_user, message.mail_from) == (ACCOUNT, ACCOUNT)
    assert [r.grant for r in office.token_requests] == ["password"]
    for name in os.listdir(os.path.join(relay.etc, "secrets")):
        found = os.stat(os.path.join(relay.etc, "secrets", name))
        assert found.st_uid == TOKEND_UID
        assert stat.S_IMODE(found.st_mode) == 0o600


def test_check_follows(build, place):
    """The doctor looks at what was set up; in a network of its own, where
    nobody answers."""
    source = os.path.join(place, "handover.txt")
    with open(source, "w", encoding="utf-8") as f:
        f.write(mail(VALUES))
    out = subprocess.run(
        ["unshare", "--net", os.path.join(build, "postoak"), "-c",
         os.path.join(place, "postoak.conf"), "setup", "--from", source,
         "--yes"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=150)
    assert out.returncode == EX_OK, out.stderr
    # The findings of the configuration come behind the steps.
    steps, _, checked = out.stdout.partition("still holds what was handed")
    assert "SmtpClientAuthenticationDisabled" in steps
    assert re.search(r"(?m)^ +ok ", checked), out.stdout


def test_text_twice_changes_nothing(setup, place):
    assert setup(mail(VALUES)).returncode == EX_OK
    before = read(place)
    assert read(place, "secrets/contoso.client") == SECRET + "\n"
    assert read(place, f"secrets/{ACCOUNT}.password") == "correct horse\n"
    out = setup(mail(VALUES, "{}\n  {}\n"))
    assert out.returncode == EX_OK
    assert "stays as it is" in out.stdout and read(place) == before
    assert files(place) == ["postoak.conf", "secrets"]


def test_steps_have_everything_filled_in(setup):
    out = setup(mail({**VALUES, "User": "login@contoso.com",
                      "Protocol": "POP3"}))
    text = sentences(out.stdout)
    assert f"/{TENANT}/adminconsent?client_id={CLIENT}" in text
    assert "SMTP.Send, IMAP.AccessAsUser.All, POP.AccessAsUser.All" in text
    assert ('Set-CASMailbox -Identity "login@contoso.com" '
            "-SmtpClientAuthenticationDisabled $false") in text
    assert (f'Add-RecipientPermission "{ACCOUNT}" -Trustee '
            '"login@contoso.com"') in text
    assert "from POP to IMAP" in text and "port 993" in text
    assert "multi-factor authentication" in text
    assert SECRET not in out.stdout and "correct horse" not in out.stdout
    assert 'IMAP.AccessAsUser.All' in out.stdout


@pytest.mark.parametrize("change, words", [
    ({"Modern Auth Client Secret": CLIENT}, "line 1: that is the Secret ID"),
    ({"Modern Auth Client ID": TENANT}, "Tenant ID are the same"),
    ({"Modern Auth Client ID": CLIENT[1:]}, "line 2: Client ID"),
    ({"Modern Auth Tenant ID": "abcdef" + TENANT[6:]},
     "Endpoint is of tenant " + TENANT),
    ({"Modern Auth Token Endpoint": HOST + "token"}, "line 5: Token Endpoint "
     "is of version 1"),
    ({"Modern Auth Token Endpoint":
      f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token"},
     "two clouds"),
    ({"From Account": "relay@outlook.com", "User": "relay@outlook.com"},
     "personal Microsoft account"),
    ({"User": "CONTOSO\\relay"}, "line 7: User"),
    ({"Password": "********"}, "line 8: the password is stars"),
    ({"SMTP Server": "mail.example.net:587"},
     "line 9: SMTP Server \"mail.example.net\" is neither Microsoft's nor"),
    ({"SMTP Server": 'x" include("/etc/shadow") "'}, "not a server's name"),
    ({"Proxy": "no proxy"}, "line 9: Proxy"),
    ({"CA File": "ca.pem"}, "no whole path"),
    ({"CA File": "/etc/${HOME}"}, "cannot be read"),
    ({"From Account": "../../x@contoso.com"}, "is no address"),
    ({"From Account": '"x\\" include("/etc/shadow")'}, "line 6: From Account"),
])
def test_wrong_values_are_found(setup, place, change, words):
    out = setup(mail({**VALUES, **change}))
    assert out.returncode == EX_DATAERR
    assert words in sentences(out.stderr) and out.stderr.count("FAIL") == 1
    assert files(place) == []


def test_all_faults_at_once(setup, place):
    out = setup(mail({"Modern Auth Client ID": "x",
                      "Modern Auth Client Secret": "***",
                      "From Account": "relay"}))
    assert out.returncode == EX_DATAERR and out.stderr.count("FAIL") == 1
    out = setup("From Account: relay@contoso.com\nClient ID: x\n"
                "Client ID: y\nSecret: ***\n")
    assert out.stderr.count("FAIL") == 5, out.stderr
    assert files(place) == []
    for text, words in ((b"", "is empty"), (b"a\0b", "is no text")):
        out = setup(text)
        assert out.returncode == EX_NOINPUT and words in out.stderr
    # A secret that is missing cannot be asked for here.
    out = setup(mail({k: v for k, v in VALUES.items() if k != "Password"}))
    assert out.returncode != EX_OK and files(place) == []


def test_foreign_sender_is_noted(setup):
    out = setup(mail({**VALUES, "From Account": "news@fabrikam.com"}))
    assert out.returncode == EX_OK
    assert "another domain than the login" in sentences(out.stdout)


def test_what_is_wrong_already(setup, place):
    write(place, WRITTEN.replace("provider", "provder"))
    out = setup(mail(VALUES))
    assert out.returncode == EX_CONFIG and "postoak.conf:6" in out.stderr
    # An account of another file is not made twice.
    write(place, 'include("more")\n')
    with open(os.path.join(place, "more"), "w", encoding="utf-8") as f:
        f.write(WRITTEN)
    out = setup(mail(VALUES))
    assert out.returncode == EX_CONFIG and "change it there" in out.stderr
    assert read(place) == 'include("more")\n'


def test_what_would_be_wrong(setup, place):
    """The new file is read as a daemon would before it is written."""
    write(place, WRITTEN + 'account "x@contoso.com" { application = '
          '"contoso" grant = "client_credentials" }\n')
    values = {title: VALUES[title] for title in VALUES
              if title not in ("Modern Auth Client Secret", "Password")}
    out = setup(mail({**values, "Grant": "client_credentials",
                      "From Account": "new@contoso.com",
                      "Modern Auth Client ID": "7" + CLIENT[1:]}))
    assert out.returncode == EX_CONFIG
    assert "this would not be right, nothing was changed" in out.stderr
    assert files(place) == ["postoak.conf"]


def test_usage(build, place):
    def run(*argv):
        return subprocess.run(
            [os.path.join(build, "postoak"), "-c",
             os.path.join(place, "postoak.conf"), "setup", *argv],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)
    assert "need a terminal" in run().stderr
    assert run("--from").returncode == EX_USAGE
    assert run("--form", "x").returncode == EX_USAGE
    assert run("--from", "x", ACCOUNT).returncode == EX_USAGE
    assert run("--from", "/nowhere").returncode == EX_NOINPUT
