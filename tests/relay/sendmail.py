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
# What of them is needed, relative to the root.
PROGRAMS, CF = "usr/libexec/sendmail", "usr/share/sendmail/cf"
# Names in the private /etc/hosts. sendmail completes a name without a dot, so
# the server is not called localhost; its certificate has this name, too.
HOST, SERVER = "relay.example.test", "smtp.office365.test"

# Bytes of a line, its end not included (8.17.1).
LINE_MAX = 2047

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
for name in hosts nsswitch.conf resolv.conf; do
	mount --bind "$1/sendmail/$name" "/etc/$name"
done
hostname "$2"
shift 2
exec "$@"
"""

MC = """
VERSIONID(`private')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confDONT_PROBE_INTERFACES', `true')dnl
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
{environment}
"""

# The sendmail command's own configuration: to the daemon above, by SMTP.
SUBMIT_MC = """
VERSIONID(`private')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confRUN_AS_USER', `nobody:nogroup')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confPID_FILE', `{directory}/submit-pid')dnl
define(`confSERVICE_SWITCH_FILE', `{directory}/switch')dnl
define(`confHOSTS_FILE', `{directory}/hosts')dnl
define(`MSP_QUEUE_DIR', `{directory}/client-queue')dnl
define(`STATUS_FILE', `{directory}/submit-statistics')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""


def unpack(build):
    """Download and unpack the packages, if that has not been done; the path
    of the root of their files."""
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
        download = ["apt-get", "-q", "-o", "APT::Sandbox::User=root",
                    "download", *PACKAGES]
        try:
            _run(download, cwd=scratch)
        except RuntimeError:  # no lists of packages, or old ones
            _run(["apt-get", "-q", "update"])
            _run(download, cwd=scratch)
        for package in glob.glob(os.path.join(scratch, "*.deb")):
            _run(["dpkg", "-x", package, os.path.join(scratch, "all")])
        for part in (PROGRAMS, CF):
            os.makedirs(os.path.join(scratch, "root", os.path.dirname(part)),
                        exist_ok=True)
            os.rename(os.path.join(scratch, "all", part),
                      os.path.join(scratch, "root", part))
        os.rename(os.path.join(scratch, "root"), root)


def _run(argv, **options):
    out = subprocess.run(argv, capture_output=True, text=True, timeout=300,
                         **options)
    if out.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {out.stderr or out.stdout}")
    return out.stdout


class Log:
    """What syslog(3) says to a socket, line by line into a file."""

    def __init__(self, directory, path, name="log"):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = os.path.join(directory, name)
        self._socket.bind(self._address)
        os.chmod(self._address, 0o666)
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
    mechanism: the one that may be used. milter: path of a milter's socket.
    environment: further variables."""

    def __init__(self, relay, build, server, mechanism="XOAUTH2", milter=None,
                 environment=None):
        self.directory = os.path.join(relay.directory, "sendmail")
        self.relay, self.build, self.server = relay, build, server
        self.mechanism, self.milter = mechanism, milter
        # sendmail forgets its own but what its configuration sets.
        self.environment = {
            "SASL_PATH": os.path.join(relay.directory, "sasl2"),
            "POSTOAK_SOCKET": relay.socket, **(environment or {})}
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
        # Without the set-group-ID bit: SASL_PATH and POSTOAK_SOCKET count.
        shutil.copy(os.path.join(root, PROGRAMS, "sendmail"), self.directory)
        os.chmod(self._path("sendmail"), 0o755)
        shutil.copyfile(self.server.ca_file, self._path("ca.pem"))
        for name in ("localhost", HOST, SERVER):
            self._file("hosts", f"127.0.0.1 {name}\n", mode="a")
        # No question to any name server.
        self._file("nsswitch.conf", "hosts: files\n")
        self._file("resolv.conf", "nameserver 127.0.0.1\n")
        self._file("switch", "hosts files\naliases files\n")
        self._table(root, "authinfo",
                    f'AuthInfo:{SERVER} "U:relay@contoso.com" '
                    f'"I:relay@contoso.com" "P:-" "M:{self.mechanism}"\n')
        # No token to a server whose certificate does not match.
        self._table(root, "access", f"TLS_Srv:{SERVER} VERIFY\n")
        cf = os.path.join(root, CF)
        self._made(cf, "sendmail", self._mc())
        os.mkdir(self._path("client-queue"), 0o770)
        shutil.chown(self._path("client-queue"), "nobody", "nogroup")
        self._made(cf, "submit", SUBMIT_MC.format(
            host=HOST, directory=self.directory, port=self.port))

    def _made(self, cf, name, mc):
        self._file(f"{name}.cf", _run(
            ["m4", f"-D_CF_DIR_={cf}/", f"{cf}/m4/cf.m4", self._file(f"{name}.mc", mc)]))

    def _mc(self):
        more = ""
        if self.milter:
            more = f"INPUT_MAIL_FILTER(`postoak', `S=unix:{self.milter}, F=T')"
        return MC.format(
            host=HOST, server=SERVER, directory=self.directory, port=self.port,
            server_port=self.server.smtp_port, more=more,
            environment="\n".join(f"E{name}={value}" for name, value
                                  in self.environment.items()))

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _file(self, name, text, mode="w"):
        with open(self._path(name), mode, encoding="ascii") as f:
            f.write(text)
        return self._path(name)

    def _table(self, root, name, text):
        _run([os.path.join(root, PROGRAMS, "makemap"), "-C", "/dev/null",
              "hash", self._path(name)], input=text)

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

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, timeout=60):
        """Wait for a line that matches; the match."""
        return wait_until(lambda: re.search(pattern, self.log()),
                          f"{pattern!r} in {self.log_path}", timeout)

    def queue(self):
        """The queue ids of the messages that wait."""
        return [name[2:] for name in os.listdir(self.queue_path)
                if name.startswith("qf")]

    def command(self, sender, recipient, data):
        """Submit with the sendmail(1) command."""
        inside, = children(self._child.pid)
        out = subprocess.run(
            ["nsenter", "--target", str(inside), "--mount", "--root", "--uts",
             "--pid",
             self._path("sendmail"), "-C", self._path("submit.cf"), "-i",
             "-f", sender, recipient],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60)
        if out.returncode != 0:
            raise RuntimeError(f"sendmail: {out.returncode} {out.stdout.decode()}")

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
