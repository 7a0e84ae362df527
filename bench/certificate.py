"""A certificate authority of a few minutes, and a certificate by it for 127.0.0.1 and localhost."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make(directory: Path) -> tuple[Path, Path, Path]:
    """Writes the authority's certificate, the server's, and the server's key."""
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )

    def signed(subject: str, public: ec.EllipticCurvePublicKey, extensions: list) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("bench authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(
                extension, critical=isinstance(extension, x509.BasicConstraints)
            )
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root = signed(
        "bench authority", authority.public_key(), [x509.BasicConstraints(ca=True, path_length=0)]
    )
    leaf = signed("localhost", key.public_key(), [x509.SubjectAlternativeName(names)])
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths = directory / "authority.pem", directory / "server.pem", directory / "server.key"
    for path, data in zip(paths, (root, leaf, private), strict=True):
        path.write_bytes(data)
    return paths


def name(text: str) -> x509.Name:
    """A name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
