# SPDX-License-Identifier: Apache-2.0
"""postoak-tokend alone, with a client of its two sockets."""
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

from .process import Daemon

ACCOUNT = "relay@contoso.com"
UID = 60601

CONFIG = """
tokend {{
    listen        = {{ "{d}/{listen}" }}
    control       = "{d}/control.sock"
    allow_users   = {{ "root" }}
    store         = "{store}"
    seal_key_file = "{d}/secrets/seal.key"
}}
application "contoso" {{
    provider           = "custom"
    tenant_id          = "{o.tenant}"
    client_id          = "{o.client_id}"
    client_secret_file = {{ {secrets} }}
    token_endpoint     = "{o.token_endpoint}"
    scope              = "https://outlook.office.com/SMTP.Send offline_access"
    app_scope          = "https://outlook.office365.com/.default"
    hosts              = {{ {hosts} }}
    ca_file            = "{o.ca_file}"
}}
"""
ACCOUNTS = """
account "relay@contoso.com" {{
    application = "contoso"
    grant       = "{grant}"
    {password}
}}
account "second@contoso.com" {{
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/password"
    allow_users   = {{ {allow} }}
}}
account "@example.org" {{
    application = "contoso"
    grant       = "client_credentials"
}}
"""

# What systemd does before it starts a program: descriptors from 3 on, and the
# environment that says so (sd_listen_fds(3)).
LAUNCHER = """
import fcntl, os, sys
wanted = [int(n) for n in sys.argv[1].split(",")]
for place, fd in enumerate([fcntl.fcntl(f, fcntl.F_DUPFD, 50) for f in wanted]):
    os.dup2(fd, 3 + place)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(wanted)))
os.execv(sys.argv[2], sys.argv[2:])
"""

# Run as another user: ask for each account, print the answers.
ASK_AS = """
import json, socket, sys
path, requests = sys.argv[1], json.loads(sys.argv[2])
s = socket.socket(socket.AF_UNIX)
s.connect(path)
f = s.makefile("rb")
answers = []
for request in requests:
    s.sendall(request.encode())
    answer = {}
    while (line := f.readline().decode().rstrip("\\n")):
        name, _, value = line.partition("=")
        answer[name] = value
    answers.append(answer)
print(json.dumps(answers))
"""

# Run as another user: how many of so many connections are kept?
CROWD_AS = """
import socket, sys
path, request, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
crowd = []
for _ in range(count):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    crowd.append(s)
last = crowd.pop()
last.sendall(request.encode())
last.recv(4096)
kept = 0
for s in crowd:
    try:
        s.recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        kept += 1
print(kept)
"""


def block(**fields):
    return "".join(f"{k}={v}\n" for k, v in fields.items()) + "\n"


class Client:
    """One connection to the token socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(70)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, *requests):
        self.socket.sendall("".join(block(**r) for r in requests).encode())

    def answer(self):
        """The next answer; {} if the connection ended."""
        answer = {}
        for line in self.file:
            if line == b"\n":
                break
            name, _, value = line.decode().rstrip("\n").partition("=")
            answer[name] = value
        return answer

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Tokend(Daemon):
    def __init__(self, directory, build, office, grant="password",
                 allow='"nobody"', root=False, open_files=None):
        os.mkdir(directory)
        self.directory, self.office = directory, office
        self.uid = 0 if root else UID
        self.program = os.path.join(directory, "postoak-tokend")
        shutil.copy2(os.path.join(build, "postoak-tokend"), self.program)
        self.config = os.path.join(directory, "postoak.conf")
        self.socket = os.path.join(directory, "tokend.sock")
        self.control_path = os.path.join(directory, "control.sock")
        self.store = os.path.join(directory, "store", "tokens")
        self.grant, self.allow = grant, allow
        self.secrets = []
        for name in ("secrets", "store"):
            os.mkdir(os.path.join(directory, name), 0o700)
            os.chown(os.path.join(directory, name), self.uid, self.uid)
        os.chown(directory, self.uid, self.uid)
        self.command = [self.program, "-f", "-v", "-c", self.config]
        if open_files is not None:
            self.command[:0] = ["prlimit", f"--nofile={open_files}"]
        super().__init__(self.command, os.path.join(directory, "log"),
                         self.uid or None, self.uid or None)
        self.write_secret("client", office.client_secret)
        self.write_secret("password", office.password)
        self.write_config()

    # --- files

    def secret(self, name):
        return os.path.join(self.directory, "secrets", name)

    def write_secret(self, name, value):
        with open(self.secret(name), "w", encoding="utf-8",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(value + "\n" if value else "")
        os.chown(self.secret(name), self.uid, self.uid)
        if name.startswith("client") and name not in self.secrets:
            self.secrets.append(name)
            self.write_config()

    def write_config(self, extra="", hosts='"localhost"',
                     listen="tokend.sock", accounts=ACCOUNTS):
        password = 'password_file = "secrets/password"'
        text = CONFIG.format(
            d=self.directory, store=self.store, o=self.office, hosts=hosts,
            listen=listen,
            secrets=", ".join(f'"secrets/{name}"' for name in self.secrets))
        text += accounts.format(
            grant=self.grant, allow=self.allow,
            password=password if self.grant == "password" else "")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text + extra)

    def config_lines(self):
        with open(self.config, encoding="utf-8") as f:
            return len(f.readlines())

    def temp_file(self):
        """Where the account's record is written first."""
        name = hashlib.sha256(b"account\0" + ACCOUNT.encode()).hexdigest()
        return os.path.join(self.store, "tmp." + name)

    @contextlib.contextmanager
    def small_store(self):
        """The store on a disk of 64 kB."""
        disk = os.path.dirname(self.store)
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        f"size=64k,mode=700,uid={self.uid},gid={self.uid}",
                        "tmpfs", disk], check=True)
        try:
            yield
        finally:
            self.stop()
            subprocess.run(["umount", disk], check=True)

    def fill_store(self):
        with contextlib.suppress(OSError), \
                open(os.path.dirname(self.store) + "/filler", "wb",
                     buffering=0) as f:
            while True:
                f.write(b"x" * 4096)

    def empty_store(self):
        os.remove(os.path.dirname(self.store) + "/filler")

    # --- life

    def start(self, strace=None, pass_sockets=None):
        self.argv, self.popen = self.command, {}
        if strace is not None:
            self.argv = ["strace", "-f", "-qq", "-o",
                         os.path.join(self.directory, "strace"), *strace,
                         *self.command]
        if pass_sockets is not None:
            numbers = [s.fileno() for s in pass_sockets]
            self.argv = [sys.executable, "-c", LAUNCHER,
                         ",".join(map(str, numbers)), *self.command]
            self.popen = {"pass_fds": numbers}
        return super().start()

    def restart(self):
        self.stop()
        self.start()

    def stop_traced(self):
        """SIGTERM to the daemon itself: strace would let go of it."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGTERM)
        self.wait_dead()

    def wait_dead(self):
        self.process.wait(60)
        self.kill()

    def check(self):
        return subprocess.run([self.program, "-t", "-c", self.config],
                              capture_output=True, text=True, timeout=60)

    # --- questions

    def connect(self):
        return Client(self.socket)

    @staticmethod
    def request(**fields):
        return {"request": "token", "protocol": 1, "account": ACCOUNT,
                "service": "smtp", "host": "localhost", "wait_ms": 5000,
                **fields}

    def ask(self, **fields):
        with self.connect() as client:
            client.send(self.request(**fields))
            return client.answer()

    def _run_as(self, uid, script, *argv):
        out = subprocess.run(
            [sys.executable, "-c", script, self.socket, *argv], user=uid,
            group=uid, extra_groups=[], cwd="/", timeout=60, check=True,
            stdout=subprocess.PIPE, text=True)
        return json.loads(out.stdout)

    def ask_as(self, uid, accounts):
        requests = [block(**self.request(account=a)) for a in accounts]
        return self._run_as(uid, ASK_AS, json.dumps(requests))

    def crowd_as(self, uid, count):
        return self._run_as(
            uid, CROWD_AS, block(**self.request()), str(count))

    def control(self, verb, account=None, **fields):
        with self.control_later(verb, account, **fields) as answer:
            return answer()

    @contextlib.contextmanager
    def control_later(self, verb, account=None, **fields):
        """Send the request; what is given waits for the answer."""
        request = {"version": 1, "verb": verb, **fields}
        if account is not None:
            request["account"] = account
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
            s.settimeout(70)
            s.connect(self.control_path)
            s.sendall(json.dumps(request).encode() + b"\n")
            with s.makefile("rb") as f:
                yield lambda: json.loads(f.readline())

    def status(self, account=ACCOUNT):
        return self.control("status", account)["accounts"][0]
