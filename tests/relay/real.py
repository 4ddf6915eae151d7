# SPDX-License-Identifier: Apache-2.0
"""A private relay for somebody's own configuration and its real servers.

Postfix gets exactly what "postoak mta postfix" prints, beside the settings
that make the instance private."""
import json
import os
import re

from .relay import Relay


class RealRelay(Relay):
    """config: path of the configuration; sockets, store and counters are
    this relay's own. relayhost, ca: for servers elsewhere than it says."""

    def __init__(self, directory, build, config, relayhost=None, ca=None):
        # Relative paths stay relative to the configuration's directory. Its
        # secrets are the administrator's, hence tokend as root.
        text = (f'directory = "{os.path.dirname(config)}"\n'
                f'include("{config}")\n')
        super().__init__(directory, build, None, config=text,
                         root_tokend=True)
        self.relayhost, self.ca = relayhost, ca

    def postfix_settings(self):
        """What the tool prints, moved to the private instance."""
        main, transports = self._printed()
        if self.relayhost:
            main["relayhost"] = self.relayhost
        own = super().postfix_settings()
        for name in ("import_environment", "smtpd_milters",
                     "non_smtpd_milters", "minimal_backoff_time",
                     "maximal_backoff_time", "queue_run_delay"):
            main[name] = own[name]
        self.postfix.master += transports
        return main

    def _printed(self):
        text = self.postoak("mta", "postfix")
        if self.relayhost:
            text = re.sub(r"\[[^\]\s]+\]:587", self.relayhost, text)
        if self.ca:
            text = re.sub(r"smtp_tls_CAfile=\S+", f"smtp_tls_CAfile={self.ca}",
                          text)
        head, _, transports = text.partition("master.cf\n")
        main = dict(line.split(" = ", 1) for line in head.splitlines()
                    if " = " in line and not line.startswith("#"))
        # The template of master.cf is a format string.
        return main, transports.replace("{", "{{").replace("}", "}}")

    def first_account(self):
        status = json.loads(self.postoak("status", "--json", check=False).stdout)
        return status["accounts"][0]["user"]
