# SPDX-License-Identifier: Apache-2.0
"""A private directory with a token endpoint, a tokend and what asks it."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

from relay.process import Daemon, wait_until
from relay.tokend import block

from bench.meter import Meter

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
TOKEN_BYTES = 5000
LIFE_S = 4000

CONFIG = """
tokend {{
    listen        = {{ "{d}/tokend.sock" }}
    control       = "{d}/control.sock"
    allow_users   = {{ "{user}" }}
    store         = "{d}/tokens"
    seal_key_file = "{d}/seal.key"
}}
"""
APPLICATION = """
application "{name}" {{
    provider           = "custom"
    tenant_id          = "{tenant}"
    client_id          = "{client}"
    client_secret_file = "{d}/secret"
    token_endpoint     = "http://127.0.0.1:{port}/{path}"
    authorization_endpoint = "http://127.0.0.1:{port}/authorize"
    scope              = "https://outlook.office.com/SMTP.Send offline_access"
    app_scope          = "https://outlook.office365.com/.default"
    hosts              = {{ "localhost" }}
}}
"""


def account(name, application="token", grant="client_credentials",
            password=None):
    option = f'password_file = "{password}" ' if password else ""
    return (f'account "{name}" {{ application = "{application}" '
            f'grant = "{grant}" {option}}}\n')


class Place:
    """Everything of one figure; gone when it is through."""

    def __init__(self, build, stack):
        self.build, self.stack = build, stack
        self.directory = tempfile.mkdtemp(prefix="postoak-bench-")
        stack.callback(shutil.rmtree, self.directory, True)
        self._names = 0

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def write(self, name, data, mode=0o600):
        path = self.path(name)
        with open(path, "wb", opener=lambda p, f: os.open(p, f, mode)) as f:
            f.write(data.encode() if isinstance(data, str) else data)
        return path

    def meter(self, program, *argv, env=None, first=False):
        meter = Meter([self.program(program), *map(str, argv)], env, first)
        self.stack.callback(meter.close)
        return meter

    def endpoint(self, token_bytes=TOKEN_BYTES, life_s=LIFE_S):
        return self.meter("endpoint", token_bytes, life_s, first=True)

    def tokend(self, endpoint, accounts, paths=("token",), start=True):
        """Accounts as account() makes them; an application for each path of
        the endpoint, named like it."""
        self._names += 1
        directory = self.path(f"tokend{self._names}")
        tokend = BenchTokend(self.build, directory)
        tokend.configure(endpoint.said["port"], accounts, paths)
        if start:
            tokend.start()
            self.stack.callback(tokend.stop)
        return tokend

    def echo(self, tokend, account_name):
        """An echo server that knows the bytes of one exchange with tokend:
        (socket, request file, answer file)."""
        request = tokend.request(account_name)
        answer = tokend.ask_raw(request)
        files = self.write("request", request), self.write("answer", answer)
        path = self.path("echo.sock")
        meter = subprocess.Popen(
            [self.program("echo_server"), path, *files],
            stdout=subprocess.PIPE)
        self.stack.callback(meter.stdout.close)
        self.stack.callback(meter.wait)
        self.stack.callback(meter.kill)
        meter.stdout.readline()
        return (path, *files)


@contextlib.contextmanager
def place(build):
    with contextlib.ExitStack() as stack:
        yield Place(build, stack)


class BenchTokend(Daemon):
    """A real postoak-tokend of the user who runs the bench."""

    def __init__(self, build, directory):
        os.mkdir(directory, 0o700)
        self.directory = directory
        self.config = os.path.join(directory, "postoak.conf")
        self.socket = os.path.join(directory, "tokend.sock")
        self.control = os.path.join(directory, "control.sock")
        super().__init__([os.path.join(build, "postoak-tokend"), "-f", "-c",
                          self.config], os.path.join(directory, "log"))

    def configure(self, port, accounts, paths):
        text = CONFIG.format(d=self.directory, user=os.getuid())
        for path in paths:
            text += APPLICATION.format(
                name=path, path=path, d=self.directory, port=port,
                tenant=TENANT, client=CLIENT)
        self.write("postoak.conf", text + "".join(accounts))
        self.write("secret", "a-secret-that-nobody-checks\n")

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)

    @staticmethod
    def request(name, wait_ms=5000):
        return block(request="token", protocol=1, account=name,
                     service="smtp", host="localhost", wait_ms=wait_ms)

    def ask_raw(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.socket)
            s.sendall(request.encode())
            answer = b""
            while not answer.endswith(b"\n\n"):
                more = s.recv(65536)
                if not more:
                    raise RuntimeError("tokend closed the connection")
                answer += more
        if not answer.startswith(b"status=ok\n"):
            raise RuntimeError(answer.decode())
        return answer

    def ask_control(self, verb, name=None, **fields):
        with socket.socket(socket.AF_UNIX) as s, s.makefile("rb") as f:
            s.settimeout(60)
            s.connect(self.control)
            request = {"version": 1, "verb": verb, **fields}
            if name is not None:
                request["account"] = name
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(f.readline())

    def status(self, name):
        return self.ask_control("status", name)["accounts"][0]

    # --- what the kernel says of it

    def resident_kb(self):
        return self._memory_kb("Rss", "VmRSS")

    def private_kb(self):
        """What it has written to, its own and nobody else's."""
        return self._memory_kb("Private_Dirty", "RssAnon")

    def clean_kb(self):
        """Of files that at this moment nobody else has mapped; None: only
        root may know."""
        return self._memory_kb("Private_Clean", None)

    def _memory_kb(self, exact, public):
        """tokend forbids others, its own user too, to look into its memory;
        the sums anybody may read are some pages off."""
        try:
            return self._row(f"/proc/{self.pid}/smaps_rollup", exact)
        except PermissionError:
            return public and self._row(f"/proc/{self.pid}/status", public)

    @staticmethod
    def _row(path, name):
        with open(path, encoding="ascii") as f:
            return int(re.search(rf"^{name}:\s+(\d+) kB", f.read(), re.M)[1])

    def descriptors(self):
        """All, or where only root may count them those of its sockets."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except PermissionError:
            with open("/proc/net/unix", encoding="utf-8") as f:
                return f.read().count(self.directory)

    def switches(self):
        """How often it was given the processor and gave it back."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return sum(map(int, re.findall(
                r"^\w*voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M)))


__all__ = ["Place", "BenchTokend", "account", "place", "wait_until"]
