# SPDX-License-Identifier: Apache-2.0
"""A listening socket with a thread per connection, that can really stop."""

import socket
import threading
import time

BACKLOG = 512


def loopback(port):
    """A socket bound to 127.0.0.1, by number: the port stays its own even
    while it does not listen."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


class Listener:
    """Calls serve(connection) in a new thread for each connection.

    `serve` closes the connection, or what it made of it.
    """

    def __init__(self, bound, serve):
        self.connections = 0
        self._socket = bound
        self._serve = serve
        self._condition = threading.Condition()
        self._listening = False
        self._stopped = False
        self._open = {}  # thread -> a second handle on its connection
        self._thread = threading.Thread(target=self._accept_loop, daemon=True)

    def start(self):
        """Start accepting; `resume` makes it listen."""
        self._thread.start()

    def resume(self):
        """Listen (again)."""
        with self._condition:
            if not self._listening and not self._stopped:
                self._socket.listen(BACKLOG)
                self._listening = True
                self._condition.notify_all()

    def pause(self):
        """Refuse new connections and drop the open ones."""
        with self._condition:
            if self._listening:
                self._listening = False
                self._socket.shutdown(socket.SHUT_RDWR)
            for handle in self._open.values():
                try:
                    handle.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the client was faster

    def stop(self, timeout_s=2):
        """Pause for good, and wait for the threads."""
        deadline = time.monotonic() + timeout_s
        self.pause()
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
            threads = [self._thread] + list(self._open)
        for thread in threads:
            thread.join(max(0, deadline - time.monotonic()))
        self._socket.close()

    def _accept_loop(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                with self._condition:
                    self._condition.wait_for(
                        lambda: self._listening or self._stopped)
                    if self._stopped:
                        return
                continue
            thread = threading.Thread(
                target=self._run, args=(connection,), daemon=True)
            with self._condition:
                self.connections += 1
                self._open[thread] = connection.dup()
            thread.start()

    def _run(self, connection):
        try:
            self._serve(connection)
        finally:
            with self._condition:
                self._open.pop(threading.current_thread()).close()
