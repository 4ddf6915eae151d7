# SPDX-License-Identifier: Apache-2.0
"""Hostile header blocks (tests/unit/hostile.c; test_hostile judges a million)
before a second judge, Python's email, and through a real Postfix and sendmail."""
import email.policy
import os
import re
import smtplib
import subprocess

from relay.relay import OFFICE
from relay.sendmail import SERVER, Sendmail

OWN, SALES, ALIAS = "relay@contoso.com", "sales@contoso.com", "@alias.contoso.com"


def blocks(build, first, count):
    """(utf8, sender afterwards, header before, header afterwards) of each."""
    out = subprocess.run([os.path.join(build, "unit", "hostile_blocks"), str(first), str(count)],
                         capture_output=True, timeout=120, check=True).stdout
    while out:
        line, _, out = out.partition(b"\n")
        _, utf8, *lengths = (int(word) for word in line.split())
        parts = []
        for length in lengths:
            parts.append(out[:length])
            out = out[length:]
        yield bool(utf8), *parts


def fields(block, wanted):
    """The values of a field, blanks before the colon or not."""
    for field in re.split(rb"\n(?![ \t])", block.rstrip(b"\n")):
        name, colon, value = field.partition(b":")
        if colon and name.rstrip(b" \t").lower() == wanted:
            yield value


def judge(block, alias=True):
    """None, or what is wrong with the sender of a header block."""
    if re.search(rb"\r(?!\n)", block):
        return "a bare CR"
    values = list(fields(block, b"from"))
    if len(values) != 1:
        return f"{len(values)} From fields"
    text = values[0].decode("utf-8", "surrogateescape").lstrip(" \t")
    # Python 3.11 crashes when a name ends with a dot.
    text = re.sub(r"[. \t\n]+<", " <", text)
    try:
        field = email.policy.default.header_fetch_parse("From", text)
    except ValueError as fault:
        return f"{fault}: {text!r}"
    bad = [d for d in field.defects if type(d).__name__ == "InvalidHeaderDefect"
           and not re.search("encoded.word", str(d))]
    if bad or len(field.addresses) != 1 or any(g.display_name for g in field.groups):
        return f"{field.addresses} {bad}"
    address, = field.addresses
    named = address.addr_spec.lower()
    if named not in (OWN, SALES) and not (alias and named.endswith(ALIAS) and named.count("@") == 1):
        return f"from {named}"
    # Whatever was encoded has been decoded here, quoted or not.
    return f"the name {address.display_name}" if re.search("[<>]", address.display_name) else None


def test_a_second_judge(build):
    count = 0
    for utf8, sender, before, after in blocks(build, 5000000, 12000):
        wrong = judge(after)
        if wrong is None and not utf8 and any(c > 0x7f for v in fields(after, b"from") for c in v):
            wrong = "From above ASCII in a message that is not declared so"
        if wrong is None and judge(b"From: " + sender + b"\n") is not None:
            wrong = f"the envelope sender {sender}"
        assert wrong is None, f"{wrong}\n{after!r}\nbefore: {before!r}"
        count += 1
    assert count > 9000


def test_the_second_judge_is_strict():
    for block in (b"From: evil@example.com\n", b"Subject: x\n",
                  b"From: relay@contoso.com\nfrom : evil@example.com\n",
                  b"From: relay@contoso.com, evil@example.com\n",
                  b"From: Team: relay@contoso.com;\n",
                  b"From: =?utf-8?q?=3Cevil=40example=2Ecom=3E?= <relay@contoso.com>\n",
                  b'From: "=?utf-8?q?=3Cevil=40example=2Ecom=3E?=" <relay@contoso.com>\n',
                  b"From: relay@contoso.com\nSubject: x\rFrom: y\n"):
        assert judge(block), block
    assert judge(b'To: x\nFROM : "Other, Ann"\n <Relay@contoso.com>\n') is None


def submit_one(client, head):
    assert client.mail("evil@example.com")[0] == 250
    assert client.rcpt("someone@example.net")[0] == 250
    assert client.docmd("DATA")[0] == 354
    # Not smtplib's own: it would mend the line breaks.
    data = re.sub(rb"\r?\n", b"\r\n", head) + b"\r\nbody\r\n"
    client.send(re.sub(rb"(?m)^\.", b"..", data) + b".\r\n")
    return client.getreply()


def submit(port, heads, refusals=rb"5\.7\.1 "):
    """As an application that knows no rules sends; how many were taken."""
    taken, rest = 0, list(heads)
    while rest:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.ehlo()
            code = 250
            while rest and code == 250:  # after a refusal some hang up
                head = rest.pop(0)
                code, reply = submit_one(client, head)
                assert code == 250 or re.match(refusals, reply), (head, code, reply)
                taken += code == 250
    return taken


def messages(build, count):
    return [before for _, _, before, _ in blocks(build, 7000000, count) if len(before) < 50000]


def check(office, taken):
    for message in office.wait_messages(taken, 120):
        assert message.mail_from.lower() in (OWN, SALES)
        head = message.raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        wrong = judge(head, alias=False)
        assert wrong is None, f"{wrong}\n{head!r}"


def test_through_postfix(relay, office, build):
    """It reads, counts and edits fields in its own way."""
    taken = submit(relay.postfix.port, messages(build, 330))
    assert taken > 250
    check(office, taken)
    assert "status=bounced" not in relay.postfix.log()


def test_through_sendmail(make_relay, office, build):
    """So does sendmail."""
    office.set(token_bytes=1200)
    relay = make_relay(start=False)
    relay.write_config(office=OFFICE.replace('"localhost"', f'"{SERVER}"'))
    relay.tokend.start()
    relay.milter.start()
    sendmail = Sendmail(relay, build, office, milter=os.path.join(
        relay.directory, "spool/run/postoak-milter/milter.sock"))
    try:
        sendmail.start()
        # It has its own words for a bare CR.
        taken = submit(sendmail.port, messages(build, 150), rb"5\.7\.1 |4\.5\.0 Bare ")
        assert taken > 100
        check(office, taken)
        assert "DSN" not in sendmail.log()
    finally:
        sendmail.stop()
