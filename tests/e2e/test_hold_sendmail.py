# SPDX-License-Identifier: Apache-2.0
"""on_limit = hold and postoak release with the real sendmail: its quarantine."""
import json
import os
import re
import subprocess

import pytest

from relay import wait_until
from relay.clock import Clock
from relay.process import Daemon
from relay.relay import ACCOUNT, OFFICE
from relay.sendmail import SERVER, Sendmail, children

LIMITED = re.sub(r"limits .*", 'limits = { "1 messages / 1h" }\n    on_limit = { "hold" }', ACCOUNT)


class Quarantine(Sendmail):
    def inside(self, *argv):
        """Run a program where this sendmail runs."""
        pid, = children(self._child.pid)
        return subprocess.run(
            ["nsenter", "-t", str(pid), "-m", "-r", "-u", "-p", *argv], timeout=60,
            capture_output=True, text=True, check=False,
            env={"PATH": f"{self.directory}:/usr/sbin:/usr/bin:/sbin:/bin"})

    def release(self, *flags):
        out = self.inside(self.relay.program("postoak"), "-c", self.relay.config,
                          "release", *flags, "sendmail", self.config)
        assert out.returncode == 0, out.stderr
        return out.stdout

    def quarantined(self):
        return {name[2:] for name in os.listdir(self.queue_path) if name.startswith("hf")}


@pytest.fixture
def sendmail(make_relay, office, build):
    office.set(token_bytes=1200)
    relay = make_relay(start=False)
    clock = Clock(relay.directory)
    relay.milter.env.update(clock.environment)
    relay.write_config(accounts=LIMITED, office=OFFICE.replace('"localhost"', f'"{SERVER}"'))
    relay.tokend.start()
    relay.milter.start()
    server = Quarantine(relay, build, office, milter=os.path.join(
        relay.directory, "spool/run/postoak-milter/milter.sock"))
    server.clock = clock
    server.start()
    yield server
    server.stop()


def used(relay):
    answer = json.loads(relay.postoak("limits", "--json"))
    return answer["accounts"][0]["limits"][0]["used"]


def test_held_and_released(sendmail, office):
    assert sendmail.release() == ""
    ids = [sendmail.send(subject=f"m{i}") for i in range(4)]
    wait_until(lambda: sendmail.quarantined() == set(ids[1:]), "three in quarantine")
    office.wait_messages(1, 30)
    assert sendmail.release() == ""
    # An administrator gives one a reason of his own, and deletes another.
    out = sendmail.inside("sendmail", "-C", sendmail.config, "-qQ", "-Qmine", f"-qI{ids[3]}")
    assert out.returncode == 0, out.stderr
    sendmail.clock.forward(3700)
    assert sendmail.release("--dry-run").split()[0] == ids[1]
    assert sendmail.release() == "released 1 message\n"
    messages = office.wait_messages(2, 30)
    assert [m.header("Subject") for m in messages] == [["m0"], ["m1"]]
    assert messages[1].mail_from == "relay@contoso.com"
    assert used(sendmail.relay) == 1
    assert sendmail.quarantined() == set(ids[2:])
    for name in os.listdir(sendmail.queue_path):
        if name.endswith(ids[2]):
            os.unlink(os.path.join(sendmail.queue_path, name))
    sendmail.clock.forward(3700)
    assert sendmail.release() == ""
    assert used(sendmail.relay) == 0
    assert sendmail.quarantined() == {ids[3]}


def test_watch_reads_its_log(sendmail, office):
    relay = sendmail.relay
    watch = Daemon([relay.program("postoak"), "-c", relay.config, "watch", sendmail.log_path],
                   os.path.join(relay.directory, "log", "watch.log")).start()
    try:
        office.set(message_reply="550 5.2.252 Sender throttled due to continuous send as denied errors.", once=1)
        sendmail.release()
        sendmail.send(subject="refused")
        wait_until(lambda: "blocks the mailbox" in relay.milter.read_log(), "the account to be marked")
        held = sendmail.send(subject="tries")
        wait_until(lambda: sendmail.quarantined() == {held}, "it in quarantine")
        sendmail.clock.forward(3700)
        assert sendmail.release() == "released 1 message\n"
        wait_until(lambda: "sends again" in relay.milter.read_log(), "the mark to go")
    finally:
        watch.stop()
