"""What may be secret, as it goes into the digest of a version: no digest tells it."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from muster.base.masking import SECRET_NAME, masked

# It keeps whoever has a digest from trying what he knows of digests elsewhere; it is no secret itself.
_SALT = b"a version of a system"
# So much work (memory: 4 MiB) that a short password is not found by trying what it could be.
_WORK = {"n": 2**12, "r": 8, "p": 1}


def name_of_secret(name: object) -> str:
    """A Secret's name as it goes into a digest."""
    return hashlib.sha256(_SALT + b"/Secret/" + str(name).encode()).hexdigest()


def plain_text(name: str, text: str) -> str:
    """A text as it goes into a digest: itself, unless it or its name (of a variable, a key) sounds like a secret."""
    return _slowly(text) if text and (SECRET_NAME.search(name) or masked(text) != text) else text


@lru_cache(maxsize=512)
def _slowly(text: str) -> str:
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=_SALT, **_WORK).hex()
