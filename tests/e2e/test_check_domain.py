# SPDX-License-Identifier: Apache-2.0
"""postoak check, domains: a sound zone, one fault planted into it, found with
its remedy and nothing else marked FAIL. A name server of the tests' own."""
import os

import pytest

from checkup import Checkup, failed, said, warned
from nameserver import NameServer
from office365 import Office365

SPF = "v=spf1 include:spf.protection.outlook.com -all"
KEY = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"
TARGET = "%s-contoso-com._domainkey.contoso.onmicrosoft.com"


def sound():
    zone = {"contoso.com": ["MS=ms12345", SPF],
            "_dmarc.contoso.com": ["v=DMARC1; p=reject; rua=mailto:d@contoso.com"]}
    for name in ("selector1", "selector2"):
        zone[name + "._domainkey.contoso.com"] = ["=" + TARGET % name]
        zone[TARGET % name] = [KEY]
    return zone


@pytest.fixture(scope="module")
def doctor(place, build):
    """The configuration alone: nothing of it runs."""
    office = Office365(os.path.join(place, "office365"), mode="exchange")
    return Checkup(os.path.join(place, "checkup"), build, office,
                   application={"token_endpoint": None, "ca_file": None})


@pytest.fixture
def server():
    with NameServer(sound()) as server:
        yield server


@pytest.fixture
def look(doctor, server):
    def find(*argv):
        return doctor.find("--area", "domain", *argv,
                           env={"POSTOAK_NAMESERVER": server.address})
    return find


def test_sound_domain_has_nothing_to_mend(look):
    found = look()
    assert set(found) == {"domain_spf", "domain_dkim", "domain_dmarc"}
    assert {one["verdict"] for one in found.values()} == {"ok"}
    assert "p=reject) is met by SPF and DKIM" in said(found["domain_dmarc"])


# --- planted faults --------------------------------------------------------

def spf(*records):
    return lambda zone: zone.update({"contoso.com": list(records)})


def chain(zone):
    """Ten includes before Microsoft's."""
    zone["contoso.com"] = ["v=spf1 " + " ".join(
        f"include:s{i}.example" for i in range(10)) +
        " include:spf.protection.outlook.com -all"]
    zone.update({f"s{i}.example": ["v=spf1 ip4:192.0.2.%d -all" % i]
                 for i in range(10)})


def no_selector2(zone):
    del zone["selector2._domainkey.contoso.com"]


def no_keys(zone):
    for name in ("selector1", "selector2"):
        del zone[TARGET % name]


def not_aligned(zone):
    """DMARC has mail refused that neither SPF nor DKIM speaks for."""
    zone["contoso.com"] = ["MS=ms12345"]
    for name in ("selector1", "selector2"):
        del zone[name + "._domainkey.contoso.com"]


def quarantined(zone):
    not_aligned(zone)
    zone["_dmarc.contoso.com"] = ["v=DMARC1; p=quarantine"]


FAULTS = {
    "SPF without Microsoft": (
        spf("v=spf1 mx ip4:192.0.2.1 -all"), "domain_spf",
        "add include:spf.protection.outlook.com"),
    "Microsoft behind the end of SPF": (
        spf("v=spf1 mx ~all include:spf.protection.outlook.com"),
        "domain_spf", "before its closing all"),
    "Microsoft excluded": (
        spf("v=spf1 -include:spf.protection.outlook.com ~all"),
        "domain_spf", "add include:"),
    "two SPF records": (
        spf(SPF, "v=spf1 mx -all"), "domain_spf", "publish one TXT record"),
    "SPF +all": (
        spf("v=spf1 mx +all"), "domain_spf", "end the record with -all"),
    "too many look-ups": (chain, "domain_spf", "at most 10 look-ups"),
    "slip in SPF": (
        spf("v=spf1 inlcude:spf.protection.outlook.com -all"), "domain_spf",
        "known terms"),
    "include of nothing": (
        spf("v=spf1 include:gone.example " + SPF[7:]), "domain_spf",
        "gone.example, which has none"),
    "one DKIM selector missing": (
        no_selector2, "domain_dkim", "the two CNAME records"),
    "DKIM names lead nowhere": (
        no_keys, "domain_dkim", "letter by letter"),
    "DMARC reject without alignment": (
        not_aligned, "domain_dmarc", "until then set p=none"),
    "DMARC quarantine without alignment": (
        quarantined, "domain_dmarc", "include:spf.protection.outlook.com"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault(name, look, server):
    plant, where, words = FAULTS[name]
    plant(server.zone)
    found = look()
    assert failed(found) == {where}, found
    assert words in said(found[where])
    assert said(found[where]).startswith("contoso.com: ")


# --- what is no failure ----------------------------------------------------

def test_microsoft_is_found_through_redirect_and_include(look, server):
    server.zone["contoso.com"] = ["v=spf1 redirect=_spf.contoso.com"]
    server.zone["_spf.contoso.com"] = [
        "v=spf1 ip4:192.0.2.1 include:mail.contoso.com. ~all"]
    server.zone["mail.contoso.com"] = [SPF]
    assert not failed(found := look()) and not warned(found), found
    assert "3 of 10 look-ups" in said(found["domain_spf"])


def test_nothing_published(look, server):
    server.zone.clear()
    server.zone["contoso.com"] = []
    found = look()
    assert not failed(found)
    assert warned(found) == {"domain_spf", "domain_dkim", "domain_dmarc"}


def test_no_policy_is_a_warning(look, server):
    not_aligned(server.zone)
    server.zone["_dmarc.contoso.com"] = ["v=DMARC1; p=none"]
    found = look()
    assert not failed(found) and "domain_dmarc" in warned(found)


def test_the_policy_of_the_domain_above(doctor, look, server):
    doctor.settings["from_account"] = "relay@mail.eu.contoso.com"
    doctor.write_config()
    try:
        server.zone["_dmarc.contoso.com"] = ["v=DMARC1; p=none; sp=reject"]
        found = look()
        assert failed(found) == {"domain_dmarc"}, found
    finally:
        del doctor.settings["from_account"]
        doctor.write_config()


def test_each_domain_once(doctor, look, server):
    doctor.settings["send_as"] = [
        "a@Contoso.com", "b@fabrikam.com", "@fabrikam.com"]
    doctor.write_config()
    server.zone["fabrikam.com"] = ["v=spf1 -all"]
    try:
        found = look()
        assert said(found["domain_spf"]).startswith("fabrikam.com: ")
        asked = [q for q in server.questions
                 if q[:2] in (("contoso.com", 16), ("fabrikam.com", 16))]
        assert len(asked) == 2
    finally:
        del doctor.settings["send_as"]
        doctor.write_config()


def test_a_long_record_comes_over_tcp(look, server):
    server.zone["contoso.com"] = [
        "x" * 700, "v=spf1 " + "ip4:192.0.2.1 " * 40 + SPF[7:]]
    assert not failed(found := look()), found
    assert found["domain_spf"]["verdict"] == "ok"
    assert ("contoso.com", 16, "tcp") in server.questions


def test_a_name_server_that_cannot_say(look, server):
    server.broken = {"contoso.com", "_dmarc.contoso.com",
                     "selector1._domainkey.contoso.com"}
    found = look()
    assert {one["verdict"] for one in found.values()} == {"note"}


def test_hostile_texts_are_shown_harmless(look, server):
    server.zone["contoso.com"] = ["v=spf1 \x1b[2J\n\x07bad -all"]
    found = look()
    assert failed(found) == {"domain_spf"}
    assert "\x1b" not in said(found["domain_spf"])


def test_the_name_server_that_is_named(doctor):
    found = doctor.find("--area", "domain",
                        env={"POSTOAK_NAMESERVER": "ns.example"})
    assert failed(found) == {"domain_dns"}
    assert "write an IP address" in said(found["domain_dns"])
