# SPDX-License-Identifier: Apache-2.0
"""postoak check against the stand-in: an account that is sound, into which a
test plants one fault, and what the doctor found."""
import contextlib
import json
import os
import shutil
import subprocess

from relay.tokend import ACCOUNT, Tokend

SEND = "https://outlook.office.com/SMTP.Send offline_access"

CONFIG = """
tokend {{
    listen        = {{ "{d}/tokend.sock" }}
    control       = "{d}/control.sock"
    allow_users   = {{ "root" }}
    store         = "{store}"
    seal_key_file = "{d}/secrets/seal.key"
}}
application "contoso" {{
{application}
}}
account "{account}" {{
{settings}
}}
"""


class Checkup(Tokend):
    """A tokend of its own with one account, and the tool beside it."""

    def __init__(self, directory, build, office, application=None,
                 settings=None, account=ACCOUNT):
        self.tool = os.path.join(build, "postoak")
        self.account = account
        self.application = {
            "provider": "office365",
            "tenant_id": office.tenant,
            "client_id": office.client_id,
            "client_secret_file": "secrets/client",
            "client_secret_expires": "2099-12-31",
            "token_endpoint": office.token_endpoint,
            "scope": SEND,
            "hosts": ["localhost"],
            "smtp_server": f"localhost:{office.smtp_port}",
            "ca_file": office.ca_file,
            **(application or {})}
        self.settings = {"application": "contoso", "grant": "password",
                         "password_file": "secrets/password",
                         **(settings or {})}
        super().__init__(directory, build, office, root=True)

    def write_config(self, extra="", **_ignored):
        def lines(options):
            return "\n".join(
                f"    {name} = " + (json.dumps(value) if isinstance(value, str)
                                    else "{ %s }" % json.dumps(value)[1:-1])
                for name, value in options.items() if value is not None)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(
                d=self.directory, store=self.store, account=self.account,
                application=lines(self.application),
                settings=lines(self.settings)) + extra)

    def run(self, *argv, env=None, account=None):
        """The finished process."""
        return subprocess.run(
            [self.tool, "-c", self.config, "check", *argv,
             account or self.account],
            capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})})

    def find(self, *argv, **more):
        """What is found, {id: finding}; the worst one of an id counts."""
        out = self.run("--json", *argv, **more)
        assert out.stdout, out.stderr
        found = {}
        order = ("ok", "note", "warn", "FAIL")
        for one in json.loads(out.stdout)["findings"]:
            known = found.get(one["id"])
            if known is None or (order.index(one["verdict"]) >
                                 order.index(known["verdict"])):
                found[one["id"]] = one
        for one in found.values():
            assert one["verdict"] in ("ok", "note") or one["remedy"], one
        failed = any(f["verdict"] == "FAIL" for f in found.values())
        assert out.returncode == (78 if failed else 0), out.stderr
        return found


def failed(found):
    return {name for name, one in found.items() if one["verdict"] == "FAIL"}


def warned(found):
    return {name for name, one in found.items() if one["verdict"] == "warn"}


def said(one):
    """What was seen, and the remedy, as one line."""
    return " ".join(f"{one['seen']} -> {one['remedy'] or ''}".split())


@contextlib.contextmanager
def checkup(directory, build, office, **more):
    """A started Checkup in a directory that goes away with it."""
    path = os.path.join(directory, "checkup")
    doctor = Checkup(path, build, office, **more)
    try:
        yield doctor.start()
    finally:
        doctor.stop()
        shutil.rmtree(path, ignore_errors=True)
