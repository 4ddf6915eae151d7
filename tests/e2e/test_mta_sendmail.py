# SPDX-License-Identifier: Apache-2.0
"""postoak mta sendmail: what it prints, used as it stands by the real one."""
import os
import re
import shutil

import pytest

from relay.relay import ACCOUNT, OFFICE
from relay.sendmail import SERVER, Sendmail, unpack

EX_USAGE, EX_CONFIG = 64, 78
SECOND = ACCOUNT.replace("relay@contoso.com", "second@contoso.com")


def parts(text, directory):
    """What belongs where: {file and place: lines}."""
    found = {}
    for part in re.split(r"^# --- ", text, flags=re.M)[1:]:
        head, _, lines = part.partition("\n")
        found[head.replace(directory + "/", "")] = lines.strip() + "\n"
    return found


class Printed(Sendmail):
    """Its relay, login and filter are the printed ones, and no others."""

    def __init__(self, relay, build, server):
        super().__init__(relay, build, server)
        text = relay.postoak("mta", "sendmail", "--relay", f"{SERVER}:{server.smtp_port}",
                             "--config-directory", self.directory)
        self.parts = parts(text, self.directory)
        self.environment.pop("POSTOAK_SOCKET")

    def part(self, start):
        text, = [lines for head, lines in self.parts.items() if head.startswith(start)]
        return text

    def _mc(self):
        above = self.part("sendmail.mc, above")
        names = re.findall(r"^(?:define|FEATURE)\(`(\w+)'", above, re.M)
        base = [line for line in super()._mc().splitlines()
                if not any(line.startswith((f"define(`{n}'", f"FEATURE(`{n}'")) for n in names)]
        place = base.index("MAILER(`local')dnl")
        return "\n".join(base[:place]) + "\n" + above + "\n".join(base[place:]) + "\n" \
            + self.part("sendmail.mc, at the end")

    def write(self):
        super().write()
        for name in ("authinfo", "access"):
            os.unlink(self._path(name + ".db"))
            self._table(unpack(self.build), name, self.part(name))


@pytest.fixture
def relay(make_relay, office):
    office.set(token_bytes=1200)
    relay = make_relay(start=False)
    # What sendmail can see is the relay's directory.
    ca_file = os.path.join(relay.directory, "ca.pem")
    shutil.copyfile(office.ca_file, ca_file)
    relay.office_text = OFFICE.replace('"localhost"', f'"{SERVER}"').replace("{ca_file}", ca_file)
    relay.write_config(office=relay.office_text)
    relay.tokend.start()
    relay.milter.start()
    return relay


def test_a_message_with_the_printed_lines(relay, office, build):
    sendmail = Printed(relay, build, office)
    try:
        sendmail.start()
        queue_id = sendmail.send()
        message, = office.wait_messages(1, 60)
        assert message.mail_from == message.auth_user == "relay@contoso.com"
        assert message.auth_mechanism.upper() == "XOAUTH2"
        sendmail.wait_log(rf"{queue_id}: to=.*mailer=relay.*stat=Sent")
        assert re.search(r"STARTTLS=client, relay=.*verify=OK", sendmail.log())
    finally:
        sendmail.stop()


def test_what_it_cannot_do(relay):
    text = relay.postoak("mta", "sendmail")
    assert "8.18.2" in text and "#EPOSTOAK_LONG_LINES=1" in text

    def refused(rc, *argv):
        out = relay.postoak("mta", "sendmail", *argv, check=False)
        assert out.returncode == rc, out.stdout + out.stderr
        return " ".join(out.stderr.split())
    assert "printed only" in refused(EX_USAGE, "--apply")
    assert "STARTTLS" in refused(EX_CONFIG, "--relay", "localhost:465")
    relay.write_config(accounts=ACCOUNT + SECOND, office=relay.office_text)
    assert "as one user" in refused(EX_CONFIG)
    assert "second@contoso.com" in relay.postoak("mta", "sendmail", "second@contoso.com")
