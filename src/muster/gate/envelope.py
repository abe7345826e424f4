"""Signed files: a payload in an envelope of DSSE (https://github.com/secure-systems-lab/dsse), signed once.

An envelope's JSON may be written in many ways that mean the same. Here one of them is the file, and any other is
refused: so a file that was accepted is that file to the byte, and what no signature covers says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner

from muster.base.errors import MusterError
from muster.gate.keys import TrustedKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST = 16 * 1024 * 1024  # bytes of a file
_KEYS = {"payload", "payloadType", "signatures"}
_DEEPEST = 32


class NotAcceptedError(MusterError):
    """A file is no acceptance of what it was held against: one sentence says why."""


def seal(payload: bytes, signer: CryptoSigner) -> bytes:
    """The file that holds a payload, signed."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _written(envelope)


def unseal(data: bytes, trusted: Sequence[TrustedKey]) -> tuple[bytes, TrustedKey]:
    """The payload of a signed file, and which of the trusted keys signed it.

    Raises:
        NotAcceptedError: it is no such file, or none of these keys signed it as it stands.
    """
    if len(data) > MOST:
        raise NotAcceptedError("the file is longer than any acceptance")
    content = read_json(data, "the file")
    envelope = _envelope(content)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise NotAcceptedError(f"the envelope holds '{_short(envelope.payload_type)}', and not {PAYLOAD_TYPE}")
    found = {one.key.keyid: one for one in trusted}
    try:
        signed = envelope.verify([one.key for one in found.values()], 1)
    except (VerificationError, ValueError):
        who = ", ".join(one.name for one in trusted)
        raise NotAcceptedError(f"no valid signature of {who}: another key signed it, or it was changed since") from None
    if _written(envelope) != data:
        raise NotAcceptedError("the file is not as muster wrote it, although its signature is right")
    return envelope.payload, found[next(iter(signed))]


def _envelope(content: Any) -> Envelope:
    if not isinstance(content, dict) or content.keys() != _KEYS or not isinstance(content["signatures"], list):
        raise NotAcceptedError("the file is no DSSE envelope: right would be payload, payloadType and signatures alone")
    if (count := len(content["signatures"])) != 1:
        raise NotAcceptedError(f"the envelope has {count} signatures; an acceptance has exactly one")
    signature = content["signatures"][0]
    if not isinstance(signature, dict) or signature.keys() != {"keyid", "sig"}:
        raise NotAcceptedError("the envelope's signature is none: right would be keyid and sig alone")
    texts = [content["payload"], content["payloadType"], *signature.values()]
    if not all(isinstance(text, str) for text in texts):
        raise NotAcceptedError("the envelope holds something else than texts")
    try:
        return Envelope.from_dict(content)
    except (ValueError, KeyError, TypeError):
        raise NotAcceptedError("the envelope's payload or signature is not base64") from None


def _written(envelope: Envelope) -> bytes:
    return (json.dumps(envelope.to_dict(), indent=2, sort_keys=True) + "\n").encode()


def read_json(data: bytes, what: str) -> Any:
    """JSON that means one thing: UTF-8, no key twice, no number that is none, no nesting without end.

    Raises:
        NotAcceptedError: it is not.
    """
    try:
        text = data.decode("utf-8")
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise NotAcceptedError(f"{what} is no JSON") from None
    except _AmbiguousError as error:
        raise NotAcceptedError(f"{what} is ambiguous JSON: {error}") from None
    except ValueError:  # an integer of more digits than are read
        raise NotAcceptedError(f"{what} is no JSON") from None
    if _depth(found) > _DEEPEST:
        raise NotAcceptedError(f"{what} nests deeper than any acceptance")
    return found


class _AmbiguousError(Exception):
    """JSON that two readers may read in two ways."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _AmbiguousError(f"the key '{_short(twice)}' stands twice")
    return found


def _no_number(text: str) -> Any:
    raise _AmbiguousError(f"{text} is no number")


def _depth(value: Any) -> int:
    """How deep it nests, as far as it matters."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        depth += 1
        level = [inner for one in level for inner in _inner(one)]
    return depth


def _inner(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
