# SPDX-License-Identifier: Apache-2.0
"""The sender rules by the milter's own protocol: what is negotiated, what is
sent back and in which order, and the options that decide."""
import struct

import pytest

from milter_client import STEPS, Result
from milter_server import DOMAIN, OWN, account, promise
from relay import wait_until

HEADER_LEADSPC = 0x100000
EVIL = "<evil@example.com>"


def test_leading_blanks_are_not_asked_for(serve):
    """Without SMFIP_HDR_LEADSPC the MTA takes one blank off and puts one in;
    a value that begins with more, or with none, is read all the same."""
    server = serve()
    with server.client() as client:
        assert not client.steps & HEADER_LEADSPC
    for blanks in ("", " ", "\t", "  ", "\n ", " \n\t"):
        result = server.send(EVIL, headers=[("From", f"{blanks}ERP <evil@example.com>")])
        promise(result)
        assert result.fields("From") == [f"ERP <{OWN}>".encode()]
        result = server.send(headers=[("From", f"{blanks}{OWN}")])
        assert result.edits == [], blanks


@pytest.mark.parametrize("steps", [STEPS, 0])
def test_an_mta_may_keep_its_connection_for_the_next_client(serve, steps):
    """Nothing is negotiated again then."""
    server = serve()
    with server.client(steps=steps) as client:
        for number in range(1, 4):
            promise(client.send(EVIL, ["a@b.example"], [("From", "evil@example.com")]))
            assert client.next_client(client=f"192.0.2.{number}")
        promise(client.send(EVIL, ["a@b.example"], [("From", "evil@example.com")]))
    wait_until(lambda: "client=192.0.2.3 " in server.log(), "the last client")


def test_deletions_go_from_the_last_to_the_first(serve):
    names = ["From", "Bcc", "FROM", "bcc", "From ", "Sender", "Bcc", "sender"]
    result = serve().send(EVIL, headers=[(n, "evil@example.com") for n in names])
    promise(result)
    deleted = {}
    for command, data in result.edits:
        name, value = data[4:].split(b"\0")[:2] if command == "m" else (b"", b"x")
        if not value:
            deleted.setdefault(name, []).append(struct.unpack(">I", data[:4])[0])
    assert deleted == {b"From": [3, 2], b"Sender": [2, 1], b"Bcc": [3, 2, 1]}
    assert [name for name, _ in result.headers] == [
        b"From", b"Reply-To", b"X-Original-From"]


@pytest.mark.parametrize("name", [
    "X-From", "Fr0m", "From.", "F\u0440om", "\uff26rom", "Fromm", "From-", "_From"])
def test_look_alikes_are_left_alone(serve, name):
    result = serve().send(EVIL, headers=[(name, "boss@contoso.com")])
    promise(result)
    assert result.headers[0] == (name.encode(), b"boss@contoso.com")


@pytest.mark.parametrize("break_", ["\r", "\n", "\r\r\n ", "\r\n"])
def test_a_bare_line_break_elsewhere_is_refused(serve, break_):
    server = serve()
    result = server.send(headers=[("From", OWN), ("Subject", f"x{break_}From: evil@example.com")])
    assert result.reply.startswith(b"550 5.7.1 a header field holds a bare carriage return")
    assert server.send(headers=[("From", OWN), ("Subject", "x\n y\r\n\tz")]).edits == []


def utf8_message(server, parameters, sender, from_):
    with server.client() as client:
        result = Result([(b"From", from_.encode())])
        client._packet(b"M", b"\0".join([sender.encode(), *parameters]) + b"\0")
        client.rcpt(result, "<a@example.net>")
        client.header(result, *result.headers[0])
        return client.end(result)


def test_smtputf8(serve):
    """An address above ASCII, allowed, in a message that is declared so."""
    server = serve(account('send_as = { "@alias.contoso.com" }'))
    sender, from_ = "<j\u00fc@alias.contoso.com>", "J\u00fc <j\u00fc@alias.contoso.com>"
    assert utf8_message(server, [b"SIZE=100", b"smtputf8"], sender, from_).edits == []
    # The sendmail command declares nothing; Postfix does, when it has to.
    assert utf8_message(server, [], sender.strip("<>"), from_).edits == []
    result = utf8_message(server, [b"BODY=8BITMIME"], sender, from_)
    promise(result)
    assert result.fields("From") == [f"=?utf-8?b?SsO8?= <{OWN}>".encode()]
    assert result.sender == f"<{OWN}>".encode()


def test_nobody_is_told_about_a_notice(serve):
    """NOTIFY=NEVER: the bounce of a bounce would never end."""
    server = serve()
    notice = [("From", "MAILER-DAEMON@host.example")]
    to = ["<a@b.example>", "<c@d.example>"]
    expected = [edit for one in (b"<a@b.example>", b"<c@d.example>")
                for edit in (("-", one), ("2", one, b"NOTIFY=NEVER"))]
    assert server.send("<>", to, notice).recipients == expected
    assert server.send("", to, notice).recipients == expected
    assert server.send(EVIL, to, notice).recipients == []
    # One with a sender of its own had an end.
    assert server.send(EVIL, to, notice + [("Auto-Submitted", "auto-replied")]).recipients == []
    # An MTA that cannot: ADDRCPT without parameters, or none of it.
    for actions in (0x1FF & ~0x80, 0x1FF & ~0x8):
        with server.client(actions=actions) as client:
            result = client.send("<>", to, notice)
            promise(result)
            assert result.recipients == []
    # More than are kept: as it would be without.
    result = server.send("<>", ["<%0300d@b.example>" % n for n in range(300)], notice)
    assert result.action == "continue" and result.recipients == []


def test_on_bounce(serve):
    notice = [("From", "MAILER-DAEMON@host.example")]
    server = serve(account('on_bounce = "discard" limits = { "1 messages / 1h" }'))
    for _ in range(3):
        result = server.send("<>", headers=notice, queue_id="4Bounce")
        assert result.action == "discard" and result.edits == []
    assert "4Bounce: discarded: " in server.log()
    assert server.send().action == "continue", "they cost nothing"
    server = serve(account('on_bounce = "reject"'))
    assert server.send("<>", headers=notice).reply == (
        b"550 5.7.1 it is a delivery notice or an automatic reply, which this relay does not send")
    promise(server.send(EVIL))


def test_a_loop_is_discarded(serve):
    server = serve()
    traces = [("X-Postoak-Trace", OWN)]
    headers = [("From", "MAILER-DAEMON@host.example")]
    result = server.send("<>", headers=headers + 5 * traces)
    promise(result)
    assert len(result.fields("X-Postoak-Trace")) == 6
    result = server.send(EVIL, headers=headers + 6 * traces, queue_id="4Loop")
    assert result.action == "discard"
    assert "it has passed 6 times" in server.log()


def test_exempt_recipients(serve):
    server = serve(account('exempt_recipients = { "old.example" } on_sender = "reject" '
                           'limits = { "2 recipients / 1h" }'))
    result = server.send(EVIL, ["<a@old.example>", "<b@OLD.example>", "<c@old.example>"])
    assert result.action == "continue" and result.edits == []
    assert server.send(EVIL, ["<a@old.example>", "<b@other.example>"]).reply.startswith(b"550")
    for _ in range(2):
        assert server.send(recipients=["<a@old.example>"] * 5 + ["<b@other.example>"]
                           ).action == "continue"
    assert b"2 of 2 recipients" in server.send(recipients=["<b@other.example>"]).reply
    assert server.send(recipients=["<a@old.example>"] * 5).action == "continue"


def test_each_mailbox_of_a_domain_is_a_sender(serve):
    """It is nobody else's, not even in the same domain, and counts alone."""
    server = serve(DOMAIN.format(more='limits = { "1 messages / 1h" }'))
    result = server.send("<ann@fabrikam.com>", headers=[("From", "Bob <bob@fabrikam.com>")])
    promise(result, ("ann@fabrikam.com",))
    assert result.fields("From") == [b"Bob <ann@fabrikam.com>"]
    assert b"account ann@fabrikam.com has sent 1 of 1" in server.send(
        "<ann@fabrikam.com>", headers=[("From", "ann@fabrikam.com")]).reply
    result = server.send("<>", headers=[("From", "bob@fabrikam.com")])
    promise(result, ("bob@fabrikam.com",))
    assert result.fields("X-Postoak-Trace") == [b"bob@fabrikam.com"]
