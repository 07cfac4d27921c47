"""A certificate authority made at start, certificates for host names, and servers that break TLS."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


#: What may be wrong with a certificate.
WRONG = ("expired", "early", "wrong_host", "self_signed", "other_issuer")
#: What may be wrong with TLS: a certificate, the version, or there is none where it should be.
TLS_FAULTS = (*WRONG, "old_version", "plain", "reset", "stall", "garbage")


@dataclass(frozen=True, slots=True)
class Authority:
    """``ca_file`` holds what a client must trust; ``context`` serves with a certificate that it signed."""

    ca_file: Path
    context: ssl.SSLContext


class Issuer:
    """A certificate authority of this moment, whose certificate is in ``ca_file``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = datetime.now(UTC)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sacho mock site CA")])
        self.ca_file = folder / "ca.pem"
        own = (
            self._builder(self._name, self._name, self._key, -900, 900)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def context(self, hosts: Iterable[str], certificate: str = "good") -> ssl.SSLContext:
        """Return a server's context; ``certificate`` is ``good`` or one of `WRONG`.

        ``hosts`` and loopback are what the certificate is for.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = ["wrong.example"] if certificate == "wrong_host" else [*hosts, "localhost"]
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        if certificate != "wrong_host":
            alternatives.append(x509.IPAddress(ip_address("127.0.0.1")))
        begins = 1 if certificate == "early" else -30
        ends = -1 if certificate == "expired" else 800
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        issuer = subject if certificate == "self_signed" else self._name
        signers = {"self_signed": key, "other_issuer": ec.generate_private_key(ec.SECP256R1())}
        leaf = (
            self._builder(subject, issuer, key, begins, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(signers.get(certificate, self._key), hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        leaf_file = self._folder / "leaf.pem"
        leaf_file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf_file)
        return context

    def faulty(self, hosts: Iterable[str], fault: str) -> ssl.SSLContext | None:
        """Return the context of a server with one of `TLS_FAULTS`, None if it does not speak TLS."""
        if fault in WRONG:
            return self.context(hosts, fault)
        if fault != "old_version":
            return None
        context = self.context(hosts)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # Python deprecates the old versions, which are what this server is for.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: int,
        ends: int,
    ) -> x509.CertificateBuilder:
        """Begin a certificate that is valid between two days, counted from now."""
        return x509.CertificateBuilder(
            issuer_name=issuer,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=self._now + timedelta(days=begins),
            not_valid_after=self._now + timedelta(days=ends),
        )


def authority(folder: Path, hosts: Iterable[str], certificate: str = "good") -> Authority:
    """Make an issuer in the folder, and the context of a server with a certificate of it."""
    issuer = Issuer(folder)
    return Authority(issuer.ca_file, issuer.context(hosts, certificate))


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
