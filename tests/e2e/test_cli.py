# SPDX-License-Identifier: Apache-2.0
"""The administrator's tool against the real daemons and a real Postfix."""
import json
import os
import pty
import re
import subprocess

import pytest

from relay import wait_until
from relay.postfix import Postfix
from relay.printed import shell, start_with_printed_settings

EX_OK, EX_USAGE, EX_DATAERR, EX_UNAVAILABLE = 0, 64, 65, 69
EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 75, 77, 78
NOBODY = 65534

APPLICATION = """
application "contoso" {
    provider           = "office365"
    tenant_id          = "11111111-2222-3333-4444-555555555555"
    client_id          = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "secrets/contoso.client"
}
"""


def account(name, more=""):
    return (f'account "{name}" {{ application = "contoso"\n'
            f'grant = "client_credentials"\n{more} }}\n')


@pytest.fixture
def postoak(build):
    """Run the tool as it was built; the finished process."""
    def run(*argv, stdin=None, **more):
        return subprocess.run([os.path.join(build, "postoak"), *argv],
                              input=stdin, stdin=None if stdin is not None
                              else subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, **more)
    return run


@pytest.fixture
def write_config(directory):
    def write(text):
        path = os.path.join(directory, "postoak.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path
    return write


# --- the table of verbs ----------------------------------------------------

def test_help_version_and_slips(postoak):
    out = postoak("help")
    assert out.returncode == EX_OK and "\n  status " in out.stdout
    assert max(map(len, out.stdout.splitlines())) <= 80
    assert re.fullmatch(r"postoak \d+\.\d+\.\d+\n", postoak("-V").stdout)
    out = postoak("stauts")
    assert out.returncode == EX_USAGE and 'mean "status"' in out.stderr
    for wrong in ([], ["-x"], ["xyzzy"], ["status", "a", "b"],
                  ["status", "--colour"], ["token"], ["mta"],
                  ["mta", "exim"], ["mta", "postfix", "--nonsense"]):
        out = postoak(*wrong)
        assert (out.returncode, out.stdout) == (EX_USAGE, ""), wrong
        assert out.stderr


def test_a_bad_configuration_is_named_by_file_and_line(postoak, write_config):
    path = write_config("tokend {\n  kontrol = \"/x\"\n}\n")
    for verb in (["status"], ["token", "a@b.c"], ["reload"],
                 ["mta", "postfix"]):
        out = postoak("-c", path, *verb)
        assert out.returncode == EX_CONFIG and out.stdout == ""
        assert f"{path}:2: " in out.stderr and "kontrol" in out.stderr


# --- explain ----------------------------------------------------------------

def test_explain_reads_arguments_and_standard_input(postoak):
    out = postoak("explain", "535", "5.7.139", "Authentication", "unsuccessful,",
                  "SmtpClientAuthentication is disabled for the Mailbox.")
    assert out.returncode == EX_OK and "off for this mailbox" in out.stdout
    bounce = ("<a@example.org>: host smtp.office365.com[52.98.1.2] said: 550\n"
              "    5.2.252 Sender throttled due to continuous send as denied\n"
              "    errors. (in reply to end of DATA command)\n")
    for argv in (["explain"], ["explain", "-"]):
        out = postoak(*argv, stdin=bounce)
        assert out.returncode == EX_OK and "blocked" in out.stdout
    out = postoak("explain", "--json", "AADSTS7000222")
    answer = json.loads(out.stdout)
    assert answer["version"] == 1 and answer["unknown"] == []
    assert answer["findings"][0]["code"] == "AADSTS7000222"
    assert answer["findings"][0]["ends_by_itself"] is False


def test_explain_says_when_it_knows_nothing(postoak):
    out = postoak("explain", "all is well")
    assert (out.returncode, out.stdout) == (EX_DATAERR, "")
    out = postoak("explain", "--json", "AADSTS4242424")
    assert out.returncode == EX_DATAERR
    assert json.loads(out.stdout)["unknown"] == ["AADSTS4242424"]


# --- without daemons ---------------------------------------------------------

def test_a_stopped_tokend_is_said_with_its_path(postoak, write_config,
                                                directory):
    path = write_config(f'tokend {{ control = "{directory}/c.sock" }}\n'
                        + APPLICATION + account("relay@contoso.com"))
    for verb in (["status"], ["token", "relay@contoso.com"],
                 ["refresh", "relay@contoso.com"]):
        out = postoak("-c", path, *verb)
        assert (out.returncode, out.stdout) == (EX_UNAVAILABLE, "")
        assert f"{directory}/c.sock" in out.stderr
    out = postoak("-c", path, "status", "--json")
    assert out.returncode == EX_UNAVAILABLE
    answer = json.loads(out.stdout)
    assert (answer["version"], answer["status"], answer["code"]) == \
        (1, "error", "unreachable")


# --- with the daemons --------------------------------------------------------

def test_status_token_refresh(relay):
    token = relay.postoak("token", "relay@contoso.com")
    assert re.fullmatch(r"[\w.-]{1000,}\n", token)
    assert relay.postoak("token", "relay@contoso.com") == token
    listed = relay.postoak("status")
    assert re.search(r"relay@contoso\.com +ok +\d+ minutes left", listed)
    details = relay.postoak("status", "relay@contoso.com")
    assert "password, application contoso" in details
    assert "10000 messages / 1m" in details
    assert max(map(len, (listed + details).splitlines())) <= 80
    assert "new token" in relay.postoak("refresh", "relay@contoso.com")
    assert relay.postoak("token", "relay@contoso.com") != token
    answer = json.loads(relay.postoak("token", "relay@contoso.com", "--json"))
    assert answer["user"] == "relay@contoso.com" and answer["expires_in"] > 0


def test_status_as_json(relay):
    relay.postoak("refresh", "relay@contoso.com")
    answer = json.loads(relay.postoak("status", "--json"))
    assert answer["version"] == 1 and answer["milter_error"] is None
    entry, = answer["accounts"]
    assert entry["state"] == "ok" and entry["last_error"] is None
    limits = {limit["limit"]: limit for limit in entry["limits"]}
    assert limits["10000 messages / 1m"]["max"] == 10000
    relay.milter.stop()
    answer = json.loads(relay.postoak("status", "--json"))
    assert answer["accounts"][0]["limits"] is None
    assert answer["milter_error"]["code"] == "unreachable"
    assert "Budgets are not known" in relay.postoak("status")


def test_an_account_that_needs_somebody(relay, office):
    relay.write_secret("relay.password", "wrong")
    relay.tokend.stop()
    relay.tokend.start()
    out = relay.postoak("refresh", "relay@contoso.com", check=False)
    assert out.returncode in (EX_NOPERM, EX_CONFIG) and "50126" in out.stderr
    out = relay.postoak("status", check=False)
    assert out.returncode in (EX_NOPERM, EX_CONFIG)
    assert "NEEDS" in out.stdout and "50126" in out.stdout
    assert relay.postoak("token", "relay@contoso.com", check=False).stdout == ""


# What each verb that speaks of times, and can be run here, is called with.
SPEAKING = {
    "status": [[], ["relay@contoso.com"]],
    "limits": [[], ["relay@contoso.com"], ["--reset"]],
    "refresh": [["relay@contoso.com"]],
    "check": [["relay@contoso.com", "--area", "account"]],
    "login": [["relay@contoso.com", "--import"]],
    "logout": [["relay@contoso.com"]],
    "export": [["relay@contoso.com", "x.export"]],
    "restore": [["relay@contoso.com", "x.export"]],
    "import": [["sasl_passwd"]],
    "release": [["postfix", "-c", "/none", "--dry-run"]],
    "explain": [["AADSTS50196"], ["451 4.7.500 try again in 3600 s"]],
    "reload": [[]],
    "help": [[]],
}
# A token, questions, a service on the log, another program's settings.
SILENT = {"token", "setup", "watch", "mta"}
# What is no length of a text of ours: other people's words, times of a clock.
RAW = re.compile(r"\b1[4-9]\d{8}(?:\d{3})?\b"  # Unix seconds or milliseconds
                 r"|\b\d+ ?(?:s|secs?|m?secs|ms)\b|\b\d{3,} seconds\b"
                 r"|\b[6-9]\d seconds\b|_s\b|_ms\b")


def test_times_are_words(relay):
    """Nobody has to reckon with seconds, before, with and without a token."""
    verbs = re.findall(r"^  ([a-z]+) ", relay.postoak("help"), re.M)
    assert set(verbs) == set(SPEAKING) | SILENT
    with open(os.path.join(relay.directory, "sasl_passwd"), "w",
              encoding="ascii") as f:
        f.write("smtp.office365.com other@contoso.com:word\n")

    def everything():
        for verb in verbs:
            for argv in SPEAKING.get(verb, []):
                out = subprocess.run(
                    [relay.program("postoak"), "-c", relay.config, verb,
                     *argv], cwd=relay.directory, capture_output=True,
                    text=True, timeout=60, check=False, input="")
                assert out.stdout + out.stderr, verb
                yield verb, out.stdout + out.stderr
    relay.postoak("refresh", "relay@contoso.com")
    said = list(everything())
    relay.write_secret("relay.password", "wrong")
    relay.postoak("refresh", "relay@contoso.com", check=False)
    said += everything()
    found = [(verb, raw.group(), text) for verb, text in said
             for raw in RAW.finditer(text)
             if "try again in 3600 s" not in text]
    assert not found
    words = " ".join(text for _, text in said)
    assert " minutes" in words and "50126" in words


def test_unknown_account(relay):
    out = relay.postoak("token", "nobody@contoso.com", check=False)
    assert out.returncode == EX_CONFIG and out.stdout == ""
    assert "nobody@contoso.com" in out.stderr


def test_another_user_of_the_host_is_refused(relay):
    out = subprocess.run(
        [relay.program("postoak"), "-c", relay.config, "refresh",
         "relay@contoso.com"], capture_output=True, text=True, timeout=60,
        user=NOBODY, group=NOBODY, extra_groups=[])
    assert (out.returncode, out.stdout) == (EX_NOPERM, "")
    assert "admin_group" in out.stderr


def test_reload(relay):
    out = relay.postoak("reload")
    assert re.search(r"tokend +has read .*: 1 account\n", out)
    assert re.search(r"milter +has read .*: 1 account\n", out)
    with open(relay.config, "a", encoding="utf-8") as f:
        f.write("nonsense = 1\n")
    out = relay.postoak("reload", check=False)
    assert out.returncode == EX_CONFIG and relay.config + ":" in out.stderr
    relay.write_config()
    assert relay.status()["account"] == "relay@contoso.com"


def test_limits_as_bars(relay, office):
    relay.send()
    office.wait_messages(1)
    out = relay.postoak("limits", "relay@contoso.com")
    assert re.search(r"10000 messages / 1m +[#.]{20} 1 of 10000 this minute\n", out)
    assert json.loads(relay.postoak("limits", "--json"))["version"] == 1


def test_colours_only_on_a_terminal(relay):
    relay.postoak("refresh", "relay@contoso.com")
    assert "\033" not in relay.postoak("status")

    def on_a_terminal(**env):
        ours, theirs = pty.openpty()
        subprocess.run([relay.program("postoak"), "-c", relay.config, "status"],
                       stdout=theirs, check=True, timeout=60,
                       env={"TERM": "xterm", **env})
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:  # Linux: the other side is closed
            pass
        os.close(ours)
        return text.decode()
    assert "\033[32mok" in on_a_terminal()
    assert "\033" not in on_a_terminal(NO_COLOR="1")
    assert "\033" not in on_a_terminal(TERM="dumb")


# --- mta postfix -------------------------------------------------------------

def mta(postoak, config, postfix, *more):
    out = postoak("-c", config, "mta", "postfix", "--config-directory",
                  postfix.config, "--queue-directory", postfix.spool, *more)
    assert out.returncode == EX_OK, out.stderr
    return out.stdout


def paste(text, postfix):
    """Do what the comments say: each part into its file."""
    for part in re.split(r"^# --- ", text, flags=re.M)[1:]:
        path, _, lines = part.partition("\n")
        assert path.startswith(postfix.config + "/")
        with open(path, "a", encoding="utf-8") as f:
            f.write(lines)


def effective(postfix):
    names = sorted(postfix.command("postconf", "-n").splitlines())
    services = postfix.command("postconf", "-P").splitlines()
    return names, services


SETUPS = {
    "one": account("relay@contoso.com",
                   'send_as = { "sales@contoso.com" }'),
    "several": account("relay@contoso.com", 'send_as = { "@a.contoso.com" }')
    + account("Erp+x@fabrikam.com", 'limits = { "10 messages / 1m" }'),
    "domain": account("@contoso.com") + account("a.b@contoso.com"),
}


@pytest.mark.parametrize("name", SETUPS)
def test_mta_postfix_passes_postfix_check(postoak, write_config, directory,
                                          name):
    config = write_config(APPLICATION + SETUPS[name])
    by_commands = Postfix(os.path.join(directory, "a"))
    by_hand = Postfix(os.path.join(directory, "b"))
    for postfix in (by_commands, by_hand):
        os.makedirs(postfix.directory)
        postfix.write()
    commands = mta(postoak, config, by_commands, "--commands")
    shell(commands)
    first = effective(by_commands)
    shell(commands)
    assert effective(by_commands) == first
    paste(mta(postoak, config, by_hand), by_hand)
    swap = [s.replace(by_hand.directory, by_commands.directory)
            for part in effective(by_hand) for s in part]
    assert swap == [s for part in first for s in part]
    for postfix in (by_commands, by_hand):
        out = subprocess.run(["postfix", "-c", postfix.config, "check"],
                             capture_output=True, text=True, timeout=60)
        assert out.returncode == 0, out.stderr
        assert "warning" not in out.stderr + postfix.log(), postfix.log()
        out = subprocess.run(["postconf", "-c", postfix.config, "-nx"],
                             capture_output=True, text=True, timeout=60)
        assert out.stderr == ""


def test_mta_postfix_finds_the_login_of_each_sender(postoak, write_config,
                                                    directory):
    config = write_config(APPLICATION + SETUPS["domain"])
    postfix = Postfix(directory)
    postfix.write()
    shell(mta(postoak, config, postfix, "--commands"))

    def lookup(parameter, key):
        table = postfix.command("postconf", "-hx", parameter).strip()
        return postfix.command("postmap", "-q", key, table, check=False).strip()
    routes = "sender_dependent_default_transport_maps"
    assert lookup(routes, "a.b@contoso.com").startswith("postoak_a_b:")
    assert lookup(routes, "@contoso.com").startswith("postoak_contoso_com:")
    users = "postoak_contoso_com_password_maps"
    assert lookup(users, "some.one@contoso.com") == "some.one@contoso.com:-"
    assert lookup(users, "some.one@contosoxcom") == ""
    assert lookup("postoak_a_b_password_maps", "[smtp.office365.com]:587") == \
        "a.b@contoso.com:-"


def test_mail_leaves_with_the_printed_settings(make_relay, office):
    relay = make_relay(start=False)
    start_with_printed_settings(relay)
    relay.send()
    message, = office.wait_messages(1)
    assert "relay@contoso.com" in str(message)
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")
    log = relay.postfix.log()
    assert "postfix/postoak_relay/smtp" in log
    assert "Verified TLS connection established" in log
    assert "status=bounced" not in log
