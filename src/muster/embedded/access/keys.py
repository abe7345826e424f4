"""Signed statements: JSON Web Tokens (RFC 7519) with ECDSA on P-256 (ES256, RFC 7518)."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

Claims = dict[str, Any]
REMEMBERED = 1000  # tokens whose signature was found to be right
_HALF = 32  # bytes of each of a signature's two numbers
_HASH = ec.ECDSA(hashes.SHA256())


class SigningKey:
    """A key of this cluster's own, made anew at each start: what an earlier one signed is worth nothing."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._public = self._private.public_key()
        self._head = _encode(orjson.dumps({"alg": "ES256", "typ": "JWT"}))
        self._right: dict[str, Claims] = {}

    def sign(self, claims: Claims) -> str:
        """The token that says this."""
        stated = f"{self._head}.{_encode(orjson.dumps(claims))}"
        numbers = decode_dss_signature(self._private.sign(stated.encode(), _HASH))
        return f"{stated}.{_encode(b''.join(number.to_bytes(_HALF, 'big') for number in numbers))}"

    def read(self, token: str) -> Claims | None:
        """What a token says that this key has signed, be it still true or not; None for any other."""
        found = self._right.get(token)
        if found is None:
            found = self._verified(token)
            if found is not None:
                if len(self._right) >= REMEMBERED:
                    self._right.pop(next(iter(self._right)))
                self._right[token] = found
        return found

    def _verified(self, token: str) -> Claims | None:
        head, *rest = token.split(".")
        if head != self._head or len(rest) != 2:
            return None
        try:
            signature = _decode(rest[1])
            numbers = (int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big"))
            self._public.verify(encode_dss_signature(*numbers), f"{head}.{rest[0]}".encode(), _HASH)
            found = orjson.loads(_decode(rest[0]))
        except (InvalidSignature, ValueError):
            return None
        return found if isinstance(found, dict) and len(signature) == 2 * _HALF else None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
