# SPDX-License-Identifier: Apache-2.0
"""postoak check where sendmail is the mail server, by a sendmail.cf that its
own m4 files make."""
import os
import re

import pytest

from conftest import BUILD
from relay.sendmail import Sendmail


@pytest.fixture(scope="module")
def made(checked_alone):
    """The place, and the text of a good sendmail.cf."""
    relay = checked_alone.relay
    sendmail = Sendmail(
        relay, BUILD, relay.office, milter=os.path.join(
            relay.directory, "spool/run/postoak-milter/milter.sock"))
    os.mkdir(sendmail.directory)
    sendmail.write()
    with open(sendmail.config, encoding="utf-8") as f:
        return checked_alone, sendmail, f.read()


def look(made, *changes):
    place, sendmail, text = made
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, flags=re.M)
        assert count > 0, pattern
    with open(sendmail.config, "w", encoding="utf-8") as f:
        f.write(text)
    return place.troubles("mta", directory=sendmail.directory)


NEW = (r"^DZ\S*", "DZ8.18.2/Debian-1")
SIGNER = (r"^(O InputMailFilters=)(.*)", r"\1opendkim,\2\n"
          "Xopendkim, S=inet:8891@localhost, F=T")

FAULTS = {
    "no smart host": ((r"^DS.*", "DS"), "FAIL", "no_relay", "SMART_HOST"),
    "no mechanism": ((r"^O AuthMechanisms=.*", "O AuthMechanisms=PLAIN LOGIN"),
                     "FAIL", "sasl_mechanism", "confAUTH_MECHANISMS"),
    "no authinfo": ((r"^Kauthinfo .*", "#"),
                    "FAIL", "password_table", "FEATURE(`authinfo')"),
    "authinfo was not made": ((r"^(Kauthinfo .*)", r"\1.other"),
                              "FAIL", "password_table", "makemap"),
    "no milter": ((r"^O InputMailFilters=.*", "#"),
                  "FAIL", "milter_smtpd", "INPUT_MAIL_FILTER"),
    "milter behind the signer": (SIGNER, "FAIL", "milter_order", "before"),
    "mail passes without the milter": ((r"^(Xpostoak, .*), F=T", r"\1"),
                                       "FAIL", "milter_action", "F=T"),
    "an old version": ((r"^DZ\S*", "DZ8.17.1"),
                       "warn", "sendmail_version", "8.18.2"),
}


def test_a_good_one_has_no_fault(made):
    assert look(made, NEW) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_nothing_else(made, fault):
    change, verdict, name, remedy = FAULTS[fault]
    troubles = look(made, NEW, change)
    assert set(troubles) == {name}, [f["seen"] for f in troubles.values()]
    assert troubles[name]["verdict"] == verdict
    assert remedy in troubles[name]["remedy"]
