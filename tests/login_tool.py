# SPDX-License-Identifier: Apache-2.0
"""The tool's login in a pseudo-terminal, and the configuration for it."""
import contextlib
import os
import pty
import re
import signal
import subprocess
import threading

from relay import wait_until

APPLICATION = """
application "person" {{
    provider           = "custom"
    tenant_id          = "{o.tenant}"
    client_id          = "{o.client_id}"
    {secret}
    token_endpoint     = "{o.token_endpoint}"
    device_authorization_endpoint = "{o.device_endpoint}"
    scope              = "{scope}"
    hosts              = {{ "localhost" }}
    ca_file            = "{o.ca_file}"
}}
account "relay@contoso.com" {{
    application = "person"
    grant       = "{grant}"
}}
"""
SECRET = 'client_secret_file = "secrets/contoso.client"'
SCOPE = ("https://outlook.office.com/SMTP.Send "
         "https://outlook.office.com/IMAP.AccessAsUser.All offline_access")
ACCOUNT = "relay@contoso.com"


def accounts(office, grant, secret=SECRET, scope=SCOPE):
    return APPLICATION.format(o=office, grant=grant, secret=secret,
                              scope=scope)


class Terminal:
    """The tool on a terminal of its own."""

    def __init__(self, *argv, **env):
        self.ours, theirs = pty.openpty()
        self.text = ""
        self._process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, env={
                "PATH": os.environ["PATH"], "TERM": "xterm",
                "LANG": "C.UTF-8", **env})
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        # Linux: EIO when the other side is closed.
        with contextlib.suppress(OSError):
            while chunk := os.read(self.ours, 4096):
                self.text += chunk.decode(errors="replace")

    def wait_text(self, pattern, timeout=30):
        return wait_until(lambda: re.search(pattern, self.text), pattern,
                          timeout)

    def type(self, text):
        os.write(self.ours, text.encode())

    def wait(self, timeout=60):
        """The exit code."""
        code = self._process.wait(timeout)
        self._reader.join(10)
        return code

    def interrupt(self):
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)
        os.close(self.ours)


@contextlib.contextmanager
def login(relay, *argv, **env):
    terminal = Terminal(relay.program("postoak"), "-c", relay.config, "login",
                        ACCOUNT, *argv, **env)
    try:
        yield terminal
    finally:
        terminal.close()
