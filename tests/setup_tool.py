# SPDX-License-Identifier: Apache-2.0
"""postoak setup as tests use it: the values, somebody who answers, the files
that come of it."""
import os
import re
import shlex

from login_tool import Terminal

ACCOUNT = "relay@contoso.com"
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SECRET = "abc8Q~Def_-.0123456789~abcdefghijklmnopq"
HOST = f"https://login.microsoftonline.com/{TENANT}/oauth2/"
VALUES = {
    "Modern Auth Client Secret": SECRET,
    "Modern Auth Client ID": CLIENT,
    "Modern Auth Tenant ID": TENANT,
    "Modern Auth Authorization Endpoint": HOST + "v2.0/authorize",
    "Modern Auth Token Endpoint": HOST + "v2.0/token",
    "From Account": ACCOUNT,
    "User": ACCOUNT,
    "Password": "correct horse",
}
# An application with the stand-in's addresses, as somebody wrote it.
STAND_IN = """# ours, not Microsoft's
application "contoso" {{
    provider       = "office365"   # overridden below
    tenant_id      = "{o.tenant}"
    client_id      = "{o.client_id}"
    client_secret_file = "secrets/contoso.client"
    authorization_endpoint = "{o.authorization_endpoint}"
    token_endpoint = "{o.token_endpoint}"
    device_authorization_endpoint = "{o.device_endpoint}"
    hosts          = {{ "localhost" }}
    ca_file        = "{o.ca_file}"
}}
account "other@contoso.com" {{
    application   = "contoso"
    grant         = "client_credentials"
    logins        = {{ "other" }}
}}
"""
# What somebody keeps by hand.
WRITTEN = f"""# The relay of building 7. Call 1234 before a change.
tokend {{
    allow_users = {{ "postfix", "root" }} # and nobody else
}}
application "contoso" {{
    provider           = "office365"
    tenant_id          = "{TENANT}"  # contoso.com
    client_id          = "{CLIENT}"
    client_secret_file = "secrets/old"
    # renewed each October by Anna
    client_secret_expires = "2040-10-31"
}}
/* the ERP */
account "{ACCOUNT}" {{
    application = "contoso"
    grant       = "client_credentials"
    limits      = {{ "20 messages / 1m" }}
}}
"""


def mail(values, form="> {}: {}\r\n"):
    return "".join(form.format(*item) for item in values.items())


class Dialogue:
    """Somebody who answers what the tool asks."""

    def __init__(self, program, config, *argv, script=None):
        command = [program, "-c", config, "setup", *argv]
        if script:  # as script(1) records it into that file
            command = ["/usr/bin/script", "--quiet", "--return", "--command",
                       shlex.join(command), script]
        self.terminal = Terminal(*command)
        self._seen = 0

    def answer(self, question, text=""):
        """Wait for the question, then type; what was shown before it."""
        pattern = re.compile(re.escape(question) + r"[^\n]*: $")
        place = self._seen
        self.terminal.wait_text(
            f"(?s)^.{{{place}}}.*{pattern.pattern}")
        shown = self.terminal.text[place:]
        self._seen = len(self.terminal.text)
        self.terminal.type(text + "\n")
        return " ".join(shown.split())

    def choose(self, question, words):
        """The choice whose line has these words."""
        pattern = re.compile(re.escape(question) + r" \[\d+\]: $")
        place = self._seen
        self.terminal.wait_text(f"(?s)^.{{{place}}}.*{pattern.pattern}")
        shown = self.terminal.text[place:]
        number, = re.findall(
            rf"(?m)^ +(\d+)  [^\n]*{re.escape(words)}", shown)
        return self.answer(question, number)

    def wait(self):
        return self.terminal.wait()

    @property
    def text(self):
        return " ".join(self.terminal.text.split())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.terminal.close()


def read(place, name="postoak.conf"):
    with open(os.path.join(place, name), encoding="utf-8") as f:
        return f.read()


def write(place, text):
    with open(os.path.join(place, "postoak.conf"), "w",
              encoding="utf-8") as f:
        f.write(text)


def files(place):
    return sorted(name for name in os.listdir(place)
                  if name != "handover.txt")


def sentences(out):
    return " ".join(out.split())
