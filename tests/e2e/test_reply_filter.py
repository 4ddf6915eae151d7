# SPDX-License-Identifier: Apache-2.0
"""The reply filter of postoak mta postfix with a real smtp(8): what the server
says of the account puts mail off, what it says of one message bounces it."""
import json
import os

import pytest

from relay import Relay, wait_until
from relay.printed import start_with_printed_settings
from relay.process import Daemon

STOREDRV = "STOREDRV.Submission.Exception:"
QUOTA = f"554 5.2.0 {STOREDRV}SubmissionQuotaExceededException; Failed to process message"
BLOCKED = "550 5.2.252 Sender throttled due to continuous send as denied errors."
DEFERRED = [
    QUOTA, BLOCKED,
    "550 5.1.90 Your message can't be sent because you've reached your daily limit",
    "550 5.2.2 Submission quota exceeded",
    "550 5.2.251 Sender throttled due to continuous mailbox full errors.",
    "550 5.2.253 Sender throttled due to continuous invalid license errors.",
    "550 5.2.254 Sender throttled due to continuous too many recipients errors.",
    "550 5.2.255 Sender throttled due to continuous invalid recipients errors.",
    "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit",
    "550 5.1.8 Access denied, bad outbound sender",
    f"554 5.2.0 {STOREDRV}OutboundSpamException; Failed to process message",
]
BOUNCED = [
    "550 5.1.1 User unknown",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "554 5.2.252 SendAsDenied; relay@contoso.com not allowed to send as x@y.example",
    f"554 5.2.0 {STOREDRV}MessageSubmissionExceededException",
]
LOGIN = {
    "5.7.3": "5.7.3 Authentication unsuccessful",
    "5.7.139-tenant": "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
    "5.7.139-defaults": "5.7.139 Authentication unsuccessful, user is locked",
}


@pytest.fixture
def relay(directory, build, entra):
    entra.set(max_connections=None, messages_per_minute=None)
    relay = Relay(os.path.join(directory, "relay"), build, entra)
    os.mkdir(relay.directory)
    relay.prepare()
    # Each reply is for one message: none that was put off tries by itself.
    relay.postfix.settings.update(minimal_backoff_time="1h", maximal_backoff_time="1h")
    # Notices of what bounced are not what is counted here.
    relay.postfix.settings["transport_maps"] = "inline:{ { relay@contoso.com = discard: } }"
    try:
        start_with_printed_settings(relay)
        yield relay
    finally:
        relay.stop()


def fate(relay, queue_id):
    """(deferred or bounced, what the server said) of its first try."""
    pattern = rf"{queue_id}: to=.*status=(\w+) \(.* said: (.*?)( \(in reply to .*)?\)\n"
    return relay.postfix.wait_log(pattern).groups()[:2]


def try_again(relay, entra, count):
    """All that was put off arrives."""
    wait_until(lambda: [m["queue_name"] for m in relay.postfix.queue()] == ["deferred"] * count,
               "all to be put off")
    relay.postfix.flush()
    entra.wait_messages(count, 60)
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")


def test_the_account_waits_and_the_message_bounces(relay, entra):
    for reply in DEFERRED:
        entra.set(message_reply=reply, once=1)
        status, said = fate(relay, relay.send())
        assert (status, said) == ("deferred", f"450 deferred by postoak: {reply}")
    for reply in BOUNCED:
        entra.set(message_reply=reply, once=1)
        assert fate(relay, relay.send()) == ("bounced", reply)
    try_again(relay, entra, len(DEFERRED))
    assert relay.postfix.log().count("status=bounced") == len(BOUNCED)
    assert len(entra.messages()) == len(DEFERRED)


def test_a_refused_login_waits(relay, entra):
    """Not only because of smtp_sasl_auth_soft_bounce."""
    relay.postfix.command("postconf", "-P",
                          "postoak_relay/unix/smtp_sasl_auth_soft_bounce=no")
    relay.postfix.reload()
    for name, text in LOGIN.items():
        entra.set(auth_reply=name, once=1)
        status, said = fate(relay, relay.send())
        assert status == "deferred" and said.startswith(f"450 deferred by postoak: 535 {text}")
    try_again(relay, entra, len(LOGIN))
    assert "status=bounced" not in relay.postfix.log()


def test_watch_and_explain_read_through_it(relay, entra):
    def refused():
        return json.loads(relay.postoak("limits", "--json"))["accounts"][0]["refused"]
    watch = Daemon([relay.program("postoak"), "-c", relay.config, "watch", relay.postfix.log_path],
                   os.path.join(relay.directory, "log", "watch.log")).start()
    try:
        for reply, kind, found in ((QUOTA, "full", "quota"), (BLOCKED, "blocked", "blocked")):
            entra.set(message_reply=reply, once=1)
            queue_id = relay.send()
            mark = wait_until(refused, "the account to be marked")
            assert mark["kind"] == kind and mark["text"].startswith(reply)
            line = next(line for line in relay.postfix.lines(queue_id) if "status=deferred" in line)
            finding, = json.loads(relay.postoak("explain", "--json", line))["findings"]
            assert finding["code"] == reply[:reply.index(" ", 4)]
            assert finding["class"] == found
            relay.postoak("limits", "relay@contoso.com", "--reset")
    finally:
        watch.stop()
