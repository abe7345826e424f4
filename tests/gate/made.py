"""An acceptance to be held against: made, signed, and what is changed of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from securesystemslib.signer import CryptoSigner

from muster.gate.envelope import seal
from muster.gate.keys import TrustedKey
from muster.gate.statement import Statement

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MADE, EXPIRES = "2026-03-01T11:00:00Z", "2026-03-08T11:00:00Z"
IMAGE, CONFIGURATION = "a" * 64, "b" * 64
# A key for tests is the same each time: a failure can be looked at again.
SIGNER = CryptoSigner(Ed25519PrivateKey.from_private_bytes(b"muster gate, key of its tests..."))
OTHER = CryptoSigner(Ed25519PrivateKey.from_private_bytes(b"muster gate, another of tests..."))
TRUSTED = TrustedKey("gate.pub", SIGNER.public_key)


def item(name: str = "health", outcome: str = "met", evidence: str = "cluster", **more: Any) -> dict[str, Any]:
    told = {"name": name, "outcome": outcome, "why": f"{name} is {outcome}", "lines": ["seen"], "evidence": evidence}
    return {**told, "at": MADE, "source": "a snapshot", **more}


def waiver(what: str, until: str = "2026-04-01T00:00:00Z") -> dict[str, str]:
    return {"what": what, "who": "the release manager", "why": "agreed in change 4711", "until": until}


def content(**predicate: Any) -> dict[str, Any]:
    """A statement as JSON has it: one that is met, for production, but for what is said."""
    items = predicate.pop("items", None)
    if items is None:
        real = item("rehearsal", evidence="files", why="no evidence is a rehearsal's", lines=[], source="the items")
        items = [item(), real]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "registry.example:5000/shop:5.2", "digest": {"sha256": IMAGE}}],
        "predicateType": "https://muster.dev/acceptance/v1",
        "predicate": {
            "system": "shop",
            "release": "5.2",
            "configuration": {"sha256": CONFIGURATION},
            "for": "production",
            "cluster": "staging",
            "verdict": "met",
            "why": ["all are met"],
            "made": MADE,
            "expires": EXPIRES,
            "by": "release@ci",
            "muster": "1.0",
            "items": items,
            "waivers": [],
            **predicate,
        },
    }


def signed(**predicate: Any) -> bytes:
    return seal(Statement.model_validate(content(**predicate)).payload(), SIGNER)


def write_keys(directory: Path, signer: CryptoSigner = SIGNER) -> tuple[Path, Path]:
    """A private and a public key as openssl writes them."""
    private, public = directory / "gate.key", directory / "gate.pub"
    key = signer._private_key
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public
