"""How late a running pod is shown that a ConfigMap or a Secret has changed: here at once, unless asked for otherwise.

A real kubelet goes through its pods about once a minute, each at a time of its own, and asks what it may have kept for
as long again: one pod sees a change after a moment, its neighbour after 90 s. A new pod is given what is there.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from muster.base.errors import UsageError

VARIABLE = "MUSTER_EMBEDDED_CONFIG_LAG_S"


def from_environment(environment: Mapping[str, str]) -> float:
    """The longest that a pod may wait for a change, in seconds; 0 unless MUSTER_EMBEDDED_CONFIG_LAG_S says otherwise.

    Raises:
        UsageError: it does not say a number of seconds.
    """
    said = environment.get(VARIABLE) or "0"
    try:
        seconds = float(said)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(f"{VARIABLE} is '{said}'; right would be a number of seconds, such as 90")
    return seconds


def of_pod(uid: str, longest_s: float) -> float:
    """How late the pod of this uid is, in seconds: its own share of the longest, the same each time."""
    digest = hashlib.sha256(uid.encode()).digest()
    return longest_s * int.from_bytes(digest[:4]) / 2**32
