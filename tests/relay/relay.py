# SPDX-License-Identifier: Apache-2.0
"""The whole relay in one directory."""
import email.message
import json
import os
import pwd
import shutil
import smtplib
import subprocess

from .postfix import Postfix
from .process import Daemon

# The daemons run under user ids that belong to nobody on the host.
TOKEND_UID, MILTER_UID = 60601, 60602

CONFIG = """
tokend {{
    listen        = {{ "{run}/tokend.sock", "{jail}/tokend.sock" }}
    control       = "{run}/control.sock"
    allow_users   = {{ "postfix", "root" }}
    store         = "{directory}/store/tokens"
    seal_key_file = "{directory}/store/seal.key"
}}
milter {{
    listen   = "unix:{jail_milter}/milter.sock"
    control  = "{run_milter}/control.sock"
    counters = "lmdb:{directory}/counters"
}}
"""

OFFICE = """
application "contoso" {{
    provider           = "custom"
    tenant_id          = "{tenant}"
    client_id          = "{client_id}"
    client_secret_file = "secrets/contoso.client"
    token_endpoint     = "{token_endpoint}"
    scope              = "https://outlook.office.com/SMTP.Send https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All offline_access"
    hosts              = {{ "localhost" }}
    ca_file            = "{ca_file}"
}}
"""

ACCOUNT = """
account "relay@contoso.com" {
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/relay.password"
    send_as       = { "sales@contoso.com" }
    limits        = { "10000 messages / 1m", "100000 recipients / 24h" }
}
"""


class Relay:
    """directory: made by the caller, below a path that every user may enter.
    build: where make left the programs. office: a started Office365."""

    def __init__(self, directory, build, office=None, accounts=ACCOUNT,
                 config=None, root_tokend=False):
        self.directory, self.build, self.office = directory, build, office
        self.accounts, self.config_text = accounts, config
        self.etc = os.path.join(directory, "etc")
        self.config = os.path.join(self.etc, "postoak.conf")
        self.postfix = Postfix(directory)
        uid = None if root_tokend else TOKEND_UID
        self.tokend = Daemon(
            [self.program("postoak-tokend"), "-f", "-v", "-c", self.config],
            os.path.join(directory, "log", "tokend.log"), uid, uid)
        self.milter = Daemon(
            [self.program("postoak-milter"), "-f", "-c", self.config],
            os.path.join(directory, "log", "milter.log"), MILTER_UID,
            MILTER_UID)
        self.tokend_uid = 0 if root_tokend else TOKEND_UID

    def program(self, name):
        return os.path.join(self.directory, "bin", name)

    @property
    def socket(self):
        return os.path.join(self.directory, "run", "tokend.sock")

    def prepare(self):
        """Everything but starting: directories, programs, configuration."""
        self._directories()
        for name in ("postoak-tokend", "postoak-milter", "postoak"):
            shutil.copy2(os.path.join(self.build, name), self.program(name))
        plugins = os.path.join(self.directory, "sasl2")
        shutil.copy2(os.path.join(self.build, "libpostoak.so"), plugins)
        if self.office is not None:
            self.write_secret("contoso.client", self.office.client_secret)
            self.write_secret("relay.password", self.office.password)
        self.write_config()
        self.postfix.settings.update(self.postfix_settings())
        return self

    def _directories(self):
        def make(name, uid=0, gid=0, mode=0o755):
            path = os.path.join(self.directory, name)
            os.makedirs(path, exist_ok=True)
            os.chown(path, uid, gid)
            os.chmod(path, mode)
        postfix = pwd.getpwnam("postfix")
        for name in ("bin", "etc", "log", "sasl2", "spool", "spool/run"):
            make(name)
        uid = self.tokend_uid
        make("etc/secrets", uid, uid, 0o700)
        make("store", uid, uid, 0o700)
        make("run", uid, uid)
        make("run-milter", MILTER_UID, MILTER_UID)
        make("counters", MILTER_UID, MILTER_UID, 0o700)
        make("spool/run/postoak", uid, uid)
        make("spool/run/postoak-milter", MILTER_UID, postfix.pw_gid, 0o2750)

    def write_secret(self, name, value):
        path = os.path.join(self.etc, "secrets", name)
        with open(path, "w", encoding="utf-8",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(value + "\n")
        os.chown(path, self.tokend_uid, self.tokend_uid)

    def write_config(self, accounts=None, office=None):
        """(Re)write the configuration; accounts and office replace parts."""
        if accounts is not None:
            self.accounts = accounts
        d = self.directory
        text = CONFIG.format(
            directory=d, run=f"{d}/run", run_milter=f"{d}/run-milter",
            jail=f"{d}/spool/run/postoak",
            jail_milter=f"{d}/spool/run/postoak-milter")
        if self.config_text is not None:
            text = self.config_text + text
        else:
            o = self.office
            text += (office or OFFICE).format(
                tenant=o.tenant, client_id=o.client_id,
                token_endpoint=o.token_endpoint, ca_file=o.ca_file)
            text += self.accounts
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)

    def postfix_settings(self):
        host, port = "localhost", 587
        if self.office is not None:
            host, port = self.office.host, self.office.smtp_port
        settings = {
            "import_environment": f"MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ "
                                  f"SASL_PATH={self.directory}/sasl2",
            "relayhost": f"[{host}]:{port}",
            "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_password_maps":
                f"inline:{{ {{ [{host}]:{port} = relay@contoso.com:- }} }}",
            "smtp_sasl_mechanism_filter": "xoauth2",
            "smtp_sasl_security_options": "noplaintext, noanonymous",
            "smtp_sasl_tls_security_options": "noplaintext, noanonymous",
            "smtp_sasl_tls_verified_security_options": "noanonymous",
            "smtp_tls_security_level": "secure",
            "smtpd_milters": "unix:run/postoak-milter/milter.sock",
            "non_smtpd_milters": "unix:run/postoak-milter/milter.sock",
            "milter_default_action": "tempfail",
            # Soon, but not so soon that qmgr finds the message still locked
            # by the attempt before: then it waits for the next new mail.
            "minimal_backoff_time": "3s",
            "maximal_backoff_time": "4s",
            "queue_run_delay": "1s",
        }
        if self.office is not None:
            settings["smtp_tls_CAfile"] = self.office.ca_file
        return settings

    def start(self):
        self.prepare()
        self.tokend.start()
        self.milter.start()
        self.postfix.start()
        return self

    def stop(self):
        self.postfix.stop()
        self.milter.stop()
        self.tokend.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def postoak(self, *argv, check=True):
        """Run the tool; its standard output, or the finished process."""
        out = subprocess.run(
            [self.program("postoak"), "-c", self.config, *argv],
            capture_output=True, text=True, timeout=60)
        if not check:
            return out
        if out.returncode != 0:
            raise RuntimeError(f"postoak {' '.join(argv)}: {out.stderr}")
        return out.stdout

    def status(self, account="relay@contoso.com"):
        """One account's part of postoak status --json."""
        answer = json.loads(self.postoak("status", "--json", check=False).stdout)
        return next(a for a in answer["accounts"] if a["account"] == account)

    def send(self, sender="erp@app.example", to=("someone@example.net",),
             subject="hello", **headers):
        """Submit one message as an application would; its queue id."""
        message = email.message.EmailMessage()
        message["From"] = headers.pop("From", f"ERP System <{sender}>")
        message["To"] = ", ".join(to)
        message["Subject"] = subject
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content("Sent by a test.\n")
        return self.submit(sender, to, message.as_bytes())

    def sendmail(self, sender, recipient, data):
        """Submit with the sendmail(1) command."""
        subprocess.run(["/usr/sbin/sendmail", "-C", self.postfix.config,
                        "-f", sender, recipient], input=data, check=True,
                       timeout=60)

    def submit(self, sender, to, data):
        """Submit bytes; the queue id from the server's reply to the data."""
        with smtplib.SMTP("127.0.0.1", self.postfix.port, timeout=60) as client:
            client.ehlo()
            steps = [lambda: client.mail(sender)]
            steps += [lambda to=to: client.rcpt(to) for to in to]
            steps += [lambda: client.data(data)]
            for step in steps:
                code, reply = step()
                if code != 250:
                    raise smtplib.SMTPResponseException(code, reply)
        return reply.decode().rsplit(" ", 1)[1]
