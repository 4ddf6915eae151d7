# SPDX-License-Identifier: Apache-2.0
"""The MTA's side of the milter protocol, for messages no MTA would send.

One Milter is one connection. send() takes a message through all its stages and
returns a Result: the reply, the edits in order, and the message as an MTA has
it after them. Edits follow Postfix: fields are counted from 1, an index behind
the last one adds a field, an empty value deletes.
"""

import select
import socket
import struct

VERSION = 6
ACTIONS = 0x1FF
ADD_FIELD, CHANGE_FIELD, CHANGE_SENDER = 0x1, 0x10, 0x40
DELETE_RECIPIENT, ADD_RECIPIENT = 0x8, 0x80
STEPS = 0x1FFFFF
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT = 0x1, 0x2, 0x4, 0x8
NO_BODY, NO_HEADERS, NO_EOH = 0x10, 0x20, 0x40
NR_HEADER, NO_UNKNOWN, NO_DATA = 0x80, 0x100, 0x200
NR_CONNECT, NR_HELO, NR_MAIL, NR_RCPT = 0x1000, 0x2000, 0x4000, 0x8000
NR_DATA, NR_UNKNOWN, NR_EOH, NR_BODY = 0x10000, 0x20000, 0x40000, 0x80000

# Stage numbers of the lists of macros a milter asks for.
STAGES = {0: "connect", 1: "helo", 2: "mail", 3: "rcpt", 4: "data", 5: "end", 6: "eoh"}


def octets(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


class Result:
    def __init__(self, headers):
        self.headers = headers  # [(name, value)] as bytes
        self.edits = []
        self.sender = None  # changed envelope sender
        self.action = None  # "continue", "accept", "tempfail", "reject", "reply"
        self.reply = b""
        self.stage = None
        self.quarantine = None
        self.recipients = []  # ("-", address), ("2", address, parameters)

    def fields(self, name):
        wanted = octets(name).lower()
        return [value for key, value in self.headers if key.strip().lower() == wanted]

    def change(self, index, name, value):
        places = [i for i, (key, _) in enumerate(self.headers) if key.strip().lower() == name.lower()]
        if index > len(places):
            if value:
                self.headers.append((name, value))
        elif value:
            self.headers[places[index - 1]] = (name, value)
        else:
            del self.headers[places[index - 1]]


class Milter:
    def __init__(self, path, timeout=60, steps=STEPS, actions=ACTIONS):
        if isinstance(path, tuple):
            self.socket = socket.create_connection(path, timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        self.buffer = b""
        self.macros_wanted = {}
        self._packet(b"O", struct.pack(">III", VERSION, actions, steps))
        command, data = self._read()
        assert command == b"O", command
        self.version, self.actions, self.steps = struct.unpack(">III", data[:12])
        rest = data[12:]
        while rest:
            stage = struct.unpack(">I", rest[:4])[0]
            names, _, rest = rest[4:].partition(b"\0")
            self.macros_wanted[STAGES.get(stage, stage)] = names.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self, quit=True):
        try:
            if quit:
                self._packet(b"Q")
        except OSError:
            pass
        self.socket.close()

    def _packet(self, command, data=b""):
        self.socket.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def _read(self):
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack(">I", self.buffer[:4])[0]:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the milter closed the connection")
            self.buffer += data
        length = struct.unpack(">I", self.buffer[:4])[0]
        packet, self.buffer = self.buffer[4 : 4 + length], self.buffer[4 + length :]
        return packet[:1], packet[1:]

    def _answer(self, result, stage):
        """Read up to the final reply of a stage, carrying out edits."""
        while True:
            command, data = self._read()
            if command in b"catrydS":
                names = {b"c": "continue", b"a": "accept", b"t": "tempfail", b"r": "reject", b"y": "reply", b"d": "discard", b"S": "skip"}
                result.action, result.stage = names[command], stage
                result.reply = data.rstrip(b"\0")
                return result.action in ("continue", "skip")
            self._edit(result, command, data)

    @staticmethod
    def _edit(result, command, data):
        if command == b"p":  # it is still at work
            return
        result.edits.append((command.decode(), data))
        if command == b"e":
            result.sender = data.split(b"\0")[0]
        elif command == b"m":
            index = struct.unpack(">I", data[:4])[0]
            name, value = data[4:].split(b"\0")[:2]
            result.change(index, name, value)
        elif command == b"h":
            name, value = data.split(b"\0")[:2]
            result.headers.append((name, value))
        elif command == b"i":
            index = struct.unpack(">I", data[:4])[0]
            name, value = data[4:].split(b"\0")[:2]
            result.headers.insert(index, (name, value))
        elif command in (b"-", b"2"):
            result.recipients.append((command.decode(), *data.split(b"\0")[:-1]))
        elif command == b"q":
            result.quarantine = data.rstrip(b"\0")
        else:
            raise ValueError(f"unexpected {command!r} {data!r}")

    def _stage(self, result, command, data, skip, no_reply):
        if self.steps & skip:
            return True
        self._packet(command, data)
        return True if self.steps & no_reply else self._answer(result, command.decode())

    def _macros(self, command, macros):
        pairs = b"".join(octets(k) + b"\0" + octets(v) + b"\0" for k, v in macros.items())
        self._packet(b"D", command + pairs)

    def connect(self, client="127.0.0.1", host="client.example"):
        family = b"6" if ":" in client else b"4"
        data = octets(host) + b"\0" + family + struct.pack(">H", 25) + octets(client) + b"\0"
        return self._stage(Result([]), b"C", data, NO_CONNECT, NR_CONNECT)

    def next_client(self, **options):
        """The MTA keeps the connection for another client (SMFIC_QUIT_NC)."""
        self._packet(b"K")
        return self.connect(**options)

    def mail(self, result, sender, login=None, size=None):
        self._macros(b"M", {"{auth_authen}": login} if login else {})
        argv = octets(sender) + b"\0" + (b"SIZE=%d\0" % size if size else b"")
        return self._stage(result, b"M", argv, NO_MAIL, NR_MAIL)

    def rcpt(self, result, recipient):
        return self._stage(result, b"R", octets(recipient) + b"\0", NO_RCPT, NR_RCPT)

    def header(self, result, name, value):
        return self._stage(result, b"L", name + b"\0" + value + b"\0", NO_HEADERS, NR_HEADER)

    def leave(self, queue_id=""):
        """The end of the message, and nobody hears the answer: what the milter
        writes fails. To be closed only when it has; what comes from somebody who
        has closed already libmilter does not even read."""
        self._macros(b"E", {"i": queue_id} if queue_id else {})
        self.socket.shutdown(socket.SHUT_RD)
        self._packet(b"E")

    def wait_for_close(self, timeout=5):
        """True when the milter has closed the connection."""
        poll = select.poll()
        poll.register(self.socket, 0)
        return bool(poll.poll(timeout * 1000))

    def end(self, result, queue_id=""):
        self._macros(b"E", {"i": queue_id} if queue_id else {})
        self._packet(b"E")
        self._answer(result, "E")
        return result

    def send(self, sender, recipients, headers, body=b"text\r\n", queue_id="", login=None, size=None,
             leaves=False):
        """headers: [(name, value)], value as the MTA hands it over."""
        result = Result([(octets(n), octets(v)) for n, v in headers])
        if not self.mail(result, sender, login, size):
            return result
        for recipient in recipients:
            if not self.rcpt(result, recipient):
                return result
        for name, value in list(result.headers):
            if not self.header(result, name, value):
                return result
        if not self._stage(result, b"N", b"", NO_EOH, NR_EOH):
            return result
        if not self._stage(result, b"B", body, NO_BODY, NR_BODY):
            return result
        return self.leave(queue_id) if leaves else self.end(result, queue_id)

    def abort(self):
        self._packet(b"A")
