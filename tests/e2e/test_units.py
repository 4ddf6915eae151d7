# SPDX-License-Identifier: Apache-2.0
"""The units that are shipped, as installed, under a real systemd: what they
take away from the programs is not missed."""
import json
import os
import re

import pytest

from relay import wait_until
from relay.systemd import InsidePostfix, Systemd
from test_install import make

CONFIG = """
application "contoso" {{
    provider           = "office365"
    tenant_id          = "11111111-2222-3333-4444-555555555555"
    client_id          = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "secrets/contoso.client"
}}
account "relay@contoso.com" {{
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/relay.password"
    limits        = {{ "{limit} messages / 1h" }}
    on_limit      = {{ "hold", "tempfail" }}
}}
"""
# As the unit's comment says, for a host without the journal.
WATCH_A_FILE = """[Service]
ExecStart=
ExecStart=/usr/local/bin/postoak watch /var/log/mail.log
"""
REFUSED = ("Nov 24 00:00:01 mx postfix/smtp[1]: {id}: to=<x@example.net>, "
           "relay=smtp.office365.com[192.0.2.9]:587, dsn=5.2.252, status=bounced "
           "(host smtp.office365.com[192.0.2.9] said: 550 5.2.252 Sender throttled "
           "due to continuous send as denied errors. (in reply to end of DATA command))\n")


@pytest.fixture
def host(directory, build):
    """Installed as README says, systemd running, nothing started."""
    systemd = Systemd(directory)
    make(build, "install", f"DESTDIR={systemd.image}")
    systemd.prepare()
    try:
        systemd.start()
        systemd.run("systemd-sysusers", "/usr/local/lib/sysusers.d/postoak.conf")
        systemd.run("systemd-tmpfiles", "--create",
                    "/usr/local/lib/tmpfiles.d/postoak.conf")
        for name in ("contoso.client", "relay.password"):
            systemd.write(f"etc/postoak/secrets/{name}", "x\n", 0o600)
            systemd.run("chown", "postoak:", f"/etc/postoak/secrets/{name}")
        systemd.write("etc/postoak/postoak.conf", CONFIG.format(limit=1))
        yield systemd
    finally:
        systemd.stop()


def send(host):
    host.run("sendmail", "-f", "erp@app.example", "x@example.net",
             stdin="From: ERP <erp@app.example>\nSubject: x\n\nx\n")


def used(host):
    answer = json.loads(host.run("postoak", "limits", "--json").stdout)
    return answer["accounts"][0]


def test_a_message_is_held_released_and_refused(host):
    host.systemctl("start", "postoak-tokend.service", "postoak-milter.service")
    for unit in ("postoak-tokend", "postoak-milter"):
        state = host.show(f"{unit}.service", "ActiveState", "NRestarts", "MainPID")
        assert (state["ActiveState"], state["NRestarts"]) == ("active", "0"), host.log()
    assert "relay@contoso.com" in host.run("postoak", "status", check=False).stdout
    postfix = InsidePostfix(host, {
        "default_transport": "discard", "enable_long_queue_ids": "yes",
        "smtpd_milters": "unix:run/postoak-milter/milter.sock",
        "non_smtpd_milters": "unix:run/postoak-milter/milter.sock",
        "milter_default_action": "tempfail"}).start()
    host.systemctl("start", "postoak-release.service")
    send(host)
    postfix.wait_log(r"from=<relay@contoso\.com>")
    postfix.wait_log(r"discard\[\d+\]: \w+: .*status=sent")
    assert "rewritten: account=relay@contoso.com" in host.log()
    # Over the limit: held; and let go when there is room again.
    send(host)
    wait_until(lambda: used(host)["held"]["count"] == 1, "a held message")
    held, = postfix.queue()
    assert held["queue_name"] == "hold"
    host.systemctl("start", "postoak-release.service")
    assert [m["queue_name"] for m in postfix.queue()] == ["hold"]
    host.write("etc/postoak/postoak.conf", CONFIG.format(limit=2))
    host.systemctl("reload", "postoak-milter.service")
    wait_until(lambda: used(host)["limits"][0]["max"] == 2, "the other limit")
    # The timer does it by itself.
    host.systemctl("start", "postoak-release.timer")
    postfix.wait_log(rf"discard\[\d+\]: {held['queue_id']}: .*status=sent")
    result = host.show("postoak-release.service", "Result", "ExecMainStatus")
    assert result == {"Result": "success", "ExecMainStatus": "0"}, host.log()
    # What the provider says of it reaches the milter.
    host.write("etc/units/postoak-watch.service.d/file.conf", WATCH_A_FILE)
    host.systemctl("daemon-reload")
    os.chmod(postfix.log_path, 0o640)
    host.run("chgrp", "adm", "/var/log/mail.log")
    host.systemctl("start", "postoak-watch.service")
    with open(postfix.log_path, "a", encoding="utf-8") as log:
        log.write(REFUSED.format(id=held["queue_id"]))
    wait_until(lambda: used(host)["refused"], "the account to be marked")
    assert "warning" not in host.log()
    # Counts outlive it, and nothing was restarted meanwhile.
    host.systemctl("restart", "postoak-milter.service")
    assert used(host)["limits"][0]["used"] == 2
    for unit in ("postoak-tokend", "postoak-milter", "postoak-watch"):
        state = host.show(f"{unit}.service", "ActiveState", "NRestarts")
        assert state == {"ActiveState": "active", "NRestarts": "0"}, host.log()


def test_what_is_taken_away_is_gone(host):
    """The sandbox is real here: the milter's rights are none, its files few."""
    host.systemctl("start", "postoak-milter.service")
    pid = host.show("postoak-milter.service", "MainPID")["MainPID"]
    status = host.run("cat", f"/proc/{pid}/status").stdout
    assert re.findall(r"^Cap\w+:\t(\w+)", status, re.M) == ["0" * 16] * 5
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status


    # By root, who may enter what is only shut and not taken away.
    def there(command, path):
        return host.run(command, f"/proc/{pid}/root{path}", check=False)
    for path in ("/etc/postoak/secrets", "/var/lib/postoak", "/home"):
        assert there("ls", path).stdout == "", path
    for path in ("/etc/x", "/usr/local/x", "/var/spool/postfix/x"):
        assert "Read-only" in there("touch", path).stderr, path
    assert there("touch", "/var/lib/postoak-milter/x").returncode == 0
    shell = host.run("nsenter", "--target", pid, "--mount", "/bin/sh", check=False)
    assert "Permission denied" in shell.stderr


CONNECT = "import socket; print(socket.create_connection(('127.0.0.1', 8891), 60))"


def test_what_the_manual_gives_back_is_enough(host):
    """A milter on the network: the drop-in that is shown there, as it stands;
    without it nobody can connect."""
    manual = os.path.join(os.path.dirname(__file__), "../../milter/postoak-milter.8")
    with open(manual, encoding="utf-8") as f:
        shown, = re.findall(r"^(\[Service\]\nPrivateNetwork=no\n.*?)^\.Ed", f.read(), re.M | re.S)
    with open(host.path("etc/postoak/postoak.conf"), "a", encoding="utf-8") as f:
        f.write('milter { listen = "inet:8891@127.0.0.1" }\n')
    host.run("systemctl", "start", "postoak-milter.service", check=False)
    assert host.run("/usr/bin/python3", "-c", CONNECT, check=False).returncode != 0
    host.write("etc/units/postoak-milter.service.d/network.conf", shown)
    host.systemctl("daemon-reload")
    host.systemctl("restart", "postoak-milter.service")
    assert "8891" in host.run("/usr/bin/python3", "-c", CONNECT).stdout
