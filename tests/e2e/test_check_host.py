# SPDX-License-Identifier: Apache-2.0
"""postoak check, this host: each planted fault is found, with its remedy, and
nothing else is called a fault."""
import contextlib
import os
import shutil
import subprocess

import pytest

from relay import wait_until
from relay.process import free_port

NOBODY = 65534


@pytest.fixture
def healed(checked):
    yield checked
    checked.restore()


def test_a_healthy_host_has_no_fault(healed):
    findings = healed.check("host")
    assert {f["verdict"] for f in findings} <= {"ok", "note"}
    assert {"configuration", "tokend", "milter", "clock", "secret",
            "jail_socket", "plugin", "reach", "ca"} <= \
        {f["id"] for f in findings if f["verdict"] == "ok"}


# --- faults -------------------------------------------------------------------

@contextlib.contextmanager
def moved(path):
    os.rename(path, path + ".away")
    try:
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        os.rename(path + ".away", path)


@contextlib.contextmanager
def rights(path, mode=None, uid=None):
    before = os.stat(path)
    if mode is not None:
        os.chmod(path, mode)
    if uid is not None:
        os.chown(path, uid, -1)
    try:
        yield
    finally:
        os.chown(path, before.st_uid, before.st_gid)
        os.chmod(path, before.st_mode & 0o7777)


def away(*names):
    return lambda place: moved(os.path.join(place.relay.directory, *names))


def mode(number, *names):
    return lambda place: rights(
        os.path.join(place.relay.directory, *names), number)


def owner(uid, *names):
    return lambda place: rights(
        os.path.join(place.relay.directory, *names), uid=uid)


@contextlib.contextmanager
def other_file(path, text):
    with moved(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        yield


def text_in(text, *names):
    return lambda place: other_file(
        os.path.join(place.relay.directory, *names), text)


@contextlib.contextmanager
def stopped(daemon):
    daemon.stop()
    try:
        yield
    finally:
        daemon.start()


@contextlib.contextmanager
def changed(place, *changes):
    """Until restore()."""
    def change(text):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return text
    place.config(change)
    yield


def config(*changes):
    return lambda place: changed(place, *changes)


@contextlib.contextmanager
def reloaded(place, *changes):
    """The daemons know of the change, too."""
    with changed(place, *changes):
        place.relay.postoak("reload")
    try:
        yield
    finally:
        place.restore()
        place.relay.postoak("reload")


@contextlib.contextmanager
def wrong_clock(place):
    place.relay.office.set(clock_off=-3600)
    place.relay.postoak("refresh", "relay@contoso.com")
    try:
        yield
    finally:
        place.relay.office.set(clock_off=0)
        place.relay.postoak("refresh", "relay@contoso.com")


PLUGIN = r"""
#include <stddef.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
static int new_(void *g, sasl_client_params_t *p, void **c)
{ (void)g; (void)p; *c = NULL; return SASL_OK; }
static sasl_client_plug_t plugs[] = {{.mech_name = "XOAUTH2", .max_ssf = SSF,
    .security_flags = SASL_SEC_NOANONYMOUS | FLAGS, .mech_new = new_}};
int sasl_client_plug_init(const sasl_utils_t *u, int max, int *version,
    sasl_client_plug_t **list, int *count)
{ (void)u; (void)max; *version = SASL_CLIENT_PLUG_VERSION; *list = plugs;
  *count = 1; return SASL_OK; }
"""


@contextlib.contextmanager
def other_plugin(place, name, flags, ssf):
    path = os.path.join(place.relay.directory, "sasl2", f"lib{name}.so")
    subprocess.run(["cc", "-shared", "-fPIC", f"-DFLAGS={flags}",
                    f"-DSSF={ssf}", "-x", "c", "-", "-o", path],
                   input=PLUGIN, text=True, check=True, timeout=60)
    try:
        yield
    finally:
        os.remove(path)


@contextlib.contextmanager
def other_socket(place):
    environment = place.postfix.command("postconf", "-h", "import_environment")
    place.main("import_environment=" + environment.strip()
               + " POSTOAK_SOCKET=/run/postoak/other.sock")
    yield


@contextlib.contextmanager
def ca_directory(place):
    place.option("smtp_tls_CAfile", "")
    place.option("smtp_tls_CApath", "/etc/ssl/certs")
    yield


JAIL = ("spool", "run", "postoak")
MILTER_JAIL = ("spool", "run", "postoak-milter")
HOLD = ("max_message_size", 'on_limit = { "hold", "tempfail" }\n'
        'max_message_size')

# What is planted, the finding it makes, and words of the remedy.
FAULTS = {
    "jail socket missing": (
        away(*JAIL, "tokend.sock"),
        "FAIL", "jail_socket", "systemctl restart postoak-tokend"),
    "jail socket elsewhere": (
        other_socket,
        "FAIL", "jail_socket", '/spool/run/postoak/other.sock" to listen'),
    "jail socket behind a closed door": (
        mode(0o700, *JAIL), "FAIL", "jail_socket", "chmod a+x"),
    "Postfix may have no token": (
        lambda place: reloaded(place, ('{ "postfix", "root" }', '{ "root" }')),
        "FAIL", "allow_users", "allow_users"),
    "milter's socket is closed": (
        mode(0o600, *MILTER_JAIL, "milter.sock"),
        "FAIL", "milter_socket", "open to group postfix"),
    "milter's socket outside of the jail": (
        config(("spool/run/postoak-milter/milter.sock", "run-milter/m.sock")),
        "FAIL", "milter_socket", "listen in section milter"),
    "jail without a resolver": (
        away("spool", "etc", "resolv.conf"),
        "FAIL", "jail_resolver", "cp /etc/resolv.conf"),
    "jail with an old resolver": (
        text_in("nameserver 192.0.2.1\n", "spool", "etc", "resolv.conf"),
        "warn", "jail_resolver", "cp /etc/resolv.conf"),
    "authorities outside of the jail": (
        ca_directory, "FAIL", "jail_ca", "smtp_tls_CAfile"),
    "another plugin is preferred": (
        lambda place: other_plugin(place, "xoauth2",
                                   "SASL_SEC_NOPLAINTEXT", 60),
        "FAIL", "plugin_shadowed", "dpkg -S"),
    "another plugin stands behind": (
        lambda place: other_plugin(place, "zoauth2", 0, 0),
        "warn", "plugin_shadowed", "libzoauth2.so"),
    "no plugin": (
        away("sasl2", "libpostoak.so"), "FAIL", "plugin", "saslplugindir="),
    "a plugin that does not load": (
        text_in("not a library", "sasl2", "libpostoak.so"),
        "FAIL", "plugin", "libpostoak.so of this version"),
    "tokend down": (
        lambda place: stopped(place.relay.tokend),
        "FAIL", "tokend", "systemctl start postoak-tokend"),
    "milter down": (
        lambda place: stopped(place.relay.milter),
        "FAIL", "milter", "systemctl start postoak-milter"),
    "clock off by an hour": (wrong_clock, "FAIL", "clock", "have"),
    "secret that others can read": (
        mode(0o644, "etc", "secrets", "contoso.client"),
        "FAIL", "secret", "chmod 0600"),
    "secret missing": (
        away("etc", "secrets", "relay.password"),
        "FAIL", "secret", "put the secret into it"),
    "secret of another user": (
        owner(0, "etc", "secrets", "relay.password"),
        "FAIL", "secret_owner", "chown 60601"),
    "store open to others": (
        mode(0o755, "store", "tokens"), "FAIL", "store", "chmod 700"),
    "counters open to others": (
        mode(0o755, "counters"), "FAIL", "counters", "chmod 700"),
    "configuration that others can write": (
        mode(0o666, "etc", "postoak.conf"),
        "FAIL", "configuration_mode", "chmod go-w"),
    "name that is not found": (
        # Longer than a label may be: no name server is asked.
        config(("//127.0.0.1:", "//" + 64 * "a" + ".example:")),
        "FAIL", "dns", "name server"),
    "endpoint that does not answer": (
        lambda place: changed(place, (
            place.relay.office.token_endpoint.replace("localhost", "127.0.0.1"),
            f"https://127.0.0.1:{free_port()}/token")),
        "FAIL", "reach", "firewall"),
    "authorities missing": (
        lambda place: changed(
            place, (place.relay.office.ca_file, "/nonexistent/ca.pem")),
        "FAIL", "ca", "ca_file"),
    "held mail that nobody lets go": (
        lambda place: reloaded(place, HOLD),
        "warn", "release_timer", "postoak-release.timer"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_nothing_else(healed, fault):
    plant, verdict, name, remedy = FAULTS[fault]
    with plant(healed):
        troubles = healed.troubles("host")
    assert set(troubles) == {name}, [f["seen"] for f in troubles.values()]
    assert troubles[name]["verdict"] == verdict
    assert remedy in troubles[name]["remedy"]


def test_a_configuration_that_cannot_be_read(healed):
    healed.config(lambda text: text + "\nnonsense = 1\n")
    troubles = healed.troubles("host")
    assert set(troubles) == {"configuration"}
    assert "nonsense" in troubles["configuration"]["seen"]
    assert healed.relay.config in troubles["configuration"]["seen"]


def test_tokend_with_another_configuration(healed):
    path = healed.relay.config + ".new"
    shutil.copy2(healed.relay.config, path)
    troubles = healed.troubles("host", config=path)
    assert set(troubles) == {"tokend_configuration"}
    assert healed.relay.config in troubles["tokend_configuration"]["remedy"]


def test_a_proxy_of_the_environment_is_not_obeyed(healed):
    troubles = healed.troubles(
        "host", env={"https_proxy": "http://user:pass@proxy.example:3128"})
    assert set(troubles) == {"proxy"}
    assert 'proxy = "http://proxy.example:3128' in troubles["proxy"]["remedy"]
    assert "pass" not in str(troubles)


def test_what_only_root_can_see_is_no_fault(healed):
    findings = healed.check("host", user=NOBODY)
    assert {f["verdict"] for f in findings} == {"ok", "note"}
    assert {"tokend", "milter", "secret", "jail_socket"} <= \
        {f["id"] for f in findings if f["verdict"] == "note"}


# --- as people see it -----------------------------------------------------------

def test_text_is_readable_at_80_columns(healed):
    with FAULTS["tokend down"][0](healed):
        out = healed.relay.postoak(
            "check", "--area", "host", "--config-directory",
            healed.postfix.config, check=False)
    lines = out.stdout.splitlines()
    assert out.returncode == 78 and "\033" not in out.stdout
    assert lines[0] == "This host"
    assert max(map(len, (line for line in lines
                         if healed.relay.directory not in line))) <= 80
    at = next(i for i, line in enumerate(lines) if line.startswith("  FAIL  "))
    assert any(line.startswith("        -> systemctl start postoak-tokend")
               for line in lines[at:at + 3])
    assert lines[-1].startswith("1 FAIL, 0 warn, ")
    wait_until(lambda: "relay@contoso.com" in healed.relay.postoak("status"),
               "tokend to be there again")


def test_wrong_arguments_are_usage_errors(healed):
    for wrong in (["--area", "nonsense"], ["--nonsense"], ["a", "b"]):
        out = healed.relay.postoak("check", *wrong, check=False)
        assert (out.returncode, out.stdout) == (64, "") and out.stderr
    out = healed.relay.postoak("check", "x@y.example", check=False)
    assert out.returncode == 66 and "no account x@y.example" in out.stderr
