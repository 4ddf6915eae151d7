# SPDX-License-Identifier: Apache-2.0
"""A whole relay that "postoak check" looks at, and that is put right again
after each planted fault."""
import json
import os
import subprocess
import types

from .printed import start_with_printed_settings

FILES = ("main.cf", "master.cf")
EX_OK, EX_CONFIG = 0, 78


def no_office(directory):
    """What a relay has to know of a provider that nobody asks."""
    ca_file = os.path.join(directory, "ca.pem")
    with open(ca_file, "w", encoding="ascii") as f:
        f.write("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    return types.SimpleNamespace(
        host="localhost", smtp_port=587, ca_file=ca_file,
        tenant="11111111-2222-3333-4444-555555555555",
        client_id="66666666-7777-8888-9999-000000000000",
        client_secret="a-secret", password="a-password",
        token_endpoint="https://127.0.0.1/token")


class Checked:
    """relay: prepared, not started; its Postfix has what the tool prints."""

    def __init__(self, relay):
        self.relay, self.postfix = relay, relay.postfix
        # "localhost" may have an IPv6 address, where nobody listens.
        self.config(lambda text: text.replace("//localhost:", "//127.0.0.1:"))
        start_with_printed_settings(relay)
        relay.postfix.command("postconf", "inet_protocols=ipv4")
        self._kept = {name: self.read(name) for name in FILES}
        with open(relay.config, encoding="utf-8") as f:
            self._config = f.read()

    def path(self, name):
        return os.path.join(self.postfix.config, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def restore(self):
        for name, text in self._kept.items():
            with open(self.path(name), "w", encoding="utf-8") as f:
                f.write(text)
        self.config(lambda _: self._config)

    def config(self, change):
        """Change the configuration's text; the daemons are not told."""
        with open(self.relay.config, "r+", encoding="utf-8") as f:
            text = change(f.read())
            f.seek(0)
            f.truncate()
            f.write(text)

    def _cool_down(self):
        """Postfix waits until a file has not changed for a second."""
        for name in FILES:
            before = os.stat(self.path(name)).st_mtime - 10
            os.utime(self.path(name), (before, before))

    def main(self, *settings):
        """Change main.cf: "name=value"."""
        self._cool_down()
        self.postfix.command("postconf", *settings)

    def option(self, name, value):
        """Change an -o of the account's transport."""
        self._cool_down()
        self.postfix.command("postconf", "-P",
                             f"postoak_relay/unix/{name}={value}")

    @staticmethod
    def run_remedy(text):
        """The command of a remedy, as an administrator pastes it."""
        out = subprocess.run(["sh", "-c", text], capture_output=True, text=True,
                             timeout=60)
        assert out.returncode == 0, out.stderr

    def check(self, area, *more, env=None, user=None, config=None,
              directory=None):
        """The findings of an area, by "postoak check --json"."""
        self._cool_down()
        out = subprocess.run(
            [self.relay.program("postoak"), "-c", config or self.relay.config,
             "check",
             "--json", "--area", area, "--config-directory",
             directory or self.postfix.config, *more],
            capture_output=True, text=True, timeout=130, user=user, group=user,
            extra_groups=[] if user is not None else None,
            env={**{name: value for name, value in os.environ.items()
                    if not name.lower().endswith("_proxy")}, **(env or {})})
        answer = json.loads(out.stdout)
        assert answer["version"] == 1 and out.stderr == ""
        bad = answer["FAIL"] > 0
        assert out.returncode == (EX_CONFIG if bad else EX_OK)
        assert all(f["area"] == area for f in answer["findings"])
        return answer["findings"]

    def troubles(self, area, *more, **how):
        """{id: finding} of those that are warn or FAIL."""
        found = [f for f in self.check(area, *more, **how)
                 if f["verdict"] in ("warn", "FAIL")]
        assert all(f["remedy"] for f in found)
        return {f["id"]: f for f in found}
