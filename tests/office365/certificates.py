# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of our own, made anew for each stand-in.

Elliptic-curve keys, because they are made in a millisecond; every client in
question takes them.
"""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEFAULT_NAMES = ("localhost", "127.0.0.1", "smtp.office365.test")
DAY = datetime.timedelta(days=1)


def pem_of_key(key):
    """Return the private key as unencrypted PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem_of_public(key):
    """Return the public half of a private key as PEM."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )


def write_private(path, data):
    """Write a file that only its owner may read."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as out:
        out.write(data)


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def alternative_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Authority:
    """Signs server certificates; its own certificate is in `ca_file`."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.ca_file = os.path.join(directory, "ca.pem")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = common_name("Stand-in for Office 365, root")
        self._certificate = self._self_signed()
        with open(self.ca_file, "wb") as out:
            out.write(self._certificate.public_bytes(
                serialization.Encoding.PEM))

    def _builder(self, subject, public_key, days):
        now = datetime.datetime.utcnow()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + days * DAY)
        )

    def _self_signed(self):
        public = self._key.public_key()
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True,
            content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False,
            encipher_only=False, decipher_only=False,
        )
        return (
            self._builder(self._name, public, days=30)
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(public), False)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, name, names=DEFAULT_NAMES, days=30):
        """Make DIRECTORY/NAME.pem and NAME.key; return both paths.

        A negative number of days makes a certificate that has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self._key.public_key())
        certificate = (
            self._builder(common_name(names[0]), key.public_key(), days)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName(
                    [alternative_name(text) for text in names]), False)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
                False)
            .add_extension(issuer_id, False)
            .sign(self._key, hashes.SHA256())
        )
        base = os.path.join(self.directory, name)
        with open(base + ".pem", "wb") as out:
            out.write(certificate.public_bytes(serialization.Encoding.PEM))
        write_private(base + ".key", pem_of_key(key))
        return base + ".pem", base + ".key"
