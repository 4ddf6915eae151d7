# SPDX-License-Identifier: Apache-2.0
"""Free ports, and child processes that never outlive the stand-in."""

import glob
import os
import signal
import socket
import subprocess
import time


class StartError(Exception):
    """A server did not come up; the text says what its log ends with."""


def reserve_port():
    """Return a port of 127.0.0.1 that nobody else will be given soon.

    A connection made over it leaves the port in TIME_WAIT, so that the
    kernel gives it to nobody who asks for any port, while a server that
    sets SO_REUSEADDR (all of ours do) can bind it by number.
    """
    with socket.socket() as listener:
        # TIME_WAIT lets a port be taken only if its old owner had said so.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server, _ = listener.accept()
            server.close()  # closes first and so keeps TIME_WAIT
            client.recv(1)
    return port


def wait_for_port(port, alive, log_file, timeout=60):
    """Wait until something accepts connections there."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if not alive() or time.monotonic() > deadline:
                raise StartError("nothing on port %d; log: %s" % (
                    port, tail(log_file))) from None
            time.sleep(0.01)


def wait_for_line(path, line, alive, log_file, timeout=60):
    """Wait until what listens on the socket `path` greets with that line."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(path)
                with client.makefile("rb") as greeting:
                    if line in (said.rstrip(b"\n") for said in greeting):
                        return
        except OSError:
            pass
        if not alive() or time.monotonic() > deadline:
            raise StartError("nothing on %s; log: %s" % (
                path, tail(log_file)))
        time.sleep(0.01)


def group_lives(group):
    """Does any process of the group live? Those that are dead, but that
    nobody has collected, do not count."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as f:
                rest = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if rest[0] != "Z" and int(rest[2]) == group:
            return True
    return False


def tail(path, lines=15):
    try:
        with open(path, errors="replace") as log:
            return "".join(log.readlines()[-lines:])
    except OSError as error:
        return str(error)


# Waits for the end of its standard input, which comes with our end, however
# that comes. (A parent-death signal does not do: Postfix's master changes its
# effective user, and the kernel forgets the signal.)
WATCH = """read -r line
kill -KILL "-$1"
[ -z "$2" ] || rm -rf -- "$2"
"""


class Child:
    """A daemon in the foreground, leader of a process group of its own.

    Should we be killed, the group ends with us, and the folder `scratch`
    is removed.
    """

    def __init__(self, command, output, scratch=""):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        with open(output, "ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env=environment)
            self.pid = self._process.pid
            self._watcher = subprocess.Popen(
                ["/bin/sh", "-c", WATCH, "sh", str(self.pid), scratch],
                stdin=subprocess.PIPE, stdout=out, stderr=out,
                start_new_session=True, env=environment)

    def alive(self):
        return self._process.poll() is None

    def stop(self, grace_s=2):
        """End the daemon, after the grace by force, and all its group; none
        of it is left when this returns."""
        self._watcher.kill()
        self._watcher.wait()
        self._watcher.stdin.close()
        if self.alive():
            self._process.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        while group_lives(self.pid):
            time.sleep(0.01)
