# SPDX-License-Identifier: Apache-2.0
"""The tool's login in a pseudo-terminal, and the configuration for it."""
import codecs
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
    authorization_endpoint = "{o.authorization_endpoint}"
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


# The reader ends at it.
END = "\0end of text\0"


class Terminal:
    """The tool on a terminal of its own."""

    def __init__(self, *argv, **env):
        self.ours, self._theirs = pty.openpty()
        self.text = ""
        self._process = subprocess.Popen(
            argv, stdin=self._theirs, stdout=self._theirs,
            stderr=self._theirs, start_new_session=True,
            # A shell's background job ignores it, and hands that down.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env={
                "PATH": os.environ["PATH"], "TERM": "xterm",
                "LANG": "C.UTF-8", **env})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while not self.text.endswith(END):
            self.text += decode(os.read(self.ours, 4096))

    def wait_text(self, pattern, timeout=60):
        return wait_until(lambda: re.search(pattern, self.text), pattern,
                          timeout)

    def type(self, text):
        os.write(self.ours, text.encode())

    def wait(self, timeout=60):
        """The exit code."""
        code = self._process.wait(timeout)
        if self._reader.is_alive():
            # Linux loses what is unread when the last writer closes.
            os.write(self._theirs, END.encode())
        self._reader.join(10)
        return code

    def interrupt(self):
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        os.close(self._theirs)
        os.close(self.ours)


@contextlib.contextmanager
def login(relay, *argv, **env):
    terminal = Terminal(relay.program("postoak"), "-c", relay.config, "login",
                        ACCOUNT, *argv, **env)
    try:
        yield terminal
    finally:
        terminal.close()
