# SPDX-License-Identifier: Apache-2.0
"""The figures that tokend serves for Prometheus."""
import datetime
import http.client
import socket
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from relay import free_port

ACCOUNT, SECOND = "relay@contoso.com", "second@contoso.com"


def fetch(port, path="/metrics", host=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


def figures(port):
    """(name, labels) -> value; the parser refuses what is no OpenMetrics."""
    status, kind, text = fetch(port)
    assert status == 200
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return {(s.name, *sorted(s.labels.items())): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples}


def state(found, account):
    name = "postoak_account_state"
    return [dict(key[1:])[name] for key, value in found.items()
            if key[0] == name and ("account", account) in key and value == 1]


def set_option(tokend, port, extra=""):
    tokend.write_config()
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    text = text.replace("tokend {", f'tokend {{ metrics = "127.0.0.1:{port}"', 1)
    text = text.replace('application "contoso" {',
                        f'application "contoso" {{ {extra}', 1)
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(text)


@pytest.fixture
def port(tokend):
    number = free_port()
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5)
    set_option(tokend, number, f'client_secret_expires = "{soon.date()}"')
    tokend.reload()
    return number


def test_states_ends_and_warnings(tokend, entra, port):
    tokend.ask()
    entra.set(http=503)
    tokend.ask(account=SECOND, wait_ms=2000)
    found = figures(port)
    assert state(found, ACCOUNT) == ["ok"]
    assert state(found, SECOND) == [tokend.status(SECOND)["state"]] != ["ok"]
    ends = found["postoak_token_expiry_timestamp_seconds", ("account", ACCOUNT)]
    assert abs(ends - time.time() - 3600) < 60
    assert ("postoak_token_expiry_timestamp_seconds",
            ("account", SECOND)) not in found
    assert found["postoak_token_waiters", ("account", ACCOUNT)] == 0
    shown = [w["code"] for w in tokend.status()["warnings"]]
    assert shown
    for code in shown:
        assert found["postoak_account_warning", ("account", ACCOUNT),
                     ("code", code)] == 1


def test_only_what_is_asked_for_by_a_name_of_ours(tokend, port):
    assert fetch(port, "/")[0] == 404
    assert fetch(port, method="POST")[0] in (405, 501)
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example"):
        assert fetch(port, host=host)[0] == 400
    for host in (f"localhost:{port}", "127.0.0.1", "[::1]:9466"):
        assert fetch(port, host=host)[0] == 200


def test_reload_opens_and_closes_it(tokend, port):
    other = free_port()
    set_option(tokend, other)
    tokend.reload()
    assert figures(other)
    with pytest.raises(ConnectionRefusedError):
        fetch(port)
    tokend.write_config()
    tokend.reload()
    with pytest.raises(ConnectionRefusedError):
        fetch(other)


def test_a_port_that_is_taken_stops_no_mail(tokend):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        taken = s.getsockname()[1]
        set_option(tokend, taken)
        tokend.restart()
        assert tokend.ask()["status"] == "ok"
        assert f"no figures are served, mail goes on; the address of metrics is " \
            f"taken or not this host's: metrics=127.0.0.1:{taken}" in tokend.read_log()
