# SPDX-License-Identifier: Apache-2.0
"""A private sendmail, the one of Debian's packages, beside any other mailer.

The packages cannot be installed next to Postfix, so they are only unpacked,
once per build directory. sendmail wants its own name in /etc/hosts, its log at
/dev/log and no directory in a path that all may write: it gets a mount
namespace in which that is so, and a process namespace, which ends as one."""
import fcntl
import glob
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading

from office365.processes import Child, wait_for_port

from .process import free_port, wait_until

PACKAGES = ("sendmail-bin", "sendmail-base", "sendmail-cf")
PROGRAM = "usr/libexec/sendmail/sendmail"
CF = "usr/share/sendmail/cf"
# Names in the private /etc/hosts. sendmail completes a name without a dot, so
# the server is not called localhost; its certificate has this name, too.
HOST, SERVER = "relay.example.test", "smtp.office365.test"

# $1 is our directory: shown alone, at its own path, below a parent that only
# root may write.
NAMESPACE = """set -e
mount --bind "$1" /mnt
mount -t tmpfs -o mode=755 none "/$(echo "$1" | cut -d/ -f2)"
mkdir -p "$1"
mount --rbind /mnt "$1"
umount /mnt
for name in null zero random urandom; do
	touch "$1/sendmail/dev/$name"
	mount --bind "/dev/$name" "$1/sendmail/dev/$name"
done
mount --rbind "$1/sendmail/dev" /dev
mount --bind "$1/sendmail/hosts" /etc/hosts
hostname "$2"
shift 2
exec "$@"
"""

MC = """
VERSIONID(`private')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confPID_FILE', `{directory}/pid')dnl
define(`confSERVICE_SWITCH_FILE', `{directory}/switch')dnl
define(`confHOSTS_FILE', `{directory}/hosts')dnl
define(`QUEUE_DIR', `{directory}/queue')dnl
define(`STATUS_FILE', `{directory}/statistics')dnl
define(`HELP_FILE', `')dnl
define(`ALIAS_FILE', `')dnl
define(`confCACERT', `{directory}/ca.pem')dnl
define(`confCACERT_PATH', `{directory}')dnl
define(`confAUTH_MECHANISMS', `XOAUTH2 OAUTHBEARER')dnl
define(`SMART_HOST', `relay:[{server}]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {server_port}')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`authinfo', `hash {directory}/authinfo')dnl
FEATURE(`access_db', `hash -T<TMPF> {directory}/access')dnl
DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port={port}')dnl
{more}
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_CONFIG
ESASL_PATH={plugins}
EPOSTOAK_SOCKET={socket}
"""


def unpack(build):
    """The packages' files below the build directory; the path."""
    root = os.path.join(os.path.abspath(build), "sendmail-root")
    os.makedirs(build, exist_ok=True)
    with open(root + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(root):
            _download(root)
    return root


def _download(root):
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise RuntimeError(
            "the tests with sendmail need Debian's apt-get and dpkg to "
            "download and unpack " + ", ".join(PACKAGES))
    with tempfile.TemporaryDirectory(dir=os.path.dirname(root)) as scratch:
        _run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
              *PACKAGES], cwd=scratch)
        for package in glob.glob(os.path.join(scratch, "*.deb")):
            _run(["dpkg", "-x", package, os.path.join(scratch, "root")])
        os.rename(os.path.join(scratch, "root"), root)


def _run(argv, **options):
    out = subprocess.run(argv, capture_output=True, text=True, timeout=300,
                         **options)
    if out.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {out.stderr or out.stdout}")
    return out.stdout


class Log:
    """What syslog(3) says to a socket, line by line into a file."""

    def __init__(self, directory, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = os.path.join(directory, "log")
        self._socket.bind(self._address)
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def _copy(self):
        with open(self.path, "a", encoding="utf-8") as out:
            # An empty datagram is ours.
            while line := self._socket.recv(65536):
                text = line.decode(errors="replace").rstrip("\0\n")
                out.write(re.sub(r"^<\d+>", "", text) + "\n")
                out.flush()

    def stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._address)
        self._thread.join()
        self._socket.close()


class Sendmail:
    """In front of a server, with a relay's tokend (see relay.py).

    relay: prepared; its Postfix need not run. server: a started Office365.
    mechanism: the one that may be used. more: further lines of the .mc."""

    def __init__(self, relay, build, server, mechanism="XOAUTH2", more=""):
        self.directory = os.path.join(relay.directory, "sendmail")
        self.relay, self.build, self.server = relay, build, server
        self.mechanism, self.more = mechanism, more
        self.queue_path = os.path.join(self.directory, "queue")
        self.config = os.path.join(self.directory, "sendmail.cf")
        self.log_path = os.path.join(relay.directory, "log", "sendmail.log")
        self.port = free_port()
        self._log = self._child = None

    def write(self):
        """Directories, tables, program and configuration."""
        root = unpack(self.build)
        os.makedirs(os.path.join(self.directory, "dev"))
        os.mkdir(self.queue_path, 0o700)
        shutil.copy(os.path.join(root, PROGRAM), self.directory)
        os.chmod(os.path.join(self.directory, "sendmail"), 0o755)
        shutil.copyfile(self.server.ca_file, self._path("ca.pem"))
        self._file("hosts", f"127.0.0.1 localhost\n127.0.0.1 {HOST}\n127.0.0.1 {SERVER}\n")
        self._file("switch", "hosts files\naliases files\n")
        self._table(root, "authinfo",
                    f'AuthInfo:{SERVER} "U:relay@contoso.com" '
                    f'"I:relay@contoso.com" "P:-" "M:{self.mechanism}"\n')
        # No token to a server whose certificate does not match.
        self._table(root, "access", f"TLS_Srv:{SERVER} VERIFY\n")
        mc = self._file("sendmail.mc", MC.format(
            host=HOST, server=SERVER, directory=self.directory, port=self.port,
            server_port=self.server.smtp_port, more=self.more,
            plugins=os.path.join(self.relay.directory, "sasl2"),
            socket=self.relay.socket))
        cf = os.path.join(root, CF)
        self._file("sendmail.cf", _run(
            ["m4", f"-D_CF_DIR_={cf}/", f"{cf}/m4/cf.m4", mc]))

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _file(self, name, text, mode=0o644):
        with open(self._path(name), "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, mode)) as f:
            f.write(text)
        return self._path(name)

    def _table(self, root, name, text):
        # makemap is sendmail itself's neighbour, without privileges.
        _run([os.path.join(root, os.path.dirname(PROGRAM), "makemap"),
              "-C", "/dev/null", "hash", self._path(name)], input=text)
        os.chmod(self._path(name + ".db"), 0o600)

    def start(self):
        self.write()
        self._log = Log(self._path("dev"), self.log_path)
        self._child = Child(
            ["unshare", "--mount", "--propagation", "private", "--uts",
             "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", NAMESPACE, "sh", self.relay.directory, HOST,
             self._path("sendmail"), "-C", self.config, "-bD", "-q1s"],
            self.log_path)
        wait_for_port(self.port, self._child.alive, self.log_path)
        return self

    def stop(self):
        if self._child is not None:
            # The first process of the namespace; all others go with it.
            for pid in children(self._child.pid):
                os.kill(pid, signal.SIGKILL)
            self._child.stop()
            self._child = None
        if self._log is not None:
            self._log.stop()
            self._log = None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exc):
        self.stop()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, timeout=30):
        """Wait for a line that matches; the match."""
        return wait_until(lambda: re.search(pattern, self.log()),
                          f"{pattern!r} in {self.log_path}", timeout)

    def queue(self):
        """The queue ids of the messages that wait."""
        return [name[2:] for name in os.listdir(self.queue_path)
                if name.startswith("qf")]

    def send(self, sender="erp@app.example", to=("someone@example.net",),
             subject="hello"):
        """Submit one message as an application would; its queue id."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.ehlo()
            client.mail(sender)
            for recipient in to:
                code, reply = client.rcpt(recipient)
                if code != 250:
                    raise smtplib.SMTPResponseException(code, reply)
            code, reply = client.data(
                f"From: ERP System <{sender}>\r\nTo: {', '.join(to)}\r\n"
                f"Subject: {subject}\r\n\r\nSent by a test.\r\n")
        if code != 250:
            raise smtplib.SMTPResponseException(code, reply)
        return reply.decode().split()[1]


def children(pid):
    """Process ids of a process's children."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as f:
                rest = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(rest[1]) == pid:
            found.append(int(stat.split("/")[2]))
    return found
