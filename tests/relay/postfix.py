# SPDX-License-Identifier: Apache-2.0
"""A private Postfix: its own configuration, queue and data directories and a
loopback port; the host's own instance is neither read nor touched."""
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import time

from office365.processes import group_lives

from .process import free_port, wait_until

SBIN = "/usr/sbin"
LIBEXEC = "/usr/lib/postfix/sbin"

# As Debian's master.cf: smtp(8) and most others chrooted.
MASTER = """
127.0.0.1:{port} inet n - y - - smtpd
pickup    unix  n - y 60 1 pickup
cleanup   unix  n - y - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - y 1000? 1 tlsmgr
rewrite   unix  - - y - - trivial-rewrite
bounce    unix  - - y - 0 bounce
defer     unix  - - y - 0 bounce
trace     unix  - - y - 0 bounce
verify    unix  - - y - 1 verify
flush     unix  n - y 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - y - - smtp
relay     unix  - - y - - smtp
showq     unix  n - y - - showq
error     unix  - - y - - error
retry     unix  - - y - - error
discard   unix  - - y - - discard
local     unix  - n n - - local
anvil     unix  - - y - 1 anvil
scache    unix  - - y - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, directory, settings=None, master=MASTER):
        self.directory = directory
        self.config = os.path.join(directory, "postfix")
        self.spool = os.path.join(directory, "spool")
        self.data = os.path.join(directory, "data")
        self.log_path = os.path.join(directory, "log", "mail.log")
        self.port = free_port()
        self.master = master
        self.settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.spool,
            "data_directory": self.data,
            "command_directory": SBIN,
            "daemon_directory": LIBEXEC,
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "maillog_file": self.log_path,
            "maillog_file_prefixes": os.path.dirname(self.log_path),
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": "relay.example.test",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "smtp_host_lookup": "native",
            "smtputf8_enable": "yes",
            **(settings or {}),
        }

    def write(self):
        """Lay out the directories and write main.cf and master.cf."""
        for path in (self.config, self.spool, self.data,
                     os.path.dirname(self.log_path)):
            os.makedirs(path, mode=0o755, exist_ok=True)
        postfix = pwd.getpwnam("postfix")
        os.chown(self.data, postfix.pw_uid, postfix.pw_gid)
        jail = os.path.join(self.spool, "etc")
        os.makedirs(jail, exist_ok=True)
        # What Debian's start script puts into the jail.
        for name in ("hosts", "services", "resolv.conf", "nsswitch.conf",
                     "localtime", "host.conf"):
            if os.path.exists("/etc/" + name):
                shutil.copyfile("/etc/" + name, os.path.join(jail, name))
        self.write_settings()
        with open(os.path.join(self.config, "master.cf"), "w",
                  encoding="utf-8") as f:
            f.write(self.master.format(port=self.port))

    def _one_localhost(self):
        """The C library takes "::1 localhost" for a second 127.0.0.1, and
        Postfix tries each address: leave it out of the jail's file."""
        hosts = os.path.join(self.spool, "etc", "hosts")
        lines = ["127.0.0.1 localhost\n"]
        if os.path.exists(hosts):
            with open(hosts, encoding="utf-8", errors="replace") as f:
                lines = [line for line in f if not line.startswith("::1")]
        with open(hosts, "w", encoding="utf-8") as f:
            f.writelines(lines)

    def write_settings(self):
        with open(os.path.join(self.config, "main.cf"), "w",
                  encoding="utf-8") as f:
            for name, value in self.settings.items():
                f.write(f"{name} = {value}\n")
        # Postfix waits until a main.cf has not changed for a second.
        before = time.time() - 10
        os.utime(os.path.join(self.config, "main.cf"), (before, before))

    def set(self, **settings):
        self.settings.update(settings)
        self.write_settings()

    def command(self, *argv, check=True):
        """One of Postfix's commands, for this instance only."""
        out = subprocess.run(
            [os.path.join(SBIN, argv[0]), "-c", self.config, *argv[1:]],
            capture_output=True, text=True, timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        if check and out.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {out.stderr or out.stdout}"
                               + self.log()[-2000:])
        return out.stdout

    def start(self):
        self.write()
        return self.launch()

    def launch(self):
        """Start it with the files that are there."""
        self._one_localhost()
        self.command("postfix", "start")
        wait_until(lambda: self.master_pid() is not None, "Postfix to start")
        return self

    def reload(self):
        before = self.log().count("reload -- version")
        self.command("postfix", "reload")
        # The command only sends a signal.
        wait_until(lambda: self.log().count("reload -- version") > before,
                   "Postfix to reload")

    def master_pid(self):
        try:
            with open(os.path.join(self.spool, "pid", "master.pid"),
                      encoding="ascii") as f:
                pid = int(f.read())
            os.kill(pid, 0)
            return pid
        except (OSError, ValueError):
            return None

    def stop(self):
        """End master and with it all its children (a process group)."""
        pid = self.master_pid()
        if pid is None:
            return
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while group_lives(pid):
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
                deadline += 5
            time.sleep(0.01)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def lines(self, queue_id):
        """The log lines of one message."""
        return [line for line in self.log().splitlines()
                if re.search(rf"\b{queue_id}\b", line)]

    def wait_log(self, pattern, timeout=60):
        """Wait for a line that matches; the match."""
        return wait_until(lambda: re.search(pattern, self.log()),
                          f"{pattern!r} in {self.log_path}", timeout)

    def queue(self):
        """What is in the queue: postqueue -j, one object a message."""
        return [json.loads(line) for line in
                self.command("postqueue", "-j").splitlines()]

    def flush(self):
        self.command("postqueue", "-f")
