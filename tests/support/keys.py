"""DKIM keys."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path


def dkim_key(tmp_path: Path, kind: str) -> tuple[bytes, bytes]:
    """Return a private key, and its DNS record."""
    path = tmp_path / "key.pem"
    make = {"rsa": ["genrsa", "2048"], "ed25519": ["genpkey", "-algorithm", "ed25519"]}[kind]
    path.write_bytes(subprocess.run(["openssl", *make], check=True, capture_output=True).stdout)
    public = ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
    der = subprocess.run(public, check=True, capture_output=True).stdout
    raw = der if kind == "rsa" else der[-32:]
    return path.read_bytes(), b"v=DKIM1; k=%s; p=%s" % (kind.encode(), base64.b64encode(raw))
