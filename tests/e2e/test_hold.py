# SPDX-License-Identifier: Apache-2.0
"""on_limit = hold and postoak release, with a real Postfix: its hold queue,
its postqueue and postsuper."""
import json
import os
import re
import signal
import smtplib
import subprocess

import pytest

from relay import Postfix, Relay, wait_until
from relay.clock import Clock

APPLICATION = """
application "contoso" {
    provider           = "office365"
    tenant_id          = "11111111-2222-3333-4444-555555555555"
    client_id          = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "secrets/contoso.client"
}
"""


def account(name, limits='"2 messages / 1h"', on_limit='"hold", "tempfail"'):
    return f"""
account "{name}@contoso.com" {{
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/relay.password"
    senders       = {{ "{name}@contoso.com" }}
    limits        = {{ {limits} }}
    on_limit      = {{ {on_limit} }}
}}
"""


class Holding(Relay):
    """A Postfix that throws away what it sends, and our milter before it."""

    def __init__(self, directory, build, accounts, clock):
        super().__init__(directory, build, config=APPLICATION + accounts)
        self.clock = clock
        self.milter.env.update(clock.environment)

    def set_accounts(self, accounts):
        self.config_text = APPLICATION + accounts
        self.write_config()
        self.milter.reload()

    def start(self):
        self.prepare()
        self.write_secret("contoso.client", "x")
        self.write_secret("relay.password", "x")
        settings = self.postfix.settings
        for name in [n for n in settings if n.startswith("smtp_sasl") or n == "relayhost"]:
            del settings[name]
        settings["default_transport"] = "discard"
        # Reused ids are of no concern here; long ones are told apart easily.
        settings["enable_long_queue_ids"] = "yes"
        # As a Postfix has it: nobody waits for the queue manager's next look.
        del settings["queue_run_delay"]
        self.milter.start()
        self.postfix.start()
        return self

    def message(self, name="a", to=("x@example.net",)):
        return self.send(f"{name}@contoso.com", to=to, subject="n")

    def release(self, *arguments, check=True, path=None):
        out = subprocess.run(
            [self.program("postoak"), "-c", self.config, "release",
             "postfix", *arguments, self.postfix.config],
            capture_output=True, text=True, timeout=60,
            env={"PATH": (path + ":" if path else "") + "/usr/sbin:/usr/bin:/sbin:/bin"})
        if check:
            assert out.returncode == 0, out.stderr
            return out.stdout
        return out

    def on_hold(self):
        return {e["queue_id"] for e in self.postfix.queue() if e["queue_name"] == "hold"}

    def deferred(self):
        """Those that were tried and wait for the next time."""
        return {e["queue_id"] for e in self.postfix.queue() if e["queue_name"] == "deferred"
                and any(r.get("delay_reason") for r in e["recipients"])}

    def sent(self):
        """Queue ids in the order in which they were sent."""
        return re.findall(r"discard\[\d+\]: (\w+): .*status=sent", self.postfix.log())

    def wait_sent(self, *ids):
        wait_until(lambda: set(ids) <= set(self.sent()), f"{ids} sent")

    def used(self, name="a"):
        answer = json.loads(self.postoak("limits", "--json"))
        entry, = [e for e in answer["accounts"] if e["account"] == f"{name}@contoso.com"]
        return entry["limits"][0]["used"]


@pytest.fixture
def hold(directory, build):
    started = []

    def make(accounts=account("a")):
        path = os.path.join(directory, f"h{len(started)}")
        os.mkdir(path)
        relay = Holding(path, build, accounts, Clock(path))
        started.append(relay)
        relay.start()
        return relay
    yield make
    for relay in started:
        relay.stop()


def test_held_and_released_oldest_first(hold):
    relay = hold()
    assert relay.release() == ""
    ids = [relay.message() for _ in range(6)]
    relay.wait_sent(*ids[:2])
    assert relay.on_hold() == set(ids[2:])
    assert f"{ids[2]}: held: account=a@contoso.com" in relay.milter.read_log()
    # Nothing goes while there is no budget, and none is taken.
    assert relay.release() == "" and relay.used() == 2
    relay.clock.forward(3500)
    relay.release()
    relay.clock.forward(200)
    # There is room, but a new one does not overtake those that wait.
    late = relay.message()
    assert late in relay.on_hold()
    out = relay.release("--dry-run").split()
    assert out[:2] == ids[2:4] and relay.used() == 0
    assert relay.release() == "released 2 messages\n"
    relay.wait_sent(*ids[2:4])
    assert relay.used() == 2 and relay.on_hold() == {*ids[4:], late}
    # Postfix shows a released message to no milter again.
    assert relay.milter.read_log().count(f"{ids[2]}: ") == 2
    relay.clock.forward(3700)
    relay.release()
    relay.wait_sent(*ids)
    relay.clock.forward(3700)
    relay.release()
    relay.wait_sent(late)
    assert not relay.on_hold() and relay.used() == 1


def test_accounts_take_turns(hold):
    tenant = '"tenant 3 messages / 1h"'
    relay = hold(account("a", tenant) + account("b", tenant))
    relay.release()
    for _ in range(3):
        relay.message("a")
    a = [relay.message("a") for _ in range(4)]
    b = [relay.message("b") for _ in range(3)]
    relay.clock.forward(3700)
    relay.release()
    relay.wait_sent(a[0], b[0], a[1])
    assert relay.on_hold() == {a[2], a[3], b[1], b[2]}
    # The next run goes on where this one ended: it is b's turn.
    relay.clock.forward(3700)
    assert relay.release() == "released 3 messages\n"
    relay.wait_sent(b[1], a[2], b[2])
    assert relay.on_hold() == {a[3]}


def test_without_a_release_the_next_action_applies(hold):
    relay = hold(account("a", '"1 messages / 1h"'))
    relay.message()
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        relay.message()
    assert refused.value.smtp_code == 451
    relay.release()
    held = relay.message()
    assert held in relay.on_hold()
    # A restarted milter knows that one ran; five minutes later it is old.
    relay.milter.kill()
    relay.milter.start()
    assert relay.message() in relay.on_hold()
    relay.clock.forward(301)
    with pytest.raises(smtplib.SMTPResponseException):
        relay.message()
    # A run that could not release is none.
    relay.clock.forward(3700)
    assert relay.release(path=fake(relay, "postsuper", "exit 1"), check=False).returncode == 75
    with pytest.raises(smtplib.SMTPResponseException):
        relay.message()


def test_an_administrators_messages_are_his(hold):
    relay = hold()
    relay.release()
    ids = [relay.message() for _ in range(6)]
    relay.wait_sent(*ids[:2])
    relay.postfix.command("postsuper", "-d", ids[2])
    relay.postfix.set(default_transport="retry:down")
    relay.postfix.reload()
    relay.postfix.command("postsuper", "-H", ids[3])
    relay.clock.forward(3700)
    # What is gone costs nothing and holds nobody up.
    assert relay.release() == "released 2 messages\n"
    assert relay.used() == 2 and not relay.on_hold()
    # Tried and put off: postsuper overlooks what is on its way between queues.
    wait_until(lambda: ids[4] in relay.deferred(), "it to be put off")
    relay.postfix.command("postsuper", "-h", ids[4])
    relay.clock.forward(7200)
    assert relay.release() == "" and relay.on_hold() == {ids[4]}


def fake(relay, name, script):
    """A directory with a program that stands before the real one."""
    path = os.path.join(relay.directory, "fake-" + name)
    os.makedirs(path, exist_ok=True)
    program = os.path.join(path, name)
    with open(program, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\n{script}\n")
    os.chmod(program, 0o755)
    return path


@pytest.mark.parametrize("name,script", [
    ("postqueue", "kill -9 $PPID; exec /usr/sbin/postqueue \"$@\""),
    ("postsuper", "kill -9 $PPID"),
    ("postsuper", "/usr/sbin/postsuper \"$@\"; kill -9 $PPID"),
    ("postsuper", "/usr/bin/head -n 1 | /usr/sbin/postsuper \"$@\"; kill -9 $PPID"),
])
def test_a_release_that_dies(hold, name, script):
    """At the look into the queue; counted, but not let go; let go, but not
    yet told so; one of two let go. (The queue manager finds those by itself.)"""
    relay = hold()
    relay.postfix.set(queue_run_delay="1s")
    relay.postfix.reload()
    relay.release()
    ids = [relay.message() for _ in range(6)]
    relay.clock.forward(3700)
    path = fake(relay, name, script)
    for _ in range(2 if script.startswith("kill") else 1):
        assert relay.release(path=path, check=False).returncode == -signal.SIGKILL
    if script.startswith("/usr"):
        relay.wait_sent(*ids[2:3 if "head" in script else 4])
    relay.release()
    relay.wait_sent(*ids[:4])
    assert relay.used() == 2 and relay.on_hold() == set(ids[4:])
    relay.clock.forward(3700)
    relay.release()
    relay.wait_sent(*ids)
    assert relay.used() == 2


def test_one_call_and_no_waiting(hold):
    """Each command once, whatever the number of messages; and the queue manager
    is told, as it would look five minutes later only."""
    relay = hold()
    relay.release()
    ids = [relay.message() for _ in range(4)]
    relay.clock.forward(3700)
    calls = os.path.join(relay.directory, "calls")
    paths = [fake(relay, name, f'echo {name} "$@" >>{calls}\n'
                  f'tee -a {calls} | /usr/sbin/{name} "$@"')
             for name in ("postqueue", "postsuper", "postkick")]
    assert relay.release(path=":".join(paths)) == "released 2 messages\n"
    relay.wait_sent(*ids)
    with open(calls, encoding="ascii") as f:
        assert f.read().splitlines() == [
            f"postqueue -c {relay.postfix.config} -j", f"postsuper -c {relay.postfix.config} -H -", *ids[2:],
            f"postkick -c {relay.postfix.config} public qmgr D"]


def test_limits_shows_it_and_forgets(hold):
    relay = hold(account("a", '"1 messages / 1h", "login 5 messages / 1h", "tenant 9 messages / 1h"'))
    assert "nothing is held" in " ".join(relay.postoak("limits").split())
    relay.release()
    for _ in range(3):
        relay.message()
    out = relay.postoak("limits")
    assert all(len(line) <= 80 for line in out.splitlines()), out
    assert re.search(r"1 messages / 1h +#{20} 1 of 1 this hour\n +next slot free in ", out), out
    assert "each login by itself" in out and "1 of 9" in out
    assert re.search(r"2 held, the oldest (now|.* ago), the next goes in ", out), out
    relay.postoak("limits", "a@contoso.com", "--reset")
    used = [line["used"] for line in json.loads(relay.postoak("limits", "--json"))["accounts"][0]["limits"]]
    assert used == [0, None, 1]
    relay.postoak("limits", "--reset")
    assert "0 of 9" in relay.postoak("limits")
    assert relay.release() == "released 1 message\n"


def test_a_milter_that_dies(hold):
    relay = hold()
    relay.release()
    ids = [relay.message() for _ in range(4)]
    relay.milter.kill()
    out = relay.release(check=False)
    assert out.returncode == 69 and "postoak-milter does not answer" in out.stderr
    relay.milter.start()
    relay.clock.forward(3700)
    relay.release()
    relay.wait_sent(*ids)
    assert relay.used() == 2


def test_local_mail_is_held_too(hold):
    relay = hold(account("a", '"1 messages / 1h"'))
    relay.release()
    for _ in range(2):
        relay.sendmail("a@contoso.com", "x@example.net", b"From: a@contoso.com\n\nx\n")
    held, = wait_until(relay.on_hold, "a message on hold")
    relay.clock.forward(3700)
    relay.release()
    relay.wait_sent(held)


def test_several_queues(hold, directory):
    """What is in one of them is not taken for deleted."""
    relay = hold(account("a", '"1 messages / 1h"'))
    second = os.path.join(directory, "second")
    os.mkdir(second)
    other = Postfix(second, {"queue_directory": os.path.join(second, "spool")})
    other.write()
    other.command("postfix", "check")
    relay.release(other.config)
    ids = [relay.message() for _ in range(2)]
    relay.clock.forward(3700)
    assert relay.release(other.config) == "released 1 message\n"
    relay.wait_sent(*ids)


def test_with_the_rights_of_its_unit(hold):
    """postqueue and postsuper with what the service leaves of root."""
    relay = hold(account("a", '"1 messages / 1h"'))
    unit = os.path.join(os.path.dirname(__file__), "../../contrib/systemd/postoak-release.service")
    with open(unit, encoding="utf-8") as f:
        given, = re.findall(r"^CapabilityBoundingSet=(.*)$", f.read(), re.M)
    rights = ",".join(["-all"] + ["+" + c[4:].lower() for c in given.split()])
    path = fake(relay, "postoak", f'exec setpriv --no-new-privs --bounding-set {rights} '
                f'--inh-caps -all {relay.program("postoak")} "$@"')
    run = [os.path.join(path, "postoak"), "-c", relay.config, "release", "postfix", relay.postfix.config]
    assert subprocess.run(run, timeout=60, check=True, capture_output=True).stdout == b""
    ids = [relay.message() for _ in range(2)]
    relay.clock.forward(3700)
    out = subprocess.run(run, timeout=60, capture_output=True, check=False)
    assert out.stdout == b"released 1 message\n", out.stderr
    relay.wait_sent(*ids)
