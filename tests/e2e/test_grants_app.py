# SPDX-License-Identifier: Apache-2.0
"""Grants in which nobody signs in: what the application shows, what is said
when it is refused, how often the provider is asked."""

import os
import re

import pytest

from office365.assertions import AppCertificate, Federated, Issuer, split
from relay.tokend import UID

CONFIG = """
tokend {{
    listen        = {{ "{d}/tokend.sock" }}
    control       = "{d}/control.sock"
    allow_users   = {{ "root" }}
    store         = "{store}"
    seal_key_file = "{d}/secrets/seal.key"
}}
application "contoso" {{
    provider       = "custom"
    tenant_id      = "{o.tenant}"
    {client_id}
    {proof}
    token_endpoint = "{o.token_endpoint}"
    app_scope      = "https://outlook.office365.com/.default"
    hosts          = {{ "localhost" }}
    ca_file        = "{o.ca_file}"
}}
account "@example.org" {{
    application = "contoso"
    grant       = "client_credentials"
}}
account "relay@contoso.com" {{
    application = "contoso"
    grant       = "client_credentials"
}}
"""
SUBJECT = "system:serviceaccount:mail:postoak"


def put(tokend, name, data, mode=0o600):
    """A file among the secrets of a daemon or relay; its path."""
    base = tokend.directory
    if os.path.isdir(os.path.join(base, "etc")):
        base = os.path.join(base, "etc")
    path = os.path.join(base, "secrets", name)
    if isinstance(data, str):
        data = data.encode()
    with open(path, "wb", opener=lambda p, f: os.open(p, f, mode)) as f:
        f.write(data)
    os.chmod(path, mode)
    os.chown(path, UID, UID)
    return path


@pytest.fixture
def make(make_tokend, entra):
    """A daemon whose application proves itself as proof says."""
    def make(proof, start=True, client_id=True):
        tokend = make_tokend(start=False)
        named = f'client_id = "{entra.client_id}"' if client_id else ""
        with open(tokend.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(
                d=tokend.directory, store=tokend.store, o=entra,
                proof=proof, client_id=named))
        return tokend.start() if start else tokend
    return make


PEM = """certificate_file = "secrets/app.crt"
    key_file = "secrets/app.key" """


def with_pem(make, certificate, more=""):
    tokend = make(PEM + more, start=False)
    put(tokend, "app.crt", certificate.pem, 0o644)
    put(tokend, "app.key", certificate.key_pem)
    return tokend.start()


def relay_settings(proof):
    office = """
application "contoso" {{
    provider       = "custom"
    tenant_id      = "{tenant}"
    client_id      = "{client_id}"
    PROOF
    token_endpoint = "{token_endpoint}"
    app_scope      = "https://outlook.office365.com/.default"
    hosts          = {{ "localhost" }}
    ca_file        = "{ca_file}"
}}
""".replace("PROOF", proof)
    accounts = """
account "relay@contoso.com" {
    application = "contoso"
    grant       = "client_credentials"
}
"""
    return office, accounts


def deliver(make_relay, office, proof, files):
    """One message through real Postfix; the relay."""
    relay = make_relay(start=False)
    application, accounts = relay_settings(proof)
    for name, data in files.items():
        put(relay, name, data)
    relay.write_config(accounts, application)
    relay.tokend.start()
    relay.milter.start()
    relay.postfix.start()
    relay.send()
    assert len(office.wait_messages(1, 60)) == 1
    assert [r.grant for r in office.token_requests] == ["client_credentials"]
    assert relay.status()["state"] == "ok"
    return relay


# --- certificates -----------------------------------------------------------

def test_certificate_delivers(make_relay, office):
    certificate = AppCertificate()
    office.add_certificate(certificate)
    relay = deliver(make_relay, office, PEM, {
        "app.crt": certificate.pem, "app.key": certificate.key_pem})
    status = relay.status()
    assert status["certificate_expires"] == certificate.expires
    assert status["client_secret_expires"] is None
    shown = relay.postoak("status", "relay@contoso.com")
    assert re.search(r"certificate +expires", shown)


def test_assertion_as_sent(make, entra):
    certificate = AppCertificate()
    entra.add_certificate(certificate)
    tokend = with_pem(make, certificate)
    first = tokend.ask(account="a@example.org")
    assert first["status"] == "ok"
    assert tokend.ask(account="b@example.org")["token"] == first["token"]
    assert tokend.ask()["token"] == first["token"]
    assert tokend.control("refresh", "relay@contoso.com")["status"] == "ok"
    requests = entra.token_requests
    assert [r.outcome for r in requests] == ["issued", "issued"]
    assert "client_secret" not in requests[0].parameters
    headers, claims = zip(*[split(r.assertion)[:2] for r in requests])
    assert headers[0]["alg"] == "PS256"
    assert claims[0]["exp"] - claims[0]["iat"] == 300
    assert claims[0]["jti"] != claims[1]["jti"]
    log = tokend.read_log()
    assert requests[0].assertion not in log and "PRIVATE" not in log


def test_rs256(make, entra):
    certificate = AppCertificate()
    entra.add_certificate(certificate)
    tokend = with_pem(make, certificate, '\nassertion_algorithm = "RS256"')
    assert tokend.ask()["status"] == "ok"
    assert split(entra.token_requests[0].assertion)[0]["alg"] == "RS256"


def test_encrypted_key_and_one_file(make, entra):
    certificate = AppCertificate()
    entra.add_certificate(certificate)
    tokend = make('certificate_file = "secrets/app.pem" '
                  'key_passphrase_file = "secrets/phrase"', start=False)
    put(tokend, "app.pem",
        certificate.pem + certificate.encrypted_key_pem("a phrase"))
    put(tokend, "phrase", "a phrase\n")
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    put(tokend, "phrase", "another\n")
    out = tokend.check()
    assert out.returncode == 78
    assert "passphrase of key_passphrase_file does not open" in out.stderr


def test_unknown_certificate(make, entra):
    """Not latched: uploading it mends it without a change here."""
    certificate = AppCertificate()
    tokend = with_pem(make, certificate)
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("config", "aadsts.700027")
    assert certificate.thumbprint() in answer["text"]
    assert "secrets/app.crt" in answer["text"]
    status = tokend.status()
    assert status["state"] == "needs_admin"
    assert status["last_error"]["text"] == answer["text"]
    assert status["last_error"]["retry_at"] is not None
    assert tokend.ask()["code"] == "aadsts.700027"
    assert len(entra.token_requests) == 1
    entra.add_certificate(certificate)
    assert tokend.control("refresh", "relay@contoso.com")["status"] == "ok"
    assert tokend.status()["state"] == "ok"


def test_new_certificate_is_tried_at_once(make, entra):
    certificate = AppCertificate()
    entra.add_certificate(certificate)
    tokend = with_pem(make, AppCertificate())
    assert tokend.ask()["code"] == "aadsts.700027"
    put(tokend, "app.crt", certificate.pem)
    put(tokend, "app.key", certificate.key_pem)
    assert tokend.ask()["status"] == "ok"
    assert tokend.status()["certificate_expires"] == certificate.expires
    assert len(entra.token_requests) == 2


def test_expired_certificate(make, entra):
    certificate = AppCertificate(days=-1)
    entra.add_certificate(certificate)
    tokend = with_pem(make, certificate)
    answer = tokend.ask()
    assert answer["code"] == "aadsts.700027"
    assert f"valid until {certificate.expires}" in answer["text"]
    assert len(entra.token_requests) == 1
    # It keeps nothing else from starting, but is said.
    out = tokend.check()
    assert out.returncode == 0
    assert f"app.crt expired on {certificate.expires}" in out.stderr


def test_two_certificates_overlap(make, entra):
    old, new = AppCertificate(days=-1), AppCertificate(days=90)
    entra.add_certificate(old)
    entra.add_certificate(new)
    tokend = make('certificate_file = { "secrets/1.crt", "secrets/2.crt" }\n'
                  'key_file = { "secrets/1.key", "secrets/2.key" }',
                  start=False)
    for number, certificate in ((1, old), (2, new)):
        put(tokend, f"{number}.crt", certificate.pem)
        put(tokend, f"{number}.key", certificate.key_pem)
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert [r.outcome for r in entra.token_requests] == ["700027", "issued"]
    assert tokend.status()["certificate_expires"] == new.expires


@pytest.mark.parametrize("switches, code, state", [
    (dict(http=503), "endpoint", "retrying"),
    (dict(http=429, retry_after=600), "aadsts.90055", "retrying"),
    (dict(error="700024"), "aadsts.700024", "needs_admin"),
    (dict(error="65001"), "aadsts.65001", "needs_admin"),
    (dict(behaviour="refuse"), "endpoint", "retrying"),
])
def test_certificate_failures(make, entra, switches, code, state):
    certificate = AppCertificate()
    entra.add_certificate(certificate)
    tokend = with_pem(make, certificate)
    entra.set(**switches)
    answer = tokend.ask()
    assert answer["code"] == code and "contoso" in answer["text"]
    assert tokend.status()["state"] == state
    assert len(entra.token_requests) == (
        0 if switches.get("behaviour") == "refuse" else 1)
    entra.set(**{name: None for name in switches})
    assert tokend.control("refresh", "relay@contoso.com")["status"] == "ok"


def broken_files(tokend):
    one, other = AppCertificate(), AppCertificate()
    put(tokend, "app.crt", one.pem)
    put(tokend, "app.key", other.key_pem)
    yield "app.key holds a key that does not belong to the certificate"
    put(tokend, "app.key", one.key_pem, 0o640)
    yield "chmod 0600"
    put(tokend, "app.key", one.pem)
    yield "app.key holds no private key"
    put(tokend, "app.key", one.key_pem)
    put(tokend, "app.crt", "nonsense")
    yield "app.crt holds no certificate"
    put(tokend, "app.crt", one.pem + one.key_pem, 0o644)
    yield "others than its owner have rights"
    os.remove(os.path.join(tokend.directory, "secrets", "app.key"))
    put(tokend, "app.crt", one.pem)
    yield "there is no file"


def test_check_of_files(make):
    tokend = make(PEM, start=False)
    for words in broken_files(tokend):
        out = tokend.check()
        assert out.returncode == 78
        assert words in out.stderr
        assert re.search(r"postoak\.conf:\d+: certificate_file: ", out.stderr)


@pytest.mark.parametrize("phrase", [None, "a phrase"])
def test_pkcs12(make, entra, phrase):
    certificate = AppCertificate()
    entra.add_certificate(certificate)
    proof = 'certificate_file = "secrets/app.p12"'
    if phrase:
        proof += ' key_passphrase_file = "secrets/phrase"'
    tokend = make(proof, start=False)
    put(tokend, "phrase", phrase or "none")
    put(tokend, "app.p12", certificate.pkcs12(phrase))
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert tokend.status()["certificate_expires"] == certificate.expires
    put(tokend, "phrase", "wrong")
    put(tokend, "app.p12", certificate.pkcs12("another phrase"))
    out = tokend.check()
    assert out.returncode == 78
    assert "app.p12 is a PKCS#12 file that" in out.stderr
    assert "key_passphrase_file" in out.stderr
    put(tokend, "app.p12", certificate.pkcs12(phrase), 0o644)
    assert "chmod 0600" in tokend.check().stderr


def test_pkcs12_delivers(make_relay, office):
    certificate = AppCertificate()
    office.add_certificate(certificate)
    deliver(make_relay, office, 'certificate_file = "secrets/app.p12"',
            {"app.p12": certificate.pkcs12()})


# --- federated token file ---------------------------------------------------

FEDERATED = 'federated_token_file = "secrets/token"'


def test_federated_file_delivers(make_relay, office):
    issuer = Issuer()
    office.add_federated(Federated(issuer, SUBJECT))
    deliver(make_relay, office, FEDERATED,
            {"token": issuer.token(SUBJECT)})


def test_federated_file_is_read_for_each_request(make, entra):
    issuer = Issuer()
    entra.add_federated(Federated(issuer, SUBJECT))
    tokend = make(FEDERATED, start=False)
    tokens = [issuer.token(SUBJECT, n=n) for n in range(2)]
    # As Kubernetes does it: a link to the current one, readable by others.
    put(tokend, "0", tokens[0] + "\n", 0o644)
    put(tokend, "1", tokens[1] + "\n", 0o644)
    link = os.path.join(tokend.directory, "secrets", "token")
    os.symlink("0", link)
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    os.symlink("1", link + ".new")
    os.replace(link + ".new", link)
    assert tokend.control("refresh", "relay@contoso.com")["status"] == "ok"
    assert [r.assertion for r in entra.token_requests] == tokens
    assert tokens[0] not in tokend.read_log()


@pytest.mark.parametrize("subject, audience, url, number", [
    (SUBJECT.upper(), "api://AzureADTokenExchange", None, 700213),
    (SUBJECT, "api://AzureADTokenExchangeUSGov", None, 700212),
    (SUBJECT, "api://AzureADTokenExchange", "https://evil.example", 700211),
])
def test_federated_mismatch(make, entra, subject, audience, url, number):
    issuer = Issuer()
    entra.add_federated(Federated(issuer, SUBJECT))
    shown = Issuer(url) if url else issuer
    tokend = make(FEDERATED, start=False)
    put(tokend, "token", shown.token(subject, audience))
    tokend.start()
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("config", f"aadsts.{number}")
    for words in (subject, audience, shown.url):
        assert words in answer["text"]
    assert tokend.status()["state"] == "needs_admin"
    assert tokend.ask()["kind"] == "config"
    assert len(entra.token_requests) == 1
    # The next one the issuer writes is tried at once.
    put(tokend, "token", issuer.token(SUBJECT))
    assert tokend.ask()["status"] == "ok"


def test_expired_federated_token(make, entra):
    issuer = Issuer()
    entra.add_federated(Federated(issuer, SUBJECT))
    tokend = make(FEDERATED, start=False)
    put(tokend, "token", issuer.token(SUBJECT, lifetime=-10))
    tokend.start()
    assert tokend.ask()["code"] == "aadsts.700024"
    assert tokend.status()["state"] == "needs_admin"
    assert len(entra.token_requests) == 1
