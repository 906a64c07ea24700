"""What a control plane needs to be believed: a certificate authority, a server's certificate, a key that signs tokens.

Made here in milliseconds, so that the API server need not make RSA keys at its start, and clients can verify it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOUR, YEAR = dt.timedelta(hours=1), dt.timedelta(days=365)


def write_identity(folder: Path) -> None:
    """ca.crt, server.crt, server.key and sa.key in the folder."""
    authority, server, tokens = (generate_private_key(SECP256R1()) for _ in range(3))
    ca = _certificate("homeostat-test-ca", authority, authority).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = _certificate("kube-apiserver", server, authority).add_extension(x509.SubjectAlternativeName(names), critical=False)
    for name, builder in (("ca.crt", ca), ("server.crt", leaf)):
        (folder / name).write_bytes(builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    for name, key in (("server.key", server), ("sa.key", tokens)):
        (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))


def _certificate(name: str, key: EllipticCurvePrivateKey, authority: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "homeostat-test-ca")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + YEAR)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
