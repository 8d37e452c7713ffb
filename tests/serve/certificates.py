"""Certificates for tests, made by openssl: self-signed, for one name."""

import ssl
import subprocess
from pathlib import Path

NAME = "outkept.example.org"


def make_certificate(folder: Path, stem: str = "server") -> tuple[Path, Path]:
    """A certificate for NAME and 127.0.0.1, and its key."""
    chain, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-keyout", key, "-out", chain),
            *("-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return chain, key


def trusting(chain: Path) -> ssl.SSLContext:
    """What a client needs that trusts this certificate and no other."""
    return ssl.create_default_context(cafile=str(chain))
