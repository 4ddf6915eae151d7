# SPDX-License-Identifier: Apache-2.0
"""The token endpoint: grants, errors, bounds, misbehaviour on demand."""

import base64
import concurrent.futures
import http.client
import json
import shutil
import socket
import ssl
import tempfile
import time

import pytest

from office365 import Office365
from office365.clients import (
    APP_SCOPE, SCOPE, app_grant, password_grant, post, refresh_grant, request,
    trust)
from office365.tokens import fingerprint


@pytest.fixture
def office():
    directory = tempfile.mkdtemp()
    with Office365(directory, mode="exchange") as running:
        yield running
    shutil.rmtree(directory)


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


# --- grants

def test_password_grant_issues_a_delegated_token(office):
    answer = password_grant(office)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store, no-cache"
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 3600
    assert answer.json["scope"] == "https://outlook.office.com/SMTP.Send"
    assert answer.json["refresh_token"]
    token = answer.json["access_token"]
    assert abs(len(token) - 5000) <= 4
    claims = claims_of(token)
    assert claims["aud"] == "https://outlook.office.com"
    assert claims["iss"] == "https://sts.windows.net/%s/" % office.tenant
    assert claims["upn"] == office.user
    assert claims["scp"] == "SMTP.Send"
    assert claims["appid"] == office.client_id
    assert abs(claims["exp"] - time.time() - 3600) < 60
    assert "roles" not in claims
    [seen] = office.token_requests
    assert (seen.grant, seen.username, seen.outcome) == (
        "password", office.user, "issued")
    assert seen.token_id == fingerprint(token)
    assert seen.secret_id == fingerprint(office.client_secret)


def test_refresh_token_only_with_offline_access(office):
    answer = password_grant(
        office, scope="https://outlook.office.com/SMTP.Send openid")
    assert "refresh_token" not in answer.json
    assert claims_of(answer.json["id_token"])["aud"] == office.client_id


def test_refresh_rotates_and_the_old_one_stays_valid(office):
    first = password_grant(office).json["refresh_token"]
    second = refresh_grant(office, first).json["refresh_token"]
    assert second != first
    assert refresh_grant(office, first).status == 200
    assert refresh_grant(office, second).status == 200


def test_refresh_token_switches(office):
    first = office.issue_refresh_token(office.user)
    office.set(rotate=False)
    assert "refresh_token" not in refresh_grant(office, first).json
    office.set(rotate=True, revoke_old=True)
    second = refresh_grant(office, first).json["refresh_token"]
    assert refresh_grant(office, first).code == 50173
    assert office.valid_refresh_tokens() == [fingerprint(second)]
    assert len(office.token_requests) == 3
    office.revoke_refresh_tokens()
    answer = refresh_grant(office, second)
    assert (answer.code, answer.json["suberror"]) == (50173, "bad_token")


def test_refresh_token_belongs_to_one_client(office):
    office.add_client("other", "other-secret")
    token = office.issue_refresh_token(office.user, "other")
    assert refresh_grant(office, token).json["suberror"] == "client_mismatch"
    assert refresh_grant(office, "garbage").code == 9002313


def test_client_credentials_token_has_roles_and_no_refresh_token(office):
    answer = app_grant(office)
    assert answer.status == 200
    assert set(answer.json) == {
        "token_type", "expires_in", "ext_expires_in", "access_token"}
    claims = claims_of(answer.json["access_token"])
    assert claims["aud"] == "https://outlook.office365.com"
    assert "SMTP.SendAsApp" in claims["roles"]
    assert "scp" not in claims and "upn" not in claims
    office.add_client("bare", "secret", roles=())
    answer = app_grant(office, client_id="bare", client_secret="secret")
    assert "roles" not in claims_of(answer.json["access_token"])


def test_secret_by_http_basic(office):
    pair = "%s:%s" % (office.client_id, office.client_secret)
    basic = "Basic " + base64.b64encode(pair.encode()).decode()
    answer = app_grant(office, client_id=None, client_secret=None,
                       headers={"Authorization": basic})
    assert answer.status == 200


def test_either_of_two_secrets(office):
    for secret in (office.client_secret, "stand-in-client-secret"):
        assert app_grant(office, client_secret=secret).status == 200


@pytest.mark.parametrize("size", [1300, 1500, 4000, 6000, 9000])
def test_token_length(office, size):
    office.set(token_bytes=size, lifetime=120)
    answer = password_grant(office).json
    assert abs(len(answer["access_token"]) - size) <= 4
    assert answer["expires_in"] == 120


# --- errors

ERRORS = [
    ({"tenant": "99999999-2222-3333-4444-555555555555"}, 90002, 400),
    ({"tenant": "nowhere.example.org"}, 90002, 400),
    ({"tenant": "no_tenant!"}, 900023, 400),
    ({"tenant": "common"}, 9001023, 400),
    ({"tenant": "organizations"}, 50194, 400),
    ({"grant_type": None}, 900144, 400),
    ({"grant_type": "implicit"}, 70003, 400),
    ({"client_id": None}, 900144, 400),
    ({"client_id": "77777777-0000-0000-0000-000000000000"}, 700016, 400),
    ({"client_secret": None}, 7000218, 401),
    ({"client_secret": "wrong"}, 7000215, 401),
    ({"username": "nobody@contoso.com"}, 50034, 400),
    ({"password": "wrong"}, 50126, 400),
    ({"password": None}, 900144, 400),
    ({"scope": None}, 900144, 400),
    ({"scope": "https://outlook.office.com/SMTP.Sned"}, 70011, 400),
    ({"scope": "offline_access"}, 70011, 400),
    ({"scope": "https://mail.example.org/SMTP.Send"}, 500011, 400),
    ({"scope": SCOPE + " https://graph.microsoft.com/User.Read"},
     700022, 400),
]


@pytest.mark.parametrize("changes, code, status", ERRORS)
def test_error(office, changes, code, status):
    answer = password_grant(office, **changes)
    assert (answer.code, answer.status) == (code, status)
    body = answer.json
    assert body["error_description"].startswith("AADSTS%d: " % code)
    assert body["trace_id"] in body["error_description"]
    assert body["correlation_id"] in body["error_description"]
    assert body["timestamp"] in body["error_description"]
    assert body["error_uri"].endswith("/error?code=%d" % code)
    assert "{" not in body["error_description"].replace("{EUII Hidden}", "")
    assert office.token_requests[0].outcome == str(code)


@pytest.mark.parametrize("flags, code", [
    ({"mfa": True}, 50076),
    ({"disabled": True}, 50057),
    ({"password_expired": True}, 50055),
    ({"consented": False}, 65001),
])
def test_user_states(office, flags, code):
    office.add_user("u@contoso.com", "secret", **flags)
    answer = password_grant(
        office, username="u@contoso.com", password="secret")
    assert answer.code == code
    assert answer.json["error"] == "invalid_grant"


def test_expired_secret_and_public_client(office):
    office.add_client("old", "secret", expired=True)
    office.add_client("open", None, public=True)
    answer = app_grant(office, client_id="old", client_secret="secret")
    assert (answer.code, answer.status) == (7000222, 401)
    assert password_grant(
        office, client_id="open", client_secret="x").code == 700025
    answer = password_grant(office, client_id="open", client_secret=None)
    assert claims_of(answer.json["access_token"])["appidacr"] == "0"


@pytest.mark.parametrize("scope", [
    "https://outlook.office365.com/SMTP.Send", APP_SCOPE + " offline_access"])
def test_client_credentials_want_the_default_scope(office, scope):
    assert app_grant(office, scope=scope).code == 70011


def test_wrong_passwords_are_counted_until_lockout(office):
    for count in range(1, 11):
        assert password_grant(office, password="wrong").code == 50126
        assert office.bad_attempts(office.user) == count
    assert password_grant(office).code == 50053


def test_a_right_password_clears_the_count(office):
    password_grant(office, password="wrong")
    password_grant(office)
    assert office.bad_attempts(office.user) == 0


def test_only_post_and_only_forms(office):
    path = "/%s/oauth2/v2.0/token" % office.tenant
    assert request(office, "GET", path).code == 900561
    answer = request(office, "POST", path, "{}",
                     {"Content-Type": "application/json"})
    assert answer.code == 900144
    assert request(office, "POST", path, "a" * 70000).status == 413
    assert request(office, "GET", "/").status == 404


def test_discovery_and_keys(office):
    base = "/%s" % office.tenant
    found = request(
        office, "GET", base + "/v2.0/.well-known/openid-configuration").json
    assert found["token_endpoint"] == office.token_endpoint
    [key] = request(office, "GET", base + "/discovery/v2.0/keys").json["keys"]
    token = office.mint_token()
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert (key["kid"], header["alg"]) == (header["kid"], "RS256")


def test_tls_is_verified_and_modern(office):
    port = int(office.authority.rsplit(":", 1)[1])
    with socket.create_connection(("localhost", port)) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(
                plain, server_hostname="localhost")
    with socket.create_connection(("localhost", port)) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            trust(office).wrap_socket(plain, server_hostname="example.org")
    with socket.create_connection(("localhost", port)) as plain:
        stream = trust(office).wrap_socket(plain, server_hostname="localhost")
        assert stream.version() in ("TLSv1.2", "TLSv1.3")
        stream.close()


# --- switches

def test_error_switch_once(office):
    office.set(error="50126", once=2)
    assert password_grant(office).code == 50126
    assert password_grant(office).code == 50126
    assert password_grant(office).status == 200
    assert office.bad_attempts(office.user) == 0


def test_any_error_number_with_suberror_and_claims(office):
    office.set(error="530036", suberror="basic_action", claims='{"a":1}')
    body = password_grant(office).json
    assert body["error_codes"] == [530036]
    assert (body["suberror"], body["claims"]) == ("basic_action", '{"a":1}')


@pytest.mark.parametrize("status", [500, 503, 429])
def test_http_status_with_retry_after(office, status):
    office.set(http=status, retry_after=7, once=1)
    answer = password_grant(office)
    assert (answer.status, answer.headers["Retry-After"]) == (status, "7")
    assert (answer.json is not None) == (status == 429)
    assert password_grant(office).status == 200


def test_string_numbers(office):
    office.set(string_numbers=True)
    assert password_grant(office).json["expires_in"] == "3600"


def test_delay(office):
    office.set(delay=0.5)
    start = time.monotonic()
    assert password_grant(office).status == 200
    assert time.monotonic() - start >= 0.5


def test_silent_until_switched_off(office):
    office.set(behaviour="silent")
    with pytest.raises(socket.timeout):
        password_grant(office, answer_timeout=0.3)
    assert office.wait_token_requests(1)[0].outcome == "silent"
    office.set(behaviour=None)
    assert password_grant(office).status == 200


def test_refused_connections_and_back(office):
    for _ in range(3):
        office.set(behaviour="refuse")
        with pytest.raises(ConnectionRefusedError):
            password_grant(office)
        office.set(behaviour=None)
        assert password_grant(office).status == 200
    assert len(office.token_requests) == 3


def test_refused_from_the_start(tmp_path):
    office = Office365(tmp_path, mode="exchange")
    office.set(behaviour="refuse")
    with office:
        with pytest.raises(ConnectionRefusedError):
            password_grant(office)
        office.set(behaviour=None)
        assert password_grant(office).status == 200


def test_bodies_that_are_no_answers(office):
    office.set(behaviour="html200", once=1)
    answer = password_grant(office)
    assert (answer.status, answer.json) == (200, None)
    assert answer.headers["Content-Type"].startswith("text/html")
    office.set(behaviour="empty200", once=1)
    assert password_grant(office).body == b""
    office.set(behaviour="truncated", once=1)
    with pytest.raises(http.client.IncompleteRead):
        password_grant(office)
    office.set(behaviour="reset", once=1)
    with pytest.raises((http.client.RemoteDisconnected, OSError)):
        password_grant(office)
    office.set(behaviour="drip", once=1)
    with pytest.raises(socket.timeout):
        password_grant(office, answer_timeout=0.1)
    assert password_grant(office).status == 200


def test_redirect_is_counted_when_followed(office):
    office.set(behaviour="redirect", once=1)
    answer = password_grant(office)
    assert answer.status == 307
    assert office.redirects_followed == 0
    path = answer.headers["Location"].removeprefix(office.authority)
    request(office, "POST", path, "x=1")
    assert office.redirects_followed == 1


def test_oversize_body_does_not_end(office):
    office.set(behaviour="oversize", once=None)
    port = int(office.authority.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection(
        "localhost", port, context=trust(office), timeout=60)
    connection.request(
        "POST", "/%s/oauth2/v2.0/token" % office.tenant, "a=b",
        {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    assert len(response.read(1 << 20)) == 1 << 20
    connection.close()


def test_gate_holds_a_finished_answer(office):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with office.gate() as gate:
            waiting = pool.submit(password_grant, office)
            gate.wait_held(1)
            [seen] = office.token_requests
            assert (seen.outcome, seen.answered) == ("issued", 0)
            assert not waiting.done()
        assert waiting.result(60).status == 200
    assert office.token_requests[0].answered
    assert password_grant(office).status == 200


def test_unknown_switches_are_refused(office):
    with pytest.raises(TypeError):
        office.set(lifetme=1)
    with pytest.raises(ValueError):
        office.set(behaviour="rude")
    with pytest.raises(ValueError):
        office.set(behaviour="refuse", once=1)


def test_many_requests_at_once(office):
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(
            lambda _: app_grant(office, timeout=60).status, range(40)))
    assert answers == [200] * 40
    assert len(office.token_requests) == 40


def test_a_silent_connection_blocks_nobody(office):
    port = int(office.authority.rsplit(":", 1)[1])
    with socket.create_connection(("localhost", port)):
        assert password_grant(office).status == 200


def test_no_secret_is_in_records_or_logs(office):
    answer = password_grant(office).json
    records = repr(office.token_requests)
    with open(office.token_log) as log:
        records += log.read()
    for secret in (office.client_secret, office.password,
                   answer["access_token"], answer["refresh_token"]):
        assert secret not in records


def test_waiting_gives_up_with_a_reason(office):
    with pytest.raises(TimeoutError, match="0 of 1 token requests"):
        office.wait_token_requests(1, 0.05)


def test_stop_closes_the_port_and_may_be_repeated(tmp_path):
    office = Office365(tmp_path, mode="exchange")
    office.start()
    office.stop()
    office.stop()
    with pytest.raises(ConnectionRefusedError):
        post(office)
