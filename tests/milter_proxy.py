# SPDX-License-Identifier: Apache-2.0
"""Stands between Postfix and a milter, hands everything on, and calls somebody
when a packet of a certain kind passes."""
import contextlib
import fcntl
import os
import socket
import struct
import termios
import threading

from relay import wait_until


class Proxy:
    """listen, milter: paths. arm() says when action() is called: at the count-th
    packet `command` of the MTA's (or, with answer, of the milter's), before it
    is handed on or once the other side has read it. The connection then ends
    there: what the milter may have written beyond it is not handed on."""

    def __init__(self, listen, milter):
        self.path, self._milter = listen, milter
        self._armed = None
        self._lock = threading.Lock()
        self._streams = []
        self._made = self._carrying = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(listen)
        os.chmod(listen, 0o666)
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, command, action, count=1, before=False, answer=False):
        with self._lock:
            self._armed = [command, answer, count, before, action]

    def fired(self):
        return self._armed is None

    def wait_ended(self, connections):
        """Until so many were made and all are over: the mail server has seen
        the last of those who only looked whether it listens."""
        wait_until(lambda: self._made >= connections and self._carrying == 0,
                   "the connections to the milter to end")

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in self._streams:
            stream.close()

    def _accept(self):
        while True:
            try:
                mta, _ = self._listener.accept()
            except OSError:
                return
            milter = socket.socket(socket.AF_UNIX)
            try:
                milter.connect(self._milter)
            except OSError:
                mta.close()
                continue
            self._streams += [mta, milter]
            with self._lock:
                self._made, self._carrying = self._made + 1, self._carrying + 2
            for pair in (mta, milter, False), (milter, mta, True):
                threading.Thread(target=self._carry, args=pair,
                                 daemon=True).start()

    def _carry(self, source, sink, answers):
        try:
            while True:
                head = self._exactly(source, 4)
                data = self._exactly(source, struct.unpack(">I", head)[0])
                self._hand_on(sink, head + data, data[:1], answers)
        except (OSError, EOFError):
            pass
        finally:  # what one side sees of the other's end, both see
            for end in source, sink:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._carrying -= 1

    def _hand_on(self, sink, packet, command, answers):
        action, before = self._due(command, answers)
        if not (action and before):
            sink.sendall(packet)
        if not action:
            return
        if not before:
            wait_until(lambda: self._unread(sink) == 0, "it to be read")
        action()
        raise EOFError

    def _due(self, command, answers):
        with self._lock:
            armed = self._armed
            if armed is None or armed[:2] != [command, answers]:
                return None, False
            armed[2] -= 1
            if armed[2] > 0:
                return None, False
            self._armed = None
            return armed[4], armed[3]

    @staticmethod
    def _unread(sink):
        """Bytes the other side has not read yet."""
        return struct.unpack("i", fcntl.ioctl(
            sink, termios.TIOCOUTQ, b"\0\0\0\0"))[0]

    @staticmethod
    def _exactly(source, count):
        data = b""
        while len(data) < count:
            more = source.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data
