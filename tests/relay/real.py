# SPDX-License-Identifier: Apache-2.0
"""A private relay for somebody's own configuration and its real servers.

Postfix gets exactly what "postoak mta postfix" prints, beside the settings
that make the instance private."""
import json
import os
import re
import shutil

from .relay import Relay


def without_sections(text, *names):
    """The configuration without those sections; the lines keep their numbers.
    Strings and comments may hold braces."""
    token = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#[^\n]*|//[^\n]*'
                       r'|/\*.*?\*/|[{}]|\w+|.', re.S)
    out, skipping, depth, name = [], False, 0, ""
    for piece in token.findall(text):
        if piece == "{":
            if depth == 0 and name in names:
                skipping = True
                while out and out.pop() != name:
                    pass
            depth += 1
        out.append("\n" * piece.count("\n") if skipping else piece)
        if piece == "}":
            depth -= 1
            skipping = skipping and depth > 0
        if depth == 0 and re.fullmatch(r"\w+", piece):
            name = piece
    return "".join(out)


class RealRelay(Relay):
    """config: path of the configuration; sockets, store and counters are
    this relay's own. relayhost, ca: for servers elsewhere than it says."""

    def __init__(self, directory, build, config, relayhost=None, ca=None):
        # The secrets are the administrator's, hence tokend as root.
        with open(config, encoding="utf-8") as f:
            text = without_sections(f.read(), "tokend", "milter")
        super().__init__(directory, build, None, config=text,
                         root_tokend=True)
        self.relayhost, self.ca = relayhost, ca
        self.original = config

    def write_config(self, *_):
        """What stands beside the configuration is found beside ours too:
        paths in it are relative."""
        site = os.path.dirname(self.original)
        for name in os.listdir(site):
            source, target = os.path.join(site, name), os.path.join(self.etc, name)
            if os.path.isdir(source):
                if os.path.isdir(target) and not os.path.islink(target):
                    os.rmdir(target)
                os.symlink(source, target)
            elif os.path.isfile(source) and source != self.original:
                shutil.copy2(source, target)
        super().write_config()

    def postfix_settings(self):
        """What the tool prints, moved to the private instance."""
        parts = self._printed()
        main = dict(line.split(" = ", 1) for line in parts.pop("main.cf").splitlines()
                    if " = " in line and not line.startswith("#"))
        if self.relayhost:
            main["relayhost"] = self.relayhost
        own = super().postfix_settings()
        for name in ("import_environment", "smtpd_milters",
                     "non_smtpd_milters", "minimal_backoff_time",
                     "maximal_backoff_time", "queue_run_delay"):
            main[name] = own[name]
        # The template of master.cf is a format string.
        self.postfix.master += parts.pop("master.cf").replace(
            "{", "{{").replace("}", "}}")
        os.makedirs(self.postfix.config, exist_ok=True)
        for name, text in parts.items():
            with open(os.path.join(self.postfix.config, name), "w",
                      encoding="utf-8") as f:
                f.write(text)
        return main

    def _printed(self):
        """What goes into which of Postfix's files."""
        text = self.postoak("mta", "postfix")
        if self.relayhost:
            text = re.sub(r"\[[^\]\s]+\]:587", self.relayhost, text)
        if self.ca:
            text = re.sub(r"smtp_tls_CAfile=\S+", f"smtp_tls_CAfile={self.ca}",
                          text)
        parts = re.split(r"^# --- (\S+)\n", text, flags=re.M)[1:]
        return {os.path.basename(path): part
                for path, part in zip(parts[0::2], parts[1::2])}

    def first_account(self):
        status = json.loads(self.postoak("status", "--json", check=False).stdout)
        return status["accounts"][0]["user"]
