# SPDX-License-Identifier: Apache-2.0
"""A milter that asks `rules` about each message at its end.

The protocol is spoken directly (version 6, as in libmilter's mfdef.h): it
then runs inside the stand-in's own process, once per stand-in, and sees the
switches without any delay.
"""

import os
import socket
import struct

from .listener import Listener
from .rules import Message

MAX_PACKET = 1 << 20

NO_HELO, NO_UNKNOWN, NO_DATA = 0x2, 0x100, 0x200
NO_REPLY = 0x80 | 0x1000 | 0x4000 | 0x8000 | 0x40000 | 0x80000
LEADING_SPACE = 0x100000
VERSION = 6
WANTED = NO_HELO | NO_UNKNOWN | NO_DATA | NO_REPLY | LEADING_SPACE


class Session:
    """One connection of smtpd, for as long as its client stays."""

    def __init__(self, stream, rules):
        self._stream = stream
        self._rules = rules
        self._macros = {}
        self._reset()

    def _reset(self):
        self._message = Message("", "")
        self._headers = []
        self._body = []

    def run(self):
        commands = {
            b"O": self._negotiate, b"D": self._define, b"M": self._mail,
            b"R": self._rcpt, b"L": self._header, b"B": self._append,
            b"E": self._end, b"A": self._abort, b"K": self._leave,
        }
        try:
            while True:
                command, data = self._packet()
                if command in (None, b"Q"):
                    return
                handler = commands.get(command)
                if handler:
                    handler(data)
        finally:
            self._rules.session_closed(self)

    def _packet(self):
        head = self._stream.read(4)
        if len(head) < 4:
            return None, b""
        length, = struct.unpack("!I", head)
        if not 1 <= length <= MAX_PACKET:
            raise OSError("milter packet of %d bytes" % length)
        data = self._stream.read(length)
        return data[:1], data[1:]

    def _send(self, command, data=b""):
        self._stream.write(
            struct.pack("!I", len(data) + 1) + command + data)
        self._stream.flush()

    def _negotiate(self, data):
        version, _, offered = struct.unpack("!III", data[:12])
        if version < VERSION or offered & WANTED != WANTED:
            raise OSError("the MTA's milter protocol is too old")
        self._send(b"O", struct.pack("!III", VERSION, 0, WANTED))

    def _define(self, data):
        words = [word.decode("utf-8", "replace")
                 for word in data[1:].split(b"\0")]
        self._macros.update(zip(words[0::2], words[1::2]))

    def _mail(self, data):
        self._reset()
        user = self._macros.get("{auth_authen}", "")
        self._message.auth_user = user
        self._message.auth_mechanism = self._macros.get("{auth_type}", "")
        self._message.mail_from = address(data)
        if user:
            self._rules.session_opened(user, self)

    def _rcpt(self, data):
        self._message.rcpt_to.append(address(data))

    def _header(self, data):
        name, value = data.split(b"\0")[:2]
        self._headers.append((
            name.decode("utf-8", "surrogateescape"),
            value.decode("utf-8", "surrogateescape")))

    def _append(self, data):
        self._body.append(data)

    def _end(self, data):
        self._body.append(data)
        message = self._message
        message.set_wire_headers(self._headers)
        message.body = b"".join(self._body)
        message.queue_id = self._macros.get("i", "")
        reply = self._rules.submit(message, self)
        self._reset()
        if reply:
            self._send(b"y", reply.replace("%", "%%").encode() + b"\0")
        else:
            self._send(b"c")

    def _abort(self, _data):
        self._reset()

    def _leave(self, _data):
        # The MTA keeps this connection for its next client.
        self._rules.session_closed(self)
        self._macros = {}


def address(data):
    """The address of a MAIL or RCPT packet, without brackets."""
    text = data.split(b"\0")[0].decode("utf-8", "surrogateescape")
    return text.removeprefix("<").removesuffix(">")


class MilterServer:
    """Listens on a Unix socket."""

    def __init__(self, path, rules, log):
        self.path = path
        self._rules = rules
        self._log = log
        self._listener = None

    def start(self):
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(self.path)
        os.chmod(self.path, 0o666)
        self._listener = Listener(bound, self._serve)
        self._listener.resume()
        self._listener.start()

    def stop(self):
        self._listener.stop()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rwb") as stream:
                Session(stream, self._rules).run()
        except (OSError, ValueError, struct.error) as error:
            self._log("milter: %s" % error)
