"""The digest of a value of JSON, the same however it was written."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest_of(value: Any) -> str:
    """`sha256:` and 64 digits of a value of JSON in its canonical form: keys sorted, nothing between, UTF-8.

    Raises:
        TypeError, ValueError: it is no value of JSON (NaN is none).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
