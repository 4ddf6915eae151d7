# SPDX-License-Identifier: Apache-2.0
"""Exchange Online's rules about a submitted message, and what it accepted.

All refusals are given after the end of data, as Exchange gives them. The
milter before Postfix and the stand-in's own SMTP servers both ask here.
"""

import collections
import email.utils
import threading
import time
from dataclasses import dataclass, field

from .switches import MESSAGE

HOSTNAME = "AM0PR01MB0001.eurprd01.prod.exchangelabs.com"
CONNECTIONS = (
    "432 4.3.2 Concurrent connections limit exceeded. Visit"
    " https://aka.ms/concurrent_sending for more information."
    " [Hostname=%s]" % HOSTNAME)
# Exchange slows down today; it refused in earlier years. No text is known.
RATE = (
    "451 4.7.1 Message rate limit exceeded: more than %d messages a minute."
    " [Hostname=%s]")
SENDER = (
    "550 5.7.60 SMTP; Client does not have permissions to send as this"
    " sender [%s]" % HOSTNAME)
SEND_AS = (
    "554 5.2.252 SendAsDenied; %s not allowed to send as %s;"
    " STOREDRV.Submission.Exception:SendAsDeniedException."
    "MapiExceptionSendAsDenied; Failed to process message due to a permanent"
    " exception with message [BeginDiagnosticData]Cannot submit message."
    " [EndDiagnosticData] [Hostname=" + HOSTNAME + "]")
NO_FROM = (
    "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2"
    " compliant")
SEVERAL_FROM = (
    "550 5.1.20 Multiple From addresses are not allowed in message without"
    " Sender header")
WINDOW_S = 60


@dataclass
class Message:
    """A message as the client sent it, before any server's own header."""

    auth_user: str
    auth_mechanism: str
    mail_from: str = ""
    rcpt_to: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    body: bytes = b""
    queue_id: str = ""
    time: float = 0

    @property
    def raw(self):
        """The bytes as they came, with CRLF line ends."""
        head = "".join(
            "%s:%s\r\n" % (name, value.replace("\n", "\r\n"))
            for name, value in self._spaced())
        return head.encode("utf-8", "surrogateescape") + b"\r\n" + self.body

    def _spaced(self):
        # A value keeps the blanks it came with in `wire_headers`.
        return getattr(self, "wire_headers", None) or [
            (name, " " + value) for name, value in self.headers]

    def set_wire_headers(self, headers):
        """Take (name, value with leading blanks) pairs."""
        self.wire_headers = list(headers)
        self.headers = [(name, value.lstrip(" \t"))
                        for name, value in self.wire_headers]

    def header(self, name):
        """All values of that header field."""
        return [value for key, value in self.headers
                if key.lower() == name.lower()]


def from_addresses(message):
    """The addresses in all From fields, lower case."""
    pairs = email.utils.getaddresses(
        [value.replace("\n", "") for value in message.header("From")])
    return [address.lower() for _, address in pairs if address]


class Rules:
    """Keeps the sessions and the minute's messages of each mailbox."""

    def __init__(self, directory, switches, accepted):
        self._directory = directory
        self._switches = switches
        self._accepted = accepted
        self._lock = threading.Lock()
        self._sessions = collections.defaultdict(list)
        self._recent = collections.defaultdict(collections.deque)
        self.refused = []  # (time, mailbox, reply)
        self.peak_sessions = 0

    def session_opened(self, user, session):
        """A session has authenticated; telling it again does no harm."""
        with self._lock:
            sessions = self._sessions[user.lower()]
            if session not in sessions:
                sessions.append(session)
                self.peak_sessions = max(self.peak_sessions, len(sessions))

    def session_closed(self, session):
        with self._lock:
            for sessions in self._sessions.values():
                if session in sessions:
                    sessions.remove(session)

    def submit(self, message, session):
        """Accept and record the message: None; or the reply to refuse with."""
        switches = self._switches.take(MESSAGE)
        message.time = time.time()
        with self._lock:
            reply = switches["message_reply"] \
                or self._limits(message, session, switches) \
                or self._senders(message)
            if reply:
                self.refused.append((message.time, message.auth_user, reply))
                return reply
            self._recent[message.auth_user.lower()].append(time.monotonic())
        self._accepted.add(message)
        return None

    def _limits(self, message, session, switches):
        user = message.auth_user.lower()
        sessions = self._sessions[user]
        most = switches["max_connections"]
        # The first ones may go on; those opened beyond them may not.
        if most is not None and session in sessions[most:]:
            return CONNECTIONS
        most = switches["messages_per_minute"]
        recent = self._recent[user]
        while recent and recent[0] <= time.monotonic() - WINDOW_S:
            recent.popleft()
        if most is not None and len(recent) >= most:
            return RATE % (most, HOSTNAME)
        return None

    def _senders(self, message):
        mailbox = self._directory.mailbox(message.auth_user)
        if mailbox is None or not mailbox.may_send_as(message.mail_from):
            return SENDER
        addresses = from_addresses(message)
        if not addresses:
            return NO_FROM
        fields = len(message.header("From"))
        if fields > 1 or (
                len(addresses) > 1 and not message.header("Sender")):
            return SEVERAL_FROM
        for address in addresses:
            if not mailbox.may_send_as(address):
                return SEND_AS % (message.auth_user, address)
        return None
