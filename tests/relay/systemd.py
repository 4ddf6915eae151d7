# SPDX-License-Identifier: Apache-2.0
"""A private systemd, process 1 of namespaces of its own, that runs the units
which are shipped, with all they take away, beside whatever runs the host.

It has its own /etc (a copy), /var, /run, /usr/local and network; only units of
/usr/local are known to it, and the targets that they name are empty. Of the
host it uses but a control group, which is removed in the end; what could be set
for all, under /proc/sys, is for reading."""
import os
import shutil
import subprocess

from office365.processes import Child

from .postfix import MASTER, Postfix
from .process import wait_until
from .sendmail import Log, children

TARGETS = ("basic", "local-fs", "multi-user", "network", "nss-lookup",
           "shutdown", "sockets", "sysinit", "time-set", "timers")
SYSTEMD = "/lib/systemd/systemd"

# $1 is our directory, $2 the control group. Inside it is the root of the only
# hierarchy there is; with others systemd would make groups in them, too.
BOOT = """
echo $$ >"$2/cgroup.procs"
exec unshare --cgroup --pid --fork --kill-child --mount --propagation private \\
    --uts --ipc --net sh -e -c '{inside}' sh "$1"
"""
INSIDE = """
for place in etc var run usr/local; do
	mount --bind "$1/$place" "/$place"
done
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
umount --recursive --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test \\
    SYSTEMD_UNIT_PATH=/etc/units:/usr/local/lib/systemd/system \\
    {systemd} --system --unit=multi-user.target --log-target=console \\
    --show-status=no
"""


def unified_groups():
    """Where the host has the unified hierarchy of control groups."""
    with open("/proc/mounts", encoding="utf-8") as f:
        for line in f:
            place, kind = line.split()[1:3]
            if kind == "cgroup2":
                return place
    raise RuntimeError("the tests with systemd need control groups: "
                       "mount -t cgroup2 none /sys/fs/cgroup")


class Systemd:
    """directory: made by the caller; "make install" to `image` beforehand."""

    def __init__(self, directory):
        self.directory = directory
        self.image = os.path.join(directory, "image")
        self.log_path = os.path.join(directory, "syslog")
        self.output = os.path.join(directory, "systemd.out")
        self._group = os.path.join(
            unified_groups(), "test-" + os.path.basename(directory))
        self._child = self._log = None

    def path(self, *parts):
        """Where a file of its own is, seen from outside."""
        return os.path.join(self.directory, *parts)

    def prepare(self):
        subprocess.run(["cp", "-a", "/etc", self.path("etc")], check=True)
        for name in ("var/lib", "var/log", "var/spool/postfix", "var/tmp",
                     "run/systemd/journal", "etc/units", "usr"):
            os.makedirs(self.path(name))
        os.chmod(self.path("var/tmp"), 0o1777)
        os.rename(os.path.join(self.image, "usr/local"), self.path("usr/local"))
        shutil.rmtree(self.path("etc/postoak"), ignore_errors=True)
        os.rename(os.path.join(self.image, "etc/postoak"),
                  self.path("etc/postoak"))
        for name in TARGETS:
            self.write(f"etc/units/{name}.target",
                       "[Unit]\nDefaultDependencies=no\n")
        # Where programs under PrivateDevices find /dev/log.
        self._log = Log(self.path("run/systemd/journal"), self.log_path,
                        "dev-log")
        return self

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8",
                  opener=lambda p, f: os.open(p, f, mode)) as f:
            f.write(text)

    def start(self):
        os.mkdir(self._group)
        self._child = Child(
            ["sh", "-e", "-c",
             BOOT.format(inside=INSIDE.format(systemd=SYSTEMD)), "sh",
             self.directory, self._group], self.output)
        wait_until(self._is_up, "systemd to start")
        return self

    def _is_up(self):
        if not self._child.alive():
            with open(self.output, encoding="utf-8", errors="replace") as f:
                raise RuntimeError("systemd: " + f.read())
        try:
            return self.run("systemctl", "is-active", "multi-user.target",
                            check=False).stdout == "active\n"
        except ValueError:  # not that far
            return False

    def run(self, *argv, check=True, stdin=None):
        """A command inside; the finished process."""
        inside, = children(self._child.pid)
        out = subprocess.run(
            ["nsenter", "--target", str(inside), "--mount", "--pid", "--net",
             "--ipc", "--uts", "--cgroup", *argv], input=stdin,
            capture_output=True, text=True, timeout=120, check=False,
            env={"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "LC_ALL": "C"})
        if check and out.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {out.stderr or out.stdout}\n"
                               + self.log()[-3000:])
        return out

    def systemctl(self, *argv):
        return self.run("systemctl", *argv).stdout

    def show(self, unit, *names):
        """Properties of a unit."""
        lines = self.systemctl("show", unit, *(f"-p{n}" for n in names))
        return dict(line.split("=", 1) for line in lines.splitlines())

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        if self._child is not None:
            for pid in children(self._child.pid):
                os.kill(pid, 9)
            self._child.stop()
            self._child = None
            wait_until(self._group_gone, "its end")
        if self._log is not None:
            self._log.stop()
            self._log = None

    def _group_gone(self):
        """The group can be removed when the last process in it is dead."""
        for path, _, _ in os.walk(self._group, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                return False
        return True


class InsidePostfix(Postfix):
    """A Postfix where a private systemd runs, in Debian's places."""

    def __init__(self, systemd, settings):
        super().__init__(systemd.directory, {
            "queue_directory": "/var/spool/postfix",
            "data_directory": "/var/lib/postfix",
            "maillog_file": "/var/log/mail.log",
            "maillog_file_prefixes": "/var/log", **settings}, MASTER)
        self.systemd, self.port = systemd, 25
        self.config = systemd.path("etc/postfix")
        self.spool = systemd.path("var/spool/postfix")
        self.data = systemd.path("var/lib/postfix")
        self.log_path = systemd.path("var/log/mail.log")

    def command(self, *argv, check=True):
        return self.systemd.run(*argv, check=check).stdout

    def start(self):
        self.write()
        self.command("postfix", "start")
        return self
