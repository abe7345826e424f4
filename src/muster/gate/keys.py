"""Keys of acceptance files: PEM, as openssl writes it; ed25519, or ECDSA on a NIST curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.signer import CryptoSigner, SSlibKey

from muster.base.errors import UsageError

KEY_VARIABLE = "MUSTER_GATE_KEY"
PUBLIC_VARIABLE = "MUSTER_GATE_PUBLIC_KEY"
MAKE = "openssl genpkey -algorithm ed25519 -out gate.key, and: openssl pkey -in gate.key -pubout -out gate.pub"
_BEGIN = "-----BEGIN "
_MOST = 65_536  # bytes of a key file


@dataclass(frozen=True)
class TrustedKey:
    """A public key that is believed, and the `name` by which a person knows it."""

    name: str
    key: SSlibKey


def signer_of(path: Path | None, environment: Mapping[str, str]) -> CryptoSigner | None:
    """The key that signs: that of a file, else what the environment's MUSTER_GATE_KEY holds, the key itself or the
    path of its file; None where neither is there.

    Raises:
        UsageError: it is no private key that can be used.
    """
    if path is not None:
        return _signer(_read(path), f"key {path}")
    held = environment.get(KEY_VARIABLE, "").strip()
    if not held:
        return None
    if held.startswith(_BEGIN):
        return _signer(held.encode(), f"the key in {KEY_VARIABLE}")
    try:
        data = Path(held).read_bytes()
    except (OSError, ValueError):  # what it holds is not told: it may be the key, badly pasted
        raise UsageError(
            f"{KEY_VARIABLE} holds neither a key in PEM nor the path of one; make one with: {MAKE}"
        ) from None
    return _signer(data, f"the key that {KEY_VARIABLE} names")


def _signer(data: bytes, what: str) -> CryptoSigner:
    text = _only_one(data, what)
    if "PUBLIC KEY" in text:
        raise UsageError(f"{what} is a public key, which signs nothing; right would be the private one")
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise UsageError(f"{what} is locked by a password; right would be one without, kept as a secret") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{what} is no private key in PEM; make one with: {MAKE}") from None
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise UsageError(f"{what} is neither ed25519 nor ECDSA; make one with: {MAKE}")
    try:
        return CryptoSigner(key)
    except ValueError:
        raise UsageError(f"{what} is on a curve that is not signed with; make one with: {MAKE}") from None


def trusted_key(path: Path) -> TrustedKey:
    """The public key of a file.

    Raises:
        UsageError: it is none that can be used.
    """
    what = f"key {path}"
    data = _read(path)
    text = _only_one(data, what)
    if "PRIVATE KEY" in text:
        raise UsageError(
            f"{what} is a private key, which belongs to nobody but who signs; right would be the public one: "
            "openssl pkey -in KEY -pubout"
        )
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{what} is no public key in PEM; right would be: openssl pkey -in KEY -pubout") from None
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey):
        raise UsageError(f"{what} is neither ed25519 nor ECDSA")
    try:
        return TrustedKey(str(path), SSlibKey.from_crypto(key))
    except ValueError:
        raise UsageError(f"{what} is on a curve that is not verified with") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"key {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > _MOST:
        raise UsageError(f"key {path} is longer than any key")
    return data


def _only_one(data: bytes, what: str) -> str:
    """A PEM's text; of several keys in one file nobody knows which is meant."""
    text = data.decode("ascii", "replace")
    if text.count(_BEGIN) > 1 and "EC PARAMETERS" not in text:
        raise UsageError(f"{what} holds more than one; right would be one key a file")
    return text
