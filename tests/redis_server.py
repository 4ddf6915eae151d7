# SPDX-License-Identifier: Apache-2.0
"""Private Redis servers and Sentinels, in a directory of their own."""
import os
import signal
import socket
import subprocess
import threading

from relay import wait_until
from relay.process import free_port


class Redis:
    """One server, or with sentinel=True a Sentinel, on 127.0.0.1:port and on
    a Unix socket."""

    def __init__(self, directory, *settings, sentinel=False, tls=None, password=None):
        os.makedirs(directory, exist_ok=True)
        self.directory, self.password, self.tls = directory, password, tls
        self.port = free_port()
        self.socket = os.path.join(directory, "redis.sock")
        self.config = os.path.join(directory, "redis.conf")
        self.log_path = os.path.join(directory, "redis.log")
        self.sentinel, self.process = sentinel, None
        lines = [f"dir {directory}", f"logfile {self.log_path}",
                 "bind 127.0.0.1", "protected-mode no"]
        if tls:
            lines += [f"tls-port {self.port}", "port 0", "tls-auth-clients no",
                      f"tls-cert-file {tls['cert']}", f"tls-key-file {tls['key']}",
                      f"tls-ca-cert-file {tls['ca']}"]
        else:
            lines.append(f"port {self.port}")
        if not sentinel:
            lines += [f"unixsocket {self.socket}", 'save ""']
        if password:
            lines.append(f"requirepass {password}")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("\n".join([*lines, *settings]) + "\n")

    def start(self, wait=True, env=None):
        program = "redis-sentinel" if self.sentinel else "redis-server"
        self.process = subprocess.Popen(
            [program, self.config], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})})
        if wait:
            wait_until(lambda: "PONG" in self.cli("ping", check=False), "redis")
        return self

    def cli(self, *words, check=True):
        """What redis-cli prints."""
        where = (["-p", str(self.port)] if self.sentinel
                 else ["-s", self.socket])
        if self.password:
            where += ["-a", self.password, "--no-auth-warning"]
        out = subprocess.run(["redis-cli", *where, *words], capture_output=True,
                             text=True, timeout=60)
        assert not check or (out.returncode == 0 and "ERR" not in out.stdout), out
        return out.stdout.strip()

    def calls(self, command):
        """How often the server was asked that, by its own count."""
        for line in self.cli("info", "commandstats").splitlines():
            name, _, rest = line.partition(":calls=")
            if name == f"cmdstat_{command}":
                return int(rest.split(",")[0])
        return 0

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        # What it tells one client goes out in the same turn as what it tells
        # the others of that; a turn later all of it has.
        self.cli("ping")
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process is None:
            return
        self.signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(60)
        self.process = None


class Proxy:
    """Stands between the milter and a Redis server and spoils its answers:
    answer(data) is given what the server sent and returns what the client is
    to get, a list of pieces, or None to close the connection."""

    def __init__(self, path, target):
        self.path, self.target, self.answer = path, target, None
        self.open = set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(32)
        self.stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            self.open |= {client, server}
            for source, sink, spoil in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, spoil),
                                 daemon=True).start()

    def _pump(self, source, sink, spoil):
        try:
            while data := source.recv(65536):
                pieces = [data]
                if spoil and self.answer:
                    pieces = self.answer(data)
                    if pieces is None:
                        break
                for piece in pieces:
                    sink.sendall(piece)
                    if len(pieces) > 1 and self.stopped.wait(0.005):
                        return
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.open:
            end.close()
