# SPDX-License-Identifier: Apache-2.0
"""A small submission server: everything of SMTP but the words of AUTH.

`exchange` puts a provider's words and habits into it. It captures all bytes
that clients send, inside TLS and outside, so that a test can show that a
token never arrived.
"""

import secrets
import ssl

from .listener import Listener, loopback
from .rules import Message

MAX_COMMAND = 65536  # AUTH with an initial response is one line
MAX_AUTH_LINE = 65536
MAX_MESSAGE = 157286400
IDLE_TIMEOUT_S = 60


class Ended(Exception):
    """The client is gone, or has to go."""


class Wire:
    """Lines and blocks of bytes over a socket that may turn to TLS."""

    def __init__(self, connection, captured):
        self.socket = connection
        self.tls = False
        self._captured = captured
        self._buffer = b""

    def start_tls(self, context):
        # What was sent before the handshake must not count as sent in it.
        self._buffer = b""
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.tls = True

    def send(self, *lines):
        self.socket.sendall("".join(
            line + "\r\n" for line in lines).encode())

    def line(self, limit=MAX_COMMAND):
        """One line without its end; longer than the limit: Ended."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > limit:
                self.send("500 5.5.2 Line too long")
                raise Ended
            self._fill()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.removesuffix(b"\r")

    def block(self, size):
        while len(self._buffer) < size:
            self._fill()
        block, self._buffer = self._buffer[:size], self._buffer[size:]
        return block

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise Ended
        self._captured.append(data)
        self._buffer += data


def split_headers(data):
    """Return ([(name, value with its blanks)], body)."""
    headers = []
    while data:
        line, _, rest = data.partition(b"\n")
        text = line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if not text:
            return headers, rest
        if text[0] in " \t" and headers:
            headers[-1] = (headers[-1][0], headers[-1][1] + "\n" + text)
        elif ":" in text:
            name, _, value = text.partition(":")
            headers.append((name, value))
        else:
            break  # not a header field: the body starts here
        data = rest
    return headers, data


def mail_address(argument):
    """The address of `FROM:<a@b> SIZE=1`; None if it is malformed."""
    text = argument.partition(":")[2].strip()
    if not text.startswith("<") or ">" not in text:
        return None
    return text[1:text.index(">")]


class Dialogue:
    """One connection. Subclasses say what a provider says."""

    hello = "at your service"
    keywords = ()
    mechanisms = ""
    need_auth = "530 5.7.57 Client not authenticated to send mail."
    unknown = "500 5.5.1 Unrecognized command"
    queued = "250 2.0.0 OK"

    def __init__(self, wire, server):
        self.wire = wire
        self.server = server
        self.user = None
        self.mechanism = ""
        self._message = None
        self._data = b""

    def run(self):
        self.wire.send(self.banner())
        try:
            while True:
                line = self.wire.line().decode("utf-8", "surrogateescape")
                verb, _, argument = line.partition(" ")
                handler = getattr(
                    self, "verb_" + verb.lower(), self.verb_unknown)
                handler(argument)
        finally:
            self.server.rules.session_closed(self)

    def banner(self):
        raise NotImplementedError

    def authenticate(self, mechanism, response):
        """Carry AUTH out; response is None or the initial one."""
        raise NotImplementedError

    def verb_unknown(self, _argument):
        self.wire.send(self.unknown)

    def verb_ehlo(self, _argument):
        self._message = None
        lines = [self.hello] + list(self.keywords)
        if self.server.tls and not self.wire.tls:
            lines.append("STARTTLS")
        if self._may_authenticate():
            lines.append("AUTH " + self.mechanisms)
        self.wire.send(*["250-" + line for line in lines[:-1]],
                       "250 " + lines[-1])

    def verb_helo(self, _argument):
        self.wire.send("250 " + self.hello)

    def verb_noop(self, _argument):
        self.wire.send("250 2.0.0 OK")

    def verb_rset(self, _argument):
        self._message = None
        self.wire.send("250 2.0.0 Resetting")

    def verb_quit(self, _argument):
        self.wire.send("221 2.0.0 Service closing transmission channel")
        raise Ended

    def verb_starttls(self, _argument):
        if not self.server.tls or self.wire.tls:
            return self.verb_unknown("")
        self.wire.send("220 2.0.0 SMTP server ready")
        self.wire.start_tls(self.server.context)
        self.user = self._message = None
        return None

    def _may_authenticate(self):
        return self.wire.tls or self.server.auth_without_tls

    def verb_auth(self, argument):
        mechanism, _, response = argument.partition(" ")
        mechanism = mechanism.upper()
        if self.user:
            self.wire.send("503 5.5.1 Already authenticated")
        elif not self._may_authenticate() or \
                mechanism not in self.mechanisms.split():
            self.wire.send("504 5.7.4 Unrecognized authentication type")
        else:
            self.authenticate(mechanism, response or None)

    def accepted(self, user, mechanism):
        self.user, self.mechanism = user, mechanism
        self.server.rules.session_opened(user, self)

    def verb_mail(self, argument):
        if not self.user:
            self.wire.send(self.need_auth)
            return
        address = mail_address(argument)
        if address is None:
            self.wire.send("501 5.5.4 Invalid arguments")
            return
        self._message = Message(self.user, self.mechanism, address)
        self._data = b""
        self.wire.send("250 2.1.0 Sender OK")

    def verb_rcpt(self, argument):
        address = mail_address(argument)
        if not self._message:
            self.wire.send("503 5.5.1 Bad sequence of commands")
        elif not address:
            self.wire.send("501 5.5.4 Invalid arguments")
        else:
            self._message.rcpt_to.append(address)
            self.wire.send("250 2.1.5 Recipient OK")

    def _has_recipients(self):
        if self._message and self._message.rcpt_to:
            return True
        self.wire.send("503 5.5.1 Bad sequence of commands")
        return False

    def verb_data(self, _argument):
        if not self._has_recipients():
            return
        self.wire.send("354 Start mail input; end with <CRLF>.<CRLF>")
        lines, size = [], 0
        while True:
            line = self.wire.line(MAX_MESSAGE)
            if line == b".":
                break
            line = line[1:] if line.startswith(b".") else line
            size += len(line) + 2
            if size <= MAX_MESSAGE:
                lines.append(line + b"\r\n")
        self._submit(b"".join(lines), size)

    def verb_bdat(self, argument):
        size, _, last = argument.partition(" ")
        if not size.isdigit() or int(size) > MAX_MESSAGE:
            self.wire.send("501 5.5.4 Invalid arguments")
            raise Ended
        chunk = self.wire.block(int(size))
        if not self._has_recipients():
            return
        self._data += chunk
        if last.upper() == "LAST":
            self._submit(self._data, len(self._data))
        else:
            self.wire.send("250 2.6.0 CHUNK received OK, %s octets" % size)

    def _submit(self, data, size):
        message, self._message = self._message, None
        if size > MAX_MESSAGE:
            self.wire.send(
                "552 5.3.4 Message size exceeds fixed maximum message size")
            return
        headers, message.body = split_headers(data)
        message.set_wire_headers(headers)
        message.queue_id = secrets.token_hex(8).upper()
        reply = self.server.rules.submit(message, self)
        self.wire.send(reply or self.queued.format(id=message.queue_id))


class SmtpServer:
    """Listens on 127.0.0.1; a Dialogue per connection."""

    def __init__(self, dialogue, port, rules, log):
        self.port = port
        self.rules = rules
        self.log = log
        self.tls = True
        self.auth_without_tls = False
        self.context = None
        self.captured = []
        self.verifier = None
        self.listener = None
        self._dialogue = dialogue

    def start(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(certificate, key)
        self.listener = Listener(loopback(self.port), self._serve)
        self.listener.resume()
        self.listener.start()

    def stop(self):
        self.listener.stop()

    def _serve(self, connection):
        connection.settimeout(IDLE_TIMEOUT_S)
        wire = Wire(connection, self.captured)
        try:
            self._dialogue(wire, self).run()
        except (Ended, OSError, ValueError) as error:
            self.log("smtp: connection ended %s" % error)
        finally:
            wire.socket.close()
