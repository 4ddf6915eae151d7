# SPDX-License-Identifier: Apache-2.0
"""A name server on loopback for tests: TXT and CNAME records of a zone that
can be changed at any time; UDP, and TCP for answers that do not fit."""
import socket
import struct
import threading

TXT, CNAME = 16, 5
OK, SERVFAIL, NXDOMAIN = 0, 2, 3
UDP_MAX = 512


def encode_name(name):
    return b"".join(bytes([len(part)]) + part.encode()
                    for part in name.split(".") if part) + b"\0"


def decode_name(data, at):
    parts = []
    while data[at]:
        parts.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(parts).lower(), at + 1


def encode_txt(text):
    """Strings of at most 255 bytes each, as zones have long records."""
    data = text.encode()
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255]
                    for i in range(0, max(len(data), 1), 255))


class NameServer:
    """zone: {name: [text, ...]}, a text that begins with "=" is an alias. Names
    in `broken` are answered with SERVFAIL."""

    def __init__(self, zone=None):
        self.zone = dict(zone or {})
        self.broken = set()
        self.questions = []  # (name, type, "udp" or "tcp")
        self._udp = self._tcp = None
        self._open = True

    @property
    def address(self):
        return "127.0.0.1:%d" % self._udp.getsockname()[1]

    def __enter__(self):
        while self._tcp is None:
            # The same port for both; somebody else may have its TCP half.
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            tcp = socket.socket()
            try:
                tcp.bind(self._udp.getsockname())
                tcp.listen(16)
                self._tcp = tcp
            except OSError:
                tcp.close()
                self._udp.close()
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._open = False
        for name in (self._udp, self._tcp):
            try:
                name.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            name.close()

    def _serve_udp(self):
        while self._open:
            try:
                query, peer = self._udp.recvfrom(4096)
                if not query:
                    return  # shut down
                self._udp.sendto(self._answer(query, "udp"), peer)
            except OSError:
                return

    def _serve_tcp(self):
        while self._open:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                try:
                    while length := connection.recv(2, socket.MSG_WAITALL):
                        query = connection.recv(
                            struct.unpack("!H", length)[0],
                            socket.MSG_WAITALL)
                        answer = self._answer(query, "tcp")
                        connection.sendall(
                            struct.pack("!H", len(answer)) + answer)
                except OSError:
                    pass

    def _records(self, name, kind):
        """[(owner, type, data)] and the status, aliases followed."""
        records = []
        for _ in range(8):
            if name in self.broken:
                return [], SERVFAIL
            texts = self.zone.get(name)
            if texts is None:
                return records, OK if records else NXDOMAIN
            alias = next((t[1:] for t in texts if t.startswith("=")), None)
            if alias is None:
                if kind == TXT:
                    records += [(name, TXT, encode_txt(t)) for t in texts]
                return records, OK
            records.append((name, CNAME, encode_name(alias)))
            if kind == CNAME:
                return records, OK
            name = alias.lower()
        return records, SERVFAIL

    def _answer(self, query, way):
        name, at = decode_name(query, 12)
        kind, = struct.unpack("!H", query[at:at + 2])
        self.questions.append((name, kind, way))
        records, status = self._records(name, kind)
        body = b"".join(
            encode_name(owner) + struct.pack("!HHIH", type_, 1, 60, len(data))
            + data for owner, type_, data in records)
        question = query[12:at + 4]
        flags, count = 0x8580 | status, len(records)
        if way == "udp" and 12 + len(question) + len(body) > UDP_MAX:
            flags, count, body = flags | 0x0200, 0, b""
        return query[:2] + struct.pack(
            "!HHHHH", flags, 1, count, 0, 0) + question + body
