# SPDX-License-Identifier: Apache-2.0
"""A milter in a directory of its own, with a configuration made for a test."""
import json
import os
import re
import socket

from milter_client import Milter
from relay.process import Daemon

BASE = """
tokend {{
    listen  = {{ "{directory}/tokend.sock" }}
    control = "{directory}/tokend-control.sock"
    store   = "{directory}"
}}
milter {{
    listen    = "{listen}"
    control   = "{directory}/control.sock"
    counters  = "{counters}"
    counters_local = "{directory}/counters"
    {more}
    unmatched = "{unmatched}"
}}
application "contoso" {{
    provider           = "office365"
    tenant_id          = "11111111-2222-3333-4444-555555555555"
    client_id          = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "contoso.client"
}}
"""

ACCOUNT = """
account "{name}" {{
    application   = "contoso"
    grant         = "password"
    user          = "relay@contoso.com"
    password_file = "relay.password"
    {more}
}}
"""

OWN = "relay@contoso.com"
UNLIMITED = 'limits = { "1000000 messages / 1m" }'


DOMAIN = """
account "@fabrikam.com" {{
    application   = "contoso"
    grant         = "client_credentials"
    {more}
}}
"""


def account(more="", name=OWN):
    if "limits" not in more:
        more += "\n" + UNLIMITED
    return ACCOUNT.format(name=name, more=more)


class Server:
    """A milter in a directory of its own."""

    def __init__(self, directory, build, accounts, unmatched="pass",
                 listen=None, counters=None, more=""):
        self.directory = directory
        self.counters = counters or f"lmdb:{directory}/counters"
        self.more = more  # of the section milter
        self.socket = os.path.join(directory, "milter.sock")
        self.listen = listen or f"unix:{self.socket}"
        self.config = os.path.join(directory, "postoak.conf")
        os.makedirs(os.path.join(directory, "counters"), mode=0o700,
                    exist_ok=True)
        self.write(accounts, unmatched)
        self.program = os.path.join(build, "postoak-milter")
        self.daemon = Daemon([self.program, "-f", "-c", self.config],
                             os.path.join(directory, "milter.log"))

    def write(self, accounts, unmatched="pass"):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(BASE.format(directory=self.directory, listen=self.listen,
                                counters=self.counters, more=self.more,
                                unmatched=unmatched) + accounts)

    def start(self):
        self.daemon.start()
        return self

    def client(self, **options):
        milter = Milter(self.socket, **options)
        milter.connect()
        return milter

    def send(self, sender=f"<{OWN}>", recipients=("a@example.net",),
             headers=(("From", OWN),), **options):
        with self.client() as client:
            return client.send(sender, recipients, headers, **options)

    def control(self, *requests):
        """Ask the control socket; the answers."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(os.path.join(self.directory, "control.sock"))
            lines = s.makefile("rwb")
            for request in requests:
                lines.write(request if isinstance(request, bytes)
                            else json.dumps(request).encode() + b"\n")
            lines.flush()
            return [json.loads(lines.readline()) for _ in requests]

    def limits(self, name=None):
        request = {"version": 1, "verb": "limits"}
        if name:
            request["account"] = name
        answer, = self.control(request)
        assert answer["status"] == "ok", answer
        return answer["accounts"]

    def log(self):
        return self.daemon.read_log()


def promise(result, allowed=(OWN,)):
    """One From with one allowed address, an allowed envelope sender."""
    assert result.action == "continue", result.reply
    value, = result.fields("From")
    found = re.search(rb"<([^<>]*)>\s*$", value) or re.match(rb"\s*(\S+)\s*$", value)
    assert found.group(1).decode() in allowed, value
    if result.sender is not None:
        assert result.sender.strip(b"<>").decode() in allowed
