# SPDX-License-Identifier: Apache-2.0
"""postoak watch: what the provider's replies in the mail log say of an account,
and what becomes of its mail."""
import json
import os
import re
import smtplib

import pytest

from milter_server import account
from relay import wait_until
from relay.clock import Clock
from relay.process import Daemon
from relay.relay import ACCOUNT

FULL = ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; "
        "Failed to process message due to a permanent exception")
BLOCKED = "550 5.2.252 Sender throttled due to continuous send as denied errors."
HOLDING = ACCOUNT.replace("    limits", '    on_limit = { "hold", "tempfail" }\n    limits')


def watcher(relay, *arguments):
    daemon = Daemon([relay.program("postoak"), "-c", relay.config, "watch", *arguments],
                    os.path.join(relay.directory, "log", "watch.log"))
    return daemon.start()


def marks(relay):
    return [a["account"] for a in json.loads(relay.postoak("limits", "--json"))["accounts"]
            if a["refused"] is not None]


@pytest.fixture
def watched(make_relay):
    """A whole relay, its milter's clock in our hands, and a watch on its log."""
    relay = make_relay(start=False, accounts=HOLDING)
    relay.clock = Clock(relay.directory)
    relay.milter.env.update(relay.clock.environment)
    # Postfix' own notices go nowhere.
    relay.postfix.settings["transport_maps"] = "inline:{ { relay@contoso.com = discard: } }"
    relay.tokend.start()
    relay.milter.start()
    relay.postfix.start()
    watch = watcher(relay, relay.postfix.log_path)
    yield relay
    watch.stop()


def release(relay):
    return relay.postoak("release", "postfix", relay.postfix.config)


def on_hold(relay):
    return {e["queue_id"] for e in relay.postfix.queue() if e["queue_name"] == "hold"}


@pytest.mark.parametrize("reply,word", [(FULL, "quota is used up"), (BLOCKED, "blocks the mailbox")])
def test_marked_held_tried_and_sent_again(watched, office, reply, word):
    relay = watched
    release(relay)
    office.set(message_reply=reply, once=2)
    relay.send(subject="first")
    wait_until(lambda: marks(relay), "the account to be marked")
    assert marks(relay) == ["relay@contoso.com"]
    assert word in relay.milter.read_log() and reply[:40] in relay.milter.read_log()
    ids = [relay.send(subject=f"held{i}") for i in range(3)]
    assert on_hold(relay) == set(ids)
    assert release(relay) == "" and on_hold(relay) == set(ids)
    # After an hour one message tries, is refused, and nothing else goes.
    relay.clock.forward(3601)
    assert release(relay) == "released 1 message\n"
    relay.postfix.wait_log(rf"{ids[0]}: to=.*status=bounced")
    assert release(relay) == "" and on_hold(relay) == set(ids[1:])
    # The next one is sent: the mark goes, and the rest.
    relay.clock.forward(3601)
    assert release(relay) == "released 1 message\n"
    relay.postfix.wait_log(rf"{ids[1]}: to=.*status=sent")
    wait_until(lambda: not marks(relay), "the mark to go")
    release(relay)
    office.wait_messages(2, 30)
    assert [m.header("Subject")[0] for m in office.messages()] == ["held1", "held2"]
    # Said once, however many replies there were.
    assert relay.milter.read_log().count(word) == 1


def test_without_hold_and_across_a_restart(watched, office):
    relay = watched
    relay.write_config(accounts=ACCOUNT)
    relay.milter.reload()
    office.set(message_reply=BLOCKED, once=1)
    relay.send()
    wait_until(lambda: marks(relay), "the account to be marked")
    relay.milter.kill()
    relay.milter.start()
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        relay.send()
    assert refused.value.smtp_code == 451
    text = refused.value.smtp_error.decode()
    assert re.search(r"takes no mail of account relay@contoso\.com: 550 5\.2\.252 .*; "
                     r"try again in (60 minutes|1 hour|\d+ minutes)", text), text
    # A new message may be the try as well; a day later nothing is left of it.
    relay.clock.forward(3601)
    relay.send()
    wait_until(lambda: not marks(relay), "the mark to go")


TELL = """#!/usr/bin/python3
import json, os, sys
with open("{out}", "a") as f:
    f.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
"""


@pytest.fixture
def telling(serve, directory):
    """A milter, a log, and a command that writes down what it is told."""
    tell, out = os.path.join(directory, "tell"), os.path.join(directory, "told")
    with open(tell, "w", encoding="utf-8") as f:
        f.write(TELL.format(out=out))
    os.chmod(tell, 0o755)
    server = serve(account() + account('send_as = { "s@contoso.com" }', "b@contoso.com"))

    def set_command(*words):
        with open(server.config, encoding="utf-8") as f:
            text = f.read()
        text = re.sub(r"^    notify_command.*\n", "", text, flags=re.M)
        items = ", ".join(f'"{word}"' for word in words)
        with open(server.config, "w", encoding="utf-8") as f:
            f.write(text.replace("tokend {", "tokend {\n    notify_command = { %s }" % items, 1))
    set_command(tell, "a b", "$(id)")
    server.set_command = set_command

    def told():
        if not os.path.exists(out):
            return []
        with open(out, encoding="utf-8") as f:
            return [json.loads(line) for line in f]
    server.told = told
    return server


@pytest.fixture
def watch_lines(telling, build, directory):
    """Start a watch on a log; a function that writes lines to it."""
    log = os.path.join(directory, "mail.log")
    with open(log, "w", encoding="utf-8"):
        pass
    daemons = []

    def write(*texts):
        if not daemons:
            daemons.append(Daemon([os.path.join(build, "postoak"), "-c", telling.config, "watch", log],
                                  os.path.join(directory, "watch.log")).start())
        with open(log, "a", encoding="utf-8") as f:
            f.write(lines(*texts))
        return daemons[0]
    yield write
    for daemon in daemons:
        assert daemon.stop() == 0


def test_the_administrator_is_told_once(telling, watch_lines):
    """Once a mark, whatever the milter and the provider do; with what happened."""
    for number in range(3):
        watch_lines(f"QA1234{number}: from=<relay@contoso.com>, size=1",
                    refusal(f"QA1234{number}", BLOCKED if number else FULL))
    wait_until(telling.told, "the command")
    telling.daemon.kill()
    telling.start()
    watch_lines("QA12349: from=<relay@contoso.com>, size=1", refusal("QA12349", BLOCKED),
                "QB12345: from=<s@contoso.com>, size=1", refusal("QB12345", BLOCKED))
    wait_until(lambda: len(telling.told()) == 2, "the second account")
    (words, first), (_, second) = telling.told()
    assert words == ["a b", "$(id)"]
    assert set(first) - {"LC_CTYPE"} == {
        "PATH", "LANG", "POSTOAK_STATE", "POSTOAK_CODE", "POSTOAK_TEXT", "POSTOAK_ACCOUNT"}
    assert [first["POSTOAK_" + n] for n in ("STATE", "CODE", "ACCOUNT")] == [
        "refused", "full", "relay@contoso.com"]
    assert "the quota is used up of relay@contoso.com" in first["POSTOAK_TEXT"]
    assert FULL[:60] in first["POSTOAK_TEXT"]
    assert [second["POSTOAK_" + n] for n in ("CODE", "ACCOUNT")] == ["blocked", "b@contoso.com"]
    # The administrator has it forgotten: the next one is another mark.
    telling.control({"version": 1, "verb": "limits", "reset": True, "account": "relay@contoso.com"})
    watch_lines("QA12350: from=<relay@contoso.com>, size=1", refusal("QA12350", BLOCKED))
    wait_until(lambda: len(telling.told()) == 3, "the next mark")


@pytest.mark.parametrize("command,words", [
    (["/nonexistent/tell"], "notify_command cannot be run: command=/nonexistent/tell reason=No such"),
    (["/bin/false"], "notify_command failed: command=/bin/false status=1"),
])
def test_a_command_that_fails_is_said(telling, watch_lines, command, words):
    telling.set_command(*command)
    daemon = watch_lines("QA12345: from=<relay@contoso.com>, size=1", refusal("QA12345", BLOCKED))
    wait_until(lambda: words in daemon.read_log(), "the failure")
    assert [a["account"] for a in telling.limits() if a["refused"]] == ["relay@contoso.com"]


def lines(*texts):
    return "".join(f"Nov 24 00:00:01 mx postfix/x[1]: {text}\n" for text in texts)


def refusal(queue_id, reply, relay="smtp.office365.com"):
    return (f"{queue_id}: to=<x@y.example>, relay={relay}[192.0.2.9]:587, dsn=5.0.0, status=bounced "
            f"(host {relay}[192.0.2.9] said: {reply} (in reply to end of DATA command))")


def test_whose_reply_it_was(serve, build, directory):
    """By queue id, else by the sender; nobody's from a server that is not
    the provider's; through rotation."""
    server = serve(account('senders = { "@a.example" }') + account('send_as = { "s@contoso.com" }', "b@contoso.com"))
    log = os.path.join(directory, "mail.log")

    def write(text, mode="a"):
        with open(log, mode, encoding="utf-8") as f:
            f.write(text)

    def refused():
        return [a["account"] for a in server.limits() if a["refused"]]
    write(lines(refusal("OLD1234", BLOCKED)), "w")
    watch = Daemon([os.path.join(build, "postoak"), "-c", server.config, "watch", log],
                   os.path.join(directory, "watch.log")).start()
    try:
        write(lines("QEVIL12: from=<relay@contoso.com>, size=1", refusal("QEVIL12", BLOCKED, "mx.evil.example")))
        wait_until(lambda: "not clear of which" in server.log(), "the reply to be told of")
        assert refused() == []
        os.rename(log, log + ".1")
        write(lines("QB12345: from=<s@contoso.com>, size=1", refusal("QB12345", BLOCKED)), "w")
        wait_until(lambda: refused() == ["b@contoso.com"], "b to be marked")
        server.send("<x@a.example>", queue_id="QA12345")
        write(lines(refusal("QA12345", FULL)), "w")
        wait_until(lambda: len(refused()) == 2, "both to be marked")
        assert server.send("<x@a.example>", queue_id="QA12346").reply.startswith(b"451 4.7.1 the provider")
    finally:
        assert watch.stop() == 0


def test_goes_on_where_it_stopped(serve, build, directory):
    """What is logged while no watch runs, or no milter, is told afterwards."""
    server = serve(account() + account('send_as = { "s@contoso.com" }', "b@contoso.com"))
    log = os.path.join(directory, "mail.log")

    def write(*texts):
        with open(log, "a", encoding="utf-8") as f:
            f.write(lines(*texts))

    def watch():
        return Daemon([os.path.join(build, "postoak"), "-c", server.config, "watch", log],
                      os.path.join(directory, "watch.log"), env={"STATE_DIRECTORY": directory}).start()

    def refused():
        return sorted(a["account"] for a in server.limits() if a["refused"])
    write("QA12345: from=<relay@contoso.com>, size=1", refusal("QA12345", BLOCKED))
    assert watch().stop() == 0
    write("QB12345: from=<s@contoso.com>, size=1", refusal("QB12345", BLOCKED))
    second = watch()
    wait_until(lambda: refused() == ["b@contoso.com"], "b to be marked")
    # The milter is away: the watch waits for it, and says so to the next one.
    server.daemon.stop()
    write("QA12346: from=<relay@contoso.com>, size=1", refusal("QA12346", FULL))
    wait_until(lambda: "postoak-milter" in second.read_log(), "the milter to be missed")
    assert second.stop() == 0
    server.start()
    third = watch()
    try:
        wait_until(lambda: refused() == ["b@contoso.com", "relay@contoso.com"], "both to be marked")
    finally:
        assert third.stop() == 0


def test_unclear_replies_are_said_once(serve, build, directory):
    server = serve(account())
    log = os.path.join(directory, "mail.log")
    with open(log, "w", encoding="utf-8"):
        pass
    watch = Daemon([os.path.join(build, "postoak"), "-c", server.config, "watch", log],
                   os.path.join(directory, "watch.log")).start()
    try:
        with open(log, "a", encoding="utf-8") as f:
            for i in range(50):
                f.write(lines(refusal(f"QX{i:05}", BLOCKED, "mx.evil.example")))
            f.write(lines("QA12345: from=<relay@contoso.com>, size=1", refusal("QA12345", BLOCKED)))
        wait_until(lambda: server.limits()[0]["refused"], "the account to be marked")
        assert server.log().count("not clear of which") == 1
    finally:
        assert watch.stop() == 0


def test_the_journal(serve, build, directory):
    """Without a file, what journalctl says."""
    server = serve(account())
    fake = os.path.join(directory, "bin")
    os.mkdir(fake)
    arguments = os.path.join(directory, "arguments")

    def run(uid, cursor):
        entries = [{"MESSAGE": f"{cursor}: from=<relay@contoso.com>, size=1", "_UID": uid},
                   {"MESSAGE": refusal(cursor, BLOCKED), "_UID": uid, "__CURSOR": f"s={cursor}"}]
        with open(os.path.join(fake, "journalctl"), "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\necho \"$@\" >{arguments}\ncat <<'EOT'\n"
                    + "".join(json.dumps(entry) + "\n" for entry in entries) + "EOT\nexec sleep 1000\n")
        os.chmod(os.path.join(fake, "journalctl"), 0o755)
        return Daemon([os.path.join(build, "postoak"), "-c", server.config, "watch"],
                      os.path.join(directory, "watch.log"),
                      env={"PATH": fake + ":/usr/bin:/bin", "STATE_DIRECTORY": directory}).start()

    def position():
        with open(os.path.join(directory, "watch.position"), encoding="ascii") as f:
            return f.read()
    # Anybody may write to the journal: some user's word is not taken.
    watch = run("33", "QJ12345")
    try:
        wait_until(lambda: "user id 33" in watch.read_log(), "the line to be doubted")
        wait_until(lambda: os.path.exists(os.path.join(directory, "watch.position")), "the position")
        assert position() == "journal s=QJ12345\n" and not server.limits()[0]["refused"]
    finally:
        assert watch.stop() == 0
    watch = run("0", "QJ12346")
    try:
        wait_until(lambda: server.limits()[0]["refused"], "the account to be marked")
        wait_until(lambda: position() == "journal s=QJ12346\n", "the position")
        with open(arguments, encoding="ascii") as f:
            assert "--no-tail" in (words := f.read()) and "--after-cursor=s=QJ12345" in words
    finally:
        assert watch.stop() == 0
