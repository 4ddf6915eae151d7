# SPDX-License-Identifier: Apache-2.0
"""Programs started, awaited and ended by their own process id."""
import contextlib
import os
import signal
import socket
import subprocess
import time

from office365.processes import reserve_port as free_port

__all__ = ["Daemon", "free_port", "wait_until"]


def wait_until(condition, what, timeout=60.0):
    """Ask condition() until it is true; its value, or an error that says
    what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(0.01)


class Daemon:
    """One daemon in the foreground. It says itself when it is ready, with
    sd_notify(3), so that nobody has to guess."""

    def __init__(self, argv, log, user=None, group=None, env=None):
        self.argv, self.log = list(argv), log
        self.user, self.group = user, group
        self.env = dict(env or {})
        self.popen = {}  # further arguments of subprocess.Popen
        self.process = None
        self.states = []
        self._notify = None

    def start(self, wait=True, timeout=60):
        assert self.process is None, "already started"
        address = b"\0postoak-test-%d-%d" % (os.getpid(), id(self))
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(address)
        self._notify.setblocking(False)
        env = {"PATH": os.environ["PATH"], "TZ": "UTC",
               "NOTIFY_SOCKET": "@" + address[1:].decode(), **self.env}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env, user=self.user, group=self.group,
                extra_groups=[] if self.user is not None else None,
                **self.popen)
        if wait:
            self.wait_state("READY=1", timeout)
        return self

    def wait_state(self, state, timeout=60):
        def seen():
            self._read_states()
            if state in self.states:
                return True
            if self.process.poll() is not None:
                raise RuntimeError(
                    f"{self.argv[0]} ended with {self.process.returncode}:\n"
                    + self.read_log()[-2000:])
            return False
        wait_until(seen, f"{state} from {self.argv[0]}", timeout)

    def _read_states(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.states += self._notify.recv(4096).decode().splitlines()

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        """SIGHUP, and wait until the daemon says it is through."""
        self._read_states()
        self.states.clear()
        self.signal(signal.SIGHUP)
        self.wait_state("READY=1")

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        code, self.process = self.process.returncode, None
        self._notify.close()
        self.states = []
        return code
