# SPDX-License-Identifier: Apache-2.0
"""postoak mta postfix --apply and --undo on a Postfix as Debian sets it up."""
import os
import pty
import re
import stat
import subprocess

import pytest

from relay import wait_until
from relay.postfix import Postfix
from relay.relay import ACCOUNT as RELAY_ACCOUNT, OFFICE
from relay.stock import lay_out

EX_OK, EX_USAGE, EX_CONFIG = 0, 64, 78
CONFIG = """
application "contoso" {
    provider           = "office365"
    tenant_id          = "11111111-2222-3333-4444-555555555555"
    client_id          = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "contoso.client"
}
"""
ACCOUNT = 'account "%s" { application = "contoso" grant = "client_credentials" %s }\n'
ACCOUNT_OF_MANY = """
account "many%d@contoso.com" { application = "contoso" grant = "password" password_file = "secrets/relay.password" }
"""
OF_DOMAIN = """
account "@fabrikam.test" { application = "contoso" grant = "client_credentials" senders = { "@fabrikam.test" } }
"""


class Stock(Postfix):
    """Laid out, and the tool for it."""

    def __init__(self, directory, build):
        super().__init__(directory)
        os.makedirs(directory, exist_ok=True)
        lay_out(self)
        self.tool = os.path.join(build, "postoak")
        self.file = os.path.join(directory, "postoak.conf")
        self.accounts(ACCOUNT % ("relay@contoso.com", ""))

    def accounts(self, text):
        with open(os.path.join(self.directory, "contoso.client"), "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("std8Q~secret\n")
        with open(self.file, "w", encoding="ascii") as f:
            f.write(CONFIG + text)

    def argv(self, *more):
        return [self.tool, "-c", self.file, "mta", "postfix", "--config-directory",
                self.config, *more]

    def mta(self, *more, rc=EX_OK, before=(), path=""):
        env = {"PATH": path + "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        out = subprocess.run([*before, *self.argv(*more)], capture_output=True, text=True,
                             timeout=120, env=env, stdin=subprocess.DEVNULL)
        assert out.returncode == rc, out.stdout + out.stderr
        return out.stdout if rc == EX_OK else out.stderr

    def state(self):
        """Every file of the configuration, backups aside."""
        found = {}
        for name in sorted(os.listdir(self.config)):
            path = os.path.join(self.config, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    found[name] = (f.read(), stat.S_IMODE(os.stat(path).st_mode))
        return found

    def backups(self):
        folder = os.path.join(self.config, "postoak-backup")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def set(self, *settings):
        self.command("postconf", "-e", *settings)

    def get(self, name):
        return self.command("postconf", "-h", name).strip()


@pytest.fixture
def stock(directory, build):
    return Stock(directory, build)


def test_the_first_message(make_relay, office):
    """Nothing but what --apply has set leads to the server."""
    relay = make_relay(start=False)
    postfix = lay_out(relay.postfix)
    said = relay.postoak("mta", "postfix", "--apply", "--yes", "--relay",
                         f"{office.host}:{office.smtp_port}", "--config-directory", postfix.config)
    assert "Postfix does not run" in said
    relay.tokend.start()
    relay.milter.start()
    postfix.launch()
    relay.send()
    message, = office.wait_messages(1, 60)
    assert message.mail_from == "relay@contoso.com" and message.auth_user == "relay@contoso.com"
    wait_until(lambda: not postfix.queue(), "an empty queue")
    assert "Verified TLS connection established" in postfix.log()
    said = relay.postoak("mta", "postfix", "--undo", "--yes", "--config-directory", postfix.config)
    assert "postfix reload" in said
    postfix.wait_log(r"postfix/master\[\d+\]: reload")


def test_there_and_back(stock):
    before = stock.state()
    os.chmod(os.path.join(stock.config, "main.cf"), 0o640)
    said = stock.mta("--apply", "--yes")
    assert re.search(r"  relayhost\n    from  \(empty\)\n      to  \[smtp\.office365\.com\]:587\n", said)
    assert re.search(r"  postoak_relay \(service\)\n    from  \(not there\)\n      to  smtp, chrooted\n", said)
    assert f"{stock.config}/postoak_replies\n    from  (not there)\n" in said
    after = stock.state()
    assert after["main.cf"][1] == 0o640
    assert stock.command("postconf", "-n") != "" and stock.get("default_transport") == "postoak_relay"
    # What others wrote is where it was: comments, order, the other services.
    kept = set(before["master.cf"][0].splitlines())
    assert kept <= set(after["master.cf"][0].splitlines())
    assert len(stock.backups()) == 1
    assert "Nothing to change" in stock.mta("--apply", "--yes")
    assert stock.state() == after and len(stock.backups()) == 1
    assert "taken back" in stock.mta("--undo", "--yes")
    now = stock.state()
    assert now.pop("main.cf") == (before.pop("main.cf")[0], 0o640)
    assert now == before
    assert "Nothing to take back" in stock.mta("--undo", "--yes")
    stock.mta("--apply", "--yes")
    assert stock.state() == after


def test_what_others_set_stays(stock):
    """Filters and routes of others stay behind ours; what an administrator
    changes afterwards survives --undo."""
    stock.set("smtpd_milters = inet:localhost:8891, { inet:localhost:11332, default_action=accept }",
              "non_smtpd_milters = $smtpd_milters", "internal_mail_filter_classes = notify bounce",
              "relayhost = [old.example.net]:25", "message_size_limit = 20000000")
    before = stock.state()
    stock.mta("--apply", "--yes")
    assert stock.get("smtpd_milters") == \
        "unix:/var/spool/postfix/run/postoak-milter/milter.sock, inet:localhost:8891, " \
        "{ inet:localhost:11332, default_action=accept }"
    assert stock.get("non_smtpd_milters") == "$smtpd_milters"
    assert stock.get("internal_mail_filter_classes") == "bounce, notify"
    assert "Nothing to change" in stock.mta("--apply", "--yes")
    stock.set("message_size_limit = 1000000", "maximal_queue_lifetime = 3d")
    stock.command("postconf", "-P", "postoak_relay/unix/smtp_tls_loglevel=2")
    said = stock.mta("--undo", "--yes")
    assert "kept, because it was changed since: message_size_limit" in said
    assert "kept, because it was changed since: postoak_relay" in said
    assert stock.get("relayhost") == "[old.example.net]:25"
    assert stock.get("smtpd_milters").startswith("inet:localhost:8891, {")
    assert (stock.get("message_size_limit"), stock.get("maximal_queue_lifetime")) == ("1000000", "3d")
    now = stock.state()
    assert b"postoak_relay" in now["master.cf"][0]
    assert b"postoak_" not in now["main.cf"][0] and "postoak_replies" not in now
    assert before["main.cf"][0].splitlines()[0] == now["main.cf"][0].splitlines()[0]


def test_files_of_odd_form(stock):
    """Continued lines, comments between them, a service of ours made by hand with a blank
    in a value, which postconf cannot write, a link: all of it comes back."""
    main, master = (os.path.join(stock.config, name) for name in ("main.cf", "master.cf"))
    with open(main, "a", encoding="ascii") as f:
        f.write("relayhost =\n   # a comment\n   [old.example]\n\n   :25\n"
                "message_size_limit = 1\nmessage_size_limit = 20000000\nmydestination = localhost")
    with open(master, "a", encoding="ascii") as f:
        f.write("postoak_relay unix - - n - - smtp\n  # a comment\n\n"
                "  -o { smtp_sasl_password_maps = inline:{ a=b } }\n  -o syslog_name=x\n")
    os.rename(main, main + ".real")
    os.symlink("main.cf.real", main)
    before = stock.state()
    stock.mta("--apply", "--yes")
    assert (stock.get("relayhost"), stock.get("mydestination")) == \
        ("[smtp.office365.com]:587", "localhost")
    assert "Nothing to change" in stock.mta("--apply", "--yes")
    assert "kept" not in stock.mta("--undo", "--yes")
    assert stock.state() == before and os.path.islink(main)
    with open(main, "ab") as f:
        f.write(b"\n# \0\n")
    before = stock.state()
    assert "main.cf holds a NUL byte" in stock.mta("--apply", "--yes", rc=EX_CONFIG)
    assert stock.state() == before


def test_other_accounts_than_the_last_time(stock):
    stock.mta("--apply", "--yes")
    stock.accounts(ACCOUNT % ("a@contoso.com", "") + ACCOUNT % ("@fabrikam.com", ""))
    stock.mta("--apply", "--yes")
    assert stock.get("relayhost") == "" and stock.get("default_transport") == "smtp"
    assert "postoak_relay" not in stock.command("postconf", "-M") + stock.command("postconf", "-n")
    assert "postoak_fabrikam_com" in stock.command("postconf", "-M")
    assert "Nothing to change" in stock.mta("--apply", "--yes")


def test_ten_thousand_accounts(stock):
    """In tables, for nobody else to read; a change of one is found."""
    many = [ACCOUNT % (f"user{i}@contoso.com", "") for i in range(10000)]
    stock.accounts("".join(many))
    before = stock.state()
    stock.mta("--apply", "--yes")
    users = stock.state()["postoak_contoso_users"]
    assert users[1] == 0o600 and users[0].count(b"\n") == 10001

    def lookup(parameter, key):
        table = stock.command("postconf", "-hx", parameter).strip()
        return stock.command("postmap", "-q", key, table, check=False).strip()
    assert lookup("postoak_contoso_password_maps", "user9999@contoso.com") == "user9999@contoso.com:-"
    assert lookup("sender_dependent_default_transport_maps", "user0@contoso.com") == \
        "postoak_contoso:[smtp.office365.com]:587"
    assert "Nothing to change" in stock.mta("--apply", "--yes")
    stock.accounts("".join(many[1:]))
    stock.mta("--apply", "--yes")
    assert lookup("postoak_contoso_password_maps", "user0@contoso.com") == ""
    stock.mta("--undo", "--yes")
    assert lookup("postoak_contoso_password_maps", "user0@contoso.com") == "user0@contoso.com:-"
    stock.mta("--undo", "--yes")
    assert stock.state() == before


def test_one_of_many_and_one_of_a_domain(make_relay, office):
    """A table's login, and a pattern's."""
    more = "".join(ACCOUNT_OF_MANY % i for i in range(100))
    relay = make_relay(start=False, accounts=OF_DOMAIN + RELAY_ACCOUNT + more)
    relay.write_config(office=OFFICE.replace(
        "hosts  ", 'app_scope          = "https://outlook.office365.com/.default"\n    hosts  '))
    office.add_mailbox("some.one@fabrikam.test")
    postfix = lay_out(relay.postfix)
    relay.postoak("mta", "postfix", "--apply", "--yes", "--relay",
                  f"{office.host}:{office.smtp_port}", "--config-directory", postfix.config)
    relay.tokend.start()
    relay.milter.start()
    postfix.launch()
    relay.send(sender="relay@contoso.com")
    relay.send(sender="some.one@fabrikam.test")
    messages = office.wait_messages(2, 60)
    assert sorted(m.auth_user for m in messages) == ["relay@contoso.com", "some.one@fabrikam.test"]
    log = postfix.log()
    assert "postfix/postoak_contoso/smtp" in log and "postfix/postoak_fabrikam_test/smtp" in log


def test_nobody_says_yes(stock):
    before = stock.state()
    assert "--yes" in stock.mta("--apply", rc=EX_USAGE)
    ours, theirs = pty.openpty()
    with subprocess.Popen(stock.argv("--apply"), stdin=theirs, stdout=subprocess.PIPE) as tool:
        os.write(ours, b"n\n")
        said = tool.communicate(timeout=60)[0]
    os.close(ours)
    os.close(theirs)
    assert tool.returncode == EX_OK and b"Nothing was changed" in said
    assert stock.state() == before and not stock.backups()


def put_program(directory, name, text):
    path = os.path.join(directory, "fake", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return os.path.dirname(path) + ":"


def test_what_postfix_refuses_is_taken_back(stock):
    before = stock.state()
    path = put_program(stock.directory, "postfix", """
case $3 in check) ! grep -q postoak_ "$2/main.cf" || { echo "postfix: fatal: no such thing" >&2; exit 1; } ;; esac
exec /usr/sbin/postfix "$@"
""")
    error = stock.mta("--apply", "--yes", rc=EX_CONFIG, path=path)
    assert "as it was before" in error and "no such thing" in error
    assert stock.state() == before
    assert "Nothing to take back" in stock.mta("--undo", "--yes")


def test_a_postfix_that_is_broken_already(stock):
    stock.set("data_directory = /nonexistent/here")
    before = stock.state()
    assert "before anything is changed" in stock.mta("--apply", "--yes", rc=EX_CONFIG)
    assert stock.state() == before and not stock.backups()


RENAMES = "rename,renameat,renameat2"


def killed_at(number):
    return ["strace", "-o", "/dev/null", "-e", f"trace={RENAMES}",
            "-e", f"inject={RENAMES}:signal=SIGKILL:when={number}"]


def test_killed_between_two_steps(stock):
    """At each file that is put in place: main.cf never names what is not
    there, the next call goes through, and --undo knows the way back."""
    # What it says is asked in the other tests, and takes its time.
    path = put_program(stock.directory, "postfix", "exit 0\n")
    before = stock.state()
    trace = os.path.join(stock.directory, "trace")
    stock.mta("--apply", "--yes", path=path, before=["strace", "-o", trace, "-e", f"trace={RENAMES}"])
    with open(trace, encoding="ascii", errors="replace") as f:
        last = sum("rename" in line for line in f)
    after = stock.state()
    stock.mta("--undo", "--yes", path=path)
    assert stock.state() == before
    seen = []
    for number in range(last, last - 4, -1):
        stock.mta("--apply", "--yes", before=killed_at(number), rc=-9, path=path)
        now = stock.state()
        changed = [name for name in after if now.get(name) == after[name]]
        seen.append(changed)
        assert all(now.get(name) == before.get(name) for name in after if name not in changed)
        # Once forward and then back, once back at once.
        if number % 2:
            stock.mta("--apply", "--yes", path=path)
            assert stock.state() == after, number
        stock.mta("--undo", "--yes", path=path)
        assert stock.state() == before, number
    assert seen[0] == list(after), "all is in place"
    assert seen == sorted(seen, key=len, reverse=True)
    assert all("main.cf" not in names for names in seen if "master.cf" not in names)
    assert all("master.cf" not in names for names in seen if "postoak_replies" not in names)
    assert "Nothing to take back" in stock.mta("--undo", "--yes")
