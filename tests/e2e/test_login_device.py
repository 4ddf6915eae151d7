# SPDX-License-Identifier: Apache-2.0
"""postoak login --device: from a code on a terminal to a delivered message,
and everything that can come between."""
import json
import re
import socket
import subprocess

import pytest

from login_tool import ACCOUNT, accounts, login
from relay import wait_until
from screen import read_code

EX_OK, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 0, 75, 77, 78


@pytest.fixture
def relay(make_relay, office):
    office.set(device_interval=1)
    return make_relay(accounts=accounts(office, "device_code"))


def grants(office):
    return [r.grant.rpartition(":")[2] for r in office.token_requests]


def files(relay):
    out = subprocess.run(["ls", "-A", f"{relay.directory}/store/tokens"],
                         capture_output=True, text=True, check=True)
    # What was warned of is kept beside the records.
    return [name for name in out.stdout.split() if name != ".notes"]


def sentence(terminal):
    return " ".join(terminal.text.split())


def test_mail_waits_for_the_sign_in(relay, office):
    """Mail that was refused a token is delivered with the one of the sign-in,
    without a restart of anything; and it lives on without anybody."""
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}: .*status=deferred")
    assert "postoak login relay@contoso.com" in relay.postfix.log()
    assert not office.token_requests and not office.sign_ins.devices()
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(polls=1)
        assert device.user_code in terminal.text
        assert "To sign in, use a web browser to open the page" in \
            sentence(terminal)
        assert terminal.wait_text(r"\d+:\d\d left")
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert terminal.wait() == EX_OK
        assert "signed in" in terminal.text
        assert "SMTP.Send IMAP.AccessAsUser.All" in terminal.text
        assert "FAIL" not in terminal.text and "warn" not in terminal.text
    message, = office.wait_messages(1, 60)
    assert (message.auth_user, message.mail_from) == (ACCOUNT, ACCOUNT)
    assert set(grants(office)) == {"device_code"}
    relay.tokend.kill()
    relay.tokend.start()
    assert relay.postoak("token", ACCOUNT).strip()
    assert grants(office)[-1] == "refresh_token"
    log = relay.tokend.read_log()
    assert "1.AX0A" not in log and "eyJ" not in log
    assert device.user_code not in log


def test_polling_obeys_the_interval_and_slow_down(relay, office):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(polls=2)
        office.sign_ins.slow_down(device.user_code)
        device = office.sign_ins.wait_device(polls=3)
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert terminal.wait() == EX_OK
    assert device.slowed == 1 and len(device.polls) == 4
    steps = [b - a for a, b in zip(device.polls, device.polls[1:])]
    assert steps[0] >= 0.95 and steps[1] >= 0.95
    assert steps[2] >= 5.9, "five seconds more"


@pytest.mark.parametrize("what, words", [
    ("decline", "declined"), ("expire", "expired")])
def test_declined_or_expired_changes_nothing(relay, office, what, words):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device()
        getattr(office.sign_ins, what)(device.user_code)
        assert terminal.wait() == EX_NOPERM
        assert words in sentence(terminal)
    assert relay.status()["state"] == "idle"
    assert files(relay) == []


def test_a_failed_login_leaves_the_token_there_is(relay, office):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device()
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert terminal.wait() == EX_OK
    before, kept = relay.postoak("token", ACCOUNT), files(relay)
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(after=device)
        office.sign_ins.decline(device.user_code)
        assert terminal.wait() == EX_NOPERM
    assert relay.postoak("token", ACCOUNT) == before
    assert files(relay) == kept
    assert relay.status()["state"] == "ok"


def test_ctrl_c_leaves_nothing_behind(relay, office):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(polls=1)
        terminal.interrupt()
    with login(relay, "--device") as terminal:  # not "under way" any more
        second = office.sign_ins.wait_device(polls=1, after=device)
        polls, second_polls = len(device.polls), len(second.polls) + 2
        office.sign_ins.wait_device(polls=second_polls, after=device)
        assert len(device.polls) == polls, "the first one is polled no more"
    assert relay.status()["state"] == "idle" and files(relay) == []


def test_one_login_at_a_time(relay, office):
    with login(relay, "--device"):
        office.sign_ins.wait_device()
        out = relay.postoak("login", ACCOUNT, "--device", check=False)
        assert out.returncode == EX_TEMPFAIL
        assert "another login is under way" in " ".join(out.stderr.split())
    assert len(office.sign_ins.devices()) == 1


@pytest.mark.parametrize("number, words", [
    ("50076", "AADSTS50076"), ("53003", "AADSTS53003"),
    ("7000218", "AADSTS7000218"), ("65001", "AADSTS65001")])
def test_refusals_say_what_to_do(relay, office, number, words):
    """MFA, Conditional Access, no public client, no consent."""
    with login(relay, "--device") as terminal:
        office.sign_ins.wait_device()
        office.set(error=number)
        assert terminal.wait() in (EX_NOPERM, EX_CONFIG)
        assert words in sentence(terminal)
    office.set(error=None)
    assert files(relay) == []


def test_the_code_itself_is_refused(relay, office):
    office.set(error="700016")
    out = relay.postoak("login", ACCOUNT, "--device", check=False)
    assert out.returncode == EX_CONFIG and "AADSTS700016" in out.stderr


def test_an_outage_while_waiting_is_sat_out(relay, office):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(polls=1)
        office.set(http=503, once=1)
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert terminal.wait() == EX_OK


def test_polling_obeys_retry_after(relay, office):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(polls=1)
        office.set(http=429, retry_after=8, once=1)
        device = office.sign_ins.wait_device(polls=2)
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert terminal.wait() == EX_OK
    # The one between them came after a second; 429 alone would be six more.
    assert device.polls[1] - device.polls[0] >= 8.8


@pytest.mark.parametrize("more, level, words", [
    (dict(grant_scope="https://graph.microsoft.com/SMTP.Send offline_access"),
     "FAIL", "Microsoft Graph"),
    (dict(grant_scope="https://outlook.office.com/IMAP.AccessAsUser.All"
                      " offline_access"), "FAIL", "SMTP.Send"),
    (dict(grant_scope="https://outlook.office.com/SMTP.Send"
                      " https://outlook.office.com/IMAP.AccessAsUser.All"),
     "FAIL", "offline_access")])
def test_what_the_token_lacks_is_said(relay, office, more, level, words):
    office.set(**more)
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device()
        office.sign_ins.approve(device.user_code, ACCOUNT)
        assert terminal.wait() == EX_CONFIG
        assert re.search(rf"{level}.* {words}", sentence(terminal))


def test_the_wrong_person_is_named(relay, office):
    office.add_user("admin@contoso.com", "x")
    with login(relay, "--device", NO_COLOR="1") as terminal:
        device = office.sign_ins.wait_device()
        office.sign_ins.approve(device.user_code, "admin@contoso.com")
        assert terminal.wait() == EX_OK
        assert "warn admin@contoso.com has signed in" in sentence(terminal)


def test_the_qr_code_is_shown_on_a_terminal_only(relay, office):
    with login(relay, "--device") as terminal:
        device = office.sign_ins.wait_device(polls=1)
        assert "\u2580" in terminal.text
        terminal.interrupt()
    with login(relay, "--device", TERM="dumb") as terminal:
        office.sign_ins.wait_device(polls=1, after=device)
        assert "\u2580" not in terminal.text and "code" in terminal.text


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_a_telephone_reads_the_qr_code(relay, office, env):
    """In colours, and drawn for a dark terminal without them."""
    with login(relay, "--device", **env) as terminal:
        office.sign_ins.wait_device(polls=1)
        terminal.wait_text("Ctrl-C gives it up")
        address = re.search(r"address +(\S+)", terminal.text).group(1)
        assert address == office.authority + "/devicelogin"
        assert ("\x1b[30;107m" in terminal.text) is not bool(env)
        assert read_code(terminal.text) == address
        # The reader sees a code, not the address beside it.
        assert read_code(terminal.text.replace("\u2580", "\u2588")) == ""
        terminal.interrupt()


def test_grants_that_need_nobody(make_relay, office):
    relay = make_relay()
    for way in ("--device", "--browser"):
        out = relay.postoak("login", ACCOUNT, way, check=False)
        assert out.returncode == EX_CONFIG
        assert "needs nobody to sign in" in " ".join(out.stderr.split())


def test_logout_forgets_both_generations(relay, office):
    device = None
    for _ in range(2):
        with login(relay, "--device") as terminal:
            device = office.sign_ins.wait_device(after=device)
            office.sign_ins.approve(device.user_code, ACCOUNT)
            assert terminal.wait() == EX_OK
    assert len(files(relay)) == 2
    assert "forgotten" in relay.postoak("logout", ACCOUNT)
    assert files(relay) == []
    requests = len(office.token_requests)
    out = relay.postoak("token", ACCOUNT, check=False)
    assert out.returncode == EX_NOPERM and "postoak login" in out.stderr
    assert len(office.token_requests) == requests
    assert relay.status()["refresh_token"] is False


def control(relay):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(f"{relay.directory}/run/control.sock")
    return s


def test_a_stalled_client_disturbs_nobody(relay, office):
    """One that sends half a request, one that reads nothing, one that asks
    further while it waits."""
    request = json.dumps({"version": 1, "verb": "login", "account": ACCOUNT,
                          "method": "device"}).encode()
    with control(relay) as half, control(relay) as mute:
        half.sendall(request)
        mute.sendall(request + b"\n" + request + b"\n")
        device = office.sign_ins.wait_device(polls=1)
        assert relay.status()["state"] == "idle"
        office.sign_ins.approve(device.user_code, ACCOUNT)
        wait_until(lambda: relay.status()["state"] == "ok", "the token")
        lines = mute.makefile("rb")
        steps = [json.loads(lines.readline()) for _ in range(3)]
        assert [s.get("step") for s in steps[:2]] == ["device", "waiting"]
        while steps[-1]["status"] == "progress":
            steps.append(json.loads(lines.readline()))
        assert steps[-1]["status"] == "ok"
        # The request behind it is answered next, in order.
        assert json.loads(lines.readline())["step"] == "device"


def test_stopping_is_told(relay, office):
    with login(relay, "--device") as terminal:
        office.sign_ins.wait_device()
        relay.tokend.stop()
        assert terminal.wait() == EX_TEMPFAIL
        assert "being stopped" in sentence(terminal)
