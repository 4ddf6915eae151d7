# SPDX-License-Identifier: Apache-2.0
"""postoak check, accounts: one fault is planted into a sound account; it is
found, with its remedy, and nothing else is marked FAIL."""
import os

import pytest

from checkup import checkup, failed, said, warned
from office365 import Office365

GRAPH = "https://graph.microsoft.com/SMTP.Send offline_access"
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"
AREAS = ("--area", "account,server")


@pytest.fixture(scope="module")
def shared(place):
    with Office365(os.path.join(place, "office365"), mode="exchange") as o:
        o.set(max_connections=None, messages_per_minute=None)
        yield o


@pytest.fixture
def office(shared):
    """The tenant as it should be, whatever the test before did."""
    shared.add_client(shared.client_id, shared.client_secret)
    shared.add_user(shared.user, shared.password)
    shared.add_user("admin@contoso.com", shared.password)
    shared.add_mailbox(shared.user)
    before = {name: shared._switches.get(name)
              for name in shared._switches._values}
    yield shared
    shared.set(**before)


@pytest.fixture
def doctor(place, build, office):
    return lambda **more: checkup(place, build, office, **more)


APP = {"settings": {"grant": "client_credentials", "password_file": None}}


def answer(office, scope="https://outlook.office.com/SMTP.Send",
           scopes=("SMTP.Send",), **token):
    """The token endpoint's answer with a token made to order."""
    return (200, {"token_type": "Bearer", "expires_in": 3600, "scope": scope,
                  "refresh_token": office.issue_refresh_token(office.user),
                  "access_token": office.mint_token(
                      size=2000, scopes=scopes, **token)})


def test_sound_account_has_nothing_to_mend(doctor):
    with doctor() as d:
        found = d.find(*AREAS)
        assert not failed(found) and not warned(found), found
        assert {"account_token", "account_audience", "account_permissions",
                "account_tenant", "account_user", "account_refresh_token",
                "account_client_secret", "account_address",
                "server_smtp"} <= set(found)
        assert "192.0.2.10" in found["account_address"]["seen"]
        assert "2099-12-31" in found["account_client_secret"]["seen"]
        text = d.run(*AREAS).stdout
    # The permissions are a table, and all fits into a terminal.
    assert "\n           SMTP  SMTP.Send             yes\n" in text
    assert ("\n           IMAP  IMAP.AccessAsUser.All  no, not needed for "
            "sending\n") in text
    assert max(map(len, text.splitlines())) <= 80


def test_sound_application(doctor, office):
    office.add_client(office.client_id, office.client_secret,
                      roles=("SMTP.SendAsApp",))
    with doctor(**APP) as d:
        found = d.find(*AREAS)
        assert not failed(found) and not warned(found), found
        assert "IMAP.AccessAsApp" in found["account_permissions"]["seen"]
        assert "account_refresh_token" not in found


# --- planted faults --------------------------------------------------------

def secret(value):
    def plant(d, _office):
        d.write_secret("client", value)
    return plant


def client(**settings):
    def plant(_d, office):
        office.add_client(office.client_id, office.client_secret, **settings)
    return plant


def user(**settings):
    def plant(_d, office):
        office.add_user(office.user, office.password, **settings)
    return plant


def token(**made):
    def plant(_d, office):
        office.set(answer=answer(office, **made))
    return plant


def switch(**values):
    def plant(_d, office):
        office.set(**values)
    return plant


def wrong_password(d, _office):
    d.write_secret("password", "not the one")


def brought(d, office):
    """A refresh token that an administrator got as himself."""
    _bring(d, office.issue_refresh_token("admin@contoso.com"))


def revoked(d, office):
    _bring(d, office.issue_refresh_token(office.user))
    office.revoke_refresh_tokens()
    d.control("refresh", d.account)


def _bring(d, value):
    d.control("import", d.account, refresh_token=value)


def nothing(_d, _office):
    pass


REFRESH = {"settings": {"grant": "refresh_token", "password_file": None}}

FAULTS = {
    "secret ID instead of its value": (
        {}, secret("0a1b2c3d-1111-2222-3333-444455556666"), "account_token",
        "Value"),
    "secret of another application": (
        {}, secret("abc8Q~not-the.one_0123456789abcdefghijkl"),
        "account_token", "AADSTS7000215"),
    "secret expired": (
        {}, client(expired=True), "account_token", "AADSTS7000222"),
    "no consent": (
        {}, user(consented=False), "account_token", "consent"),
    "second factor demanded": (
        {}, user(mfa=True), "account_token", "AADSTS50076"),
    "account disabled": (
        {}, user(disabled=True), "account_token", "AADSTS50057"),
    "wrong password": (
        {}, wrong_password, "account_token", "AADSTS50126"),
    "unknown tenant": (
        {"application": {"tenant_id": OTHER_TENANT, "token_endpoint":
                         "https://localhost:{port}/%s/oauth2/v2.0/token" %
                         OTHER_TENANT}},
        nothing, "account_token", "AADSTS90002"),
    "token of another tenant": (
        {}, token(tid=OTHER_TENANT), "account_tenant", "correct tenant_id"),
    "token for Microsoft Graph": (
        {"application": {"scope": GRAPH}}, nothing, "account_audience",
        "write scope with the Outlook resource"),
    "permission SMTP.Send missing": (
        {}, token(scopes=("Mail.Send",),
                  scope="https://outlook.office.com/Mail.Send"),
        "account_permission", "SMTP.Send -> in the Entra admin center"),
    "application permission missing": (
        APP, client(roles=("Mail.Send",)), "account_permission",
        "APIs my organization uses"),
    "no application permission at all": (
        APP, client(roles=()), "server_smtp", "SMTP.SendAsApp is missing"),
    "signed in as somebody else": (
        REFRESH, brought, "server_smtp", "log in again as relay@contoso.com"),
    "refresh token revoked": (
        REFRESH, revoked, "account_renewal", "AADSTS50173"),
    "nobody has signed in": (
        REFRESH, nothing, "account_token", "postoak login"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault(name, doctor, office):
    settings, plant, where, words = FAULTS[name]
    port = office.authority.rpartition(":")[2]
    settings = {part: {option: value.replace("{port}", port)
                       if isinstance(value, str) else value
                       for option, value in options.items()}
                for part, options in settings.items()}
    with doctor(**settings) as d:
        plant(d, office)
        found = d.find(*AREAS)
        assert failed(found) == {where}, found
        assert words in said(found[where])
        assert found[where]["account"] == d.account


def test_what_ends_by_itself_is_no_failure(doctor, office):
    with doctor() as d:
        office.set(http=503)
        found = d.find(*AREAS)
    assert not failed(found) and "account_token" in warned(found)
    assert found["server_smtp"]["verdict"] == "note"


def test_a_secret_that_ends_soon(doctor):
    with doctor(application={"client_secret_expires": "2020-01-31"}) as d:
        found = d.find(*AREAS)
    assert not failed(found)
    assert warned(found) == {"account_client_secret"}
    assert "2020-01-31" in said(found["account_client_secret"])


def test_without_tokend_nothing_is_said_of_the_account(doctor):
    with doctor() as d:
        d.stop()
        found = d.find(*AREAS)
    assert {one["verdict"] for one in found.values()} == {"note"}
    assert "postoak-tokend does not answer" in said(found["account_token"])


def test_a_domain_needs_a_mailbox(doctor, office):
    office.add_client(office.client_id, office.client_secret,
                      roles=("SMTP.SendAsApp",))
    with doctor(**APP, account="@contoso.com") as d:
        found = d.find(*AREAS)
        assert not failed(found)
        assert "postoak check MAILBOX@contoso.com" in said(
            found["account_token"])
        found = d.find(*AREAS, account="relay@contoso.com")
        assert not failed(found) and "server_smtp" in found
        assert found["server_smtp"]["verdict"] == "ok"
