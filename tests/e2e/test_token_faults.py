# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to the token: mail waits with the reason in the log, is
never bounced, and goes by itself when the fault is over."""
import re
import signal

import pytest

from relay import wait_until

PLUGIN_DEADLINE_S = 6.0
# What a busy machine may add to it; without the deadline it would be 60 s.
BUSY_S = 20.0


def reasons(relay, queue_id):
    """What the smtp(8) processes that deferred a message said about SASL.
    Postfix logs the plugin's sentence just before the deferral, under the
    same process id."""
    found, said = [], {}
    for line in relay.postfix.log().splitlines():
        match = re.search(r"postfix/smtp\[(\d+)\]: (.*)", line)
        if not match:
            continue
        pid, text = match.groups()
        if "SASL authentication failure:" in text:
            said[pid] = text.partition("SASL authentication failure: ")[2]
        elif text.startswith(queue_id) and "status=deferred" in text:
            found.append((said.get(pid, ""), text))
    return found


def wait_reason(relay, queue_id, pattern=".", timeout=90):
    def seen():
        return [r for r in reasons(relay, queue_id) if re.search(pattern, r[0])]
    try:
        return wait_until(seen, f"a deferral of {queue_id} for {pattern!r}",
                          timeout)[-1]
    except TimeoutError:
        raise AssertionError(
            f"no {pattern!r} among {reasons(relay, queue_id)}\n"
            + relay.postfix.log()[-3000:] + relay.tokend.read_log()[-3000:])


def setup_times(relay, queue_id):
    """Seconds that each attempt spent on connecting and logging in (the third
    of Postfix's delays=)."""
    return [float(m.group(1)) for line in relay.postfix.lines(queue_id)
            for m in [re.search(r"delays=[\d.]+/[\d.]+/([\d.]+)/", line)] if m]


def assert_delivered_once(relay, office, count=1):
    try:
        messages = office.wait_messages(count, 60)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n" + relay.postfix.log()[-3000:]
                             + relay.tokend.read_log()[-3000:]) from None
    assert len(messages) == count
    wait_until(lambda: not relay.postfix.queue(), "an empty queue", 60)
    assert "status=bounced" not in relay.postfix.log()


FAULTS = {
    "refused": (dict(behaviour="refuse"), r"endpoint|connect"),
    "silent": (dict(behaviour="silent"), r"wait|time"),
    "status 500": (dict(http=500), r"500"),
    "throttled": (dict(http=429, retry_after=2), r"429"),
    "a web page": (dict(behaviour="html200"), r"JSON|json"),
    "truncated": (dict(behaviour="truncated"), r"endpoint"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_endpoint(relay, office, fault):
    switches, sentence = FAULTS[fault]
    office.set(**switches)
    queue_id = relay.send()
    warning, deferral = wait_reason(relay, queue_id, sentence)
    assert "relay@contoso.com" in warning, warning
    assert not office.messages()
    office.set(**{name: None for name in switches})
    assert_delivered_once(relay, office)
    assert max(setup_times(relay, queue_id)) < PLUGIN_DEADLINE_S + BUSY_S


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_tokend_away(relay, office, how):
    """Stopped or killed: deferred with the reason; started again: delivered."""
    getattr(relay.tokend, how)()
    queue_id = relay.send()
    warning, _ = wait_reason(relay, queue_id, "postoak-tokend")
    relay.tokend.start()
    assert_delivered_once(relay, office)


def test_tokend_hangs(relay, office):
    """A tokend that does not answer holds an smtp(8) for the deadline only."""
    relay.tokend.signal(signal.SIGSTOP)
    queue_id = relay.send()
    try:
        wait_reason(relay, queue_id)
        assert max(setup_times(relay, queue_id)) < PLUGIN_DEADLINE_S + BUSY_S
    finally:
        relay.tokend.signal(signal.SIGCONT)
    assert_delivered_once(relay, office)


def test_expired_token_and_50_processes(make_relay, office):
    """50 smtp(8) at once find the token expired: one request serves all."""
    relay = make_relay(start=False)
    relay.postfix.settings.update({
        "default_process_limit": "200",
        "defer_transports": "smtp",
        "initial_destination_concurrency": "50",
        "default_destination_concurrency_limit": "50",
    })
    relay.start()
    office.set(lifetime=6)
    relay.postoak("refresh", "relay@contoso.com")
    # Asleep while its token runs out, as a host in suspend.
    relay.tokend.signal(signal.SIGSTOP)
    ends = office.token_requests[-1].time + 6
    for number in range(50):
        relay.send(sender=f"erp{number}@app.example")
    wait_until(lambda: office.now() > ends, "the token's end")
    office.set(lifetime=3600, delay=2)
    relay.tokend.signal(signal.SIGCONT)
    relay.postfix.set(defer_transports="")
    relay.postfix.reload()
    relay.postfix.flush()
    assert_delivered_once(relay, office, 50)
    assert len(office.token_requests) == 2
    assert not re.search(r"SASL authentication fail", relay.postfix.log())


def test_wrong_password_is_not_tried_again(relay, office):
    """50126: one attempt, whatever the queue does; the log says what to do."""
    relay.write_secret("relay.password", "not-the-password")
    relay.tokend.stop()
    relay.tokend.start()
    first = relay.send()
    warning, _ = wait_reason(relay, first, "50126|password")
    assert "relay.password" in warning and "relay@contoso.com" in warning
    # The queue keeps trying, and a second message comes.
    second = relay.send()
    wait_reason(relay, second)
    wait_until(lambda: len(reasons(relay, first)) >= 3, "three attempts")
    assert len(office.token_requests) == 1
    # Not after a restart either.
    relay.tokend.stop()
    relay.tokend.start()
    before = len(reasons(relay, first))
    wait_until(lambda: len(reasons(relay, first)) > before, "another attempt")
    assert len(office.token_requests) == 1
    # The right one in the file, and a reload: all goes.
    relay.write_secret("relay.password", office.password)
    relay.postoak("reload")
    assert_delivered_once(relay, office, 2)


def test_expired_secret(relay, office):
    """7000222: likewise, and the sentence names the application and file."""
    office.set(error="7000222")
    queue_id = relay.send()
    warning, _ = wait_reason(relay, queue_id, "expired")
    assert "contoso" in warning and "contoso.client" in warning
    wait_until(lambda: len(reasons(relay, queue_id)) >= 3, "three attempts")
    assert len(office.token_requests) == 1
    office.set(error=None)
    relay.postoak("refresh", "relay@contoso.com")
    assert_delivered_once(relay, office)


def test_outage_is_not_noticed(relay, office):
    """With a token in memory a dead endpoint delays nothing."""
    relay.send()
    office.wait_messages(1, 30)
    office.set(behaviour="refuse")
    relay.send()
    assert_delivered_once(relay, office, 2)
