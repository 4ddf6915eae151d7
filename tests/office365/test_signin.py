# SPDX-License-Identifier: Apache-2.0
"""The stand-in's sign-in by browser: pages, codes, PKCE."""

import base64
import hashlib
import os
import re
import sys
import urllib.parse

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from office365 import Office365  # noqa: E402
from office365.clients import SCOPE, post, request  # noqa: E402

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
HERE = "http://localhost:8400"


@pytest.fixture
def office(tmp_path):
    with Office365(str(tmp_path / "office"), mode="exchange") as o:
        yield o


def ask(office, **changes):
    """The authorization endpoint's answer."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    params = {"client_id": office.client_id, "response_type": "code",
              "redirect_uri": HERE, "scope": SCOPE, "state": "s t",
              "code_challenge_method": "S256", "login_hint": office.user,
              "code_challenge":
                  base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}
    params.update(changes)
    path = urllib.parse.urlsplit(office.authorization_endpoint).path
    return request(office, "GET", path + "?" + urllib.parse.urlencode(
        {k: v for k, v in params.items() if v is not None}))


def fill_in(office, page, path, **fields):
    number = re.search(r'name="number" value="(\w+)"', page.body.decode())
    return request(
        office, "POST", path,
        urllib.parse.urlencode(dict(fields, number=number.group(1))),
        {"Content-Type": "application/x-www-form-urlencoded"})


def answer_of(page):
    assert page.status == 302
    place, _, query = page.headers["Location"].partition("?")
    assert place == HERE + "/"
    return dict(urllib.parse.parse_qsl(query))


def sign_in(office, answer="accept", **changes):
    page = fill_in(office, ask(office, **changes), "/login",
                   login=office.user, password=office.password)
    assert b"Permissions requested" in page.body
    return answer_of(fill_in(office, page, "/consent", answer=answer))


def redeem(office, code, **changes):
    params = dict(grant_type="authorization_code", code=code,
                  client_id=office.client_id, redirect_uri=HERE, scope=SCOPE,
                  client_secret=office.client_secret, code_verifier=VERIFIER)
    params.update(changes)
    return post(office, **params)


def test_a_code_is_won_and_works_once(office):
    answer = sign_in(office)
    assert answer["state"] == "s t" and "error" not in answer
    token = redeem(office, answer["code"])
    assert token.status == 200 and token.json["refresh_token"]
    assert redeem(office, answer["code"]).code == 54005


@pytest.mark.parametrize("change, number", [
    (dict(code_verifier=VERIFIER[:-1] + "x"), 501481),
    (dict(code_verifier=""), 501481),
    (dict(redirect_uri=HERE + "/"), 500112),
    (dict(redirect_uri="http://localhost:8401"), 500112),
    (dict(code="x"), 70000),
    (dict(client_secret="wrong"), 7000215)])
def test_what_does_not_fit_is_refused(office, change, number):
    code = sign_in(office)["code"]
    assert redeem(office, **dict(dict(code=code), **change)).code == number
    assert redeem(office, code).status == 200, "the code is not used up"


def test_a_code_expires(office):
    office.set(code_lifetime=0)
    assert redeem(office, sign_in(office)["code"]).code == 70008


def test_the_person_declines(office):
    answer = sign_in(office, "cancel")
    assert (answer["error"], answer["error_subcode"], answer["state"]) == (
        "access_denied", "cancel", "s t")
    assert answer["error_description"].startswith("AADSTS65004: ")


def test_a_wrong_password_stays_on_the_page(office):
    page = fill_in(office, ask(office), "/login", login=office.user,
                   password="wrong")
    assert b"password is incorrect" in page.body
    assert b"password is incorrect" not in ask(office).body


def test_consent_needs_a_login(office):
    page = fill_in(office, ask(office), "/consent", answer="accept")
    assert page.status == 200 and b"Sign in to your account" in page.body


@pytest.mark.parametrize("change, number", [
    (dict(client_id="77777777-7777-8888-9999-000000000000"), 700016),
    (dict(redirect_uri="https://evil.example/"), 50011),
    (dict(redirect_uri="http://localhost:8400/path"), 50011),
    (dict(redirect_uri="http://localhost.evil.example:80"), 50011),
    (dict(redirect_uri="http://127.0.0.1:8400"), 50011),
    (dict(redirect_uri=None), 50011)])
def test_nobody_is_sent_to_a_foreign_place(office, change, number):
    page = ask(office, **change)
    assert page.status == 400 and b"AADSTS%d" % number in page.body
    assert "Location" not in page.headers


@pytest.mark.parametrize("change, number", [
    (dict(response_type="token"), 70005), (dict(scope="x"), 70011)])
def test_a_bad_request_is_said_at_the_end(office, change, number):
    answer = sign_in(office, **change)
    assert "AADSTS%d" % number in answer["error_description"]
