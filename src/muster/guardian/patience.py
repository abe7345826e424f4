"""For how long a guardian goes on trying to undo faults where it cannot: as long as that can come to something.

A cluster elsewhere may be back tomorrow. One of this machine at whose address nobody listens any more was restarted
within minutes, or is gone; the session's own goes with the session. And who is told to end does so soon, undone or not:
what comes after SIGTERM is SIGKILL, which lets nobody say what is left.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from muster.base.clock import now
from muster.kube import Cluster

TRY_FOR_S = 24 * 3600.0
TRY_GONE_FOR_S = 600.0
TRY_OWN_FOR_S = 10.0
TRY_OWN_GONE_FOR_S = 1.0
TRY_ENDING_FOR_S = 5.0
LOOK_WITHIN_S = 1.0


class Patience:
    """How much of it is left, from now on. `ended` tells since when (CLOCK_MONOTONIC seconds) the guardian is told to
    end, None where it is not."""

    def __init__(self, cluster: Cluster, ended: Callable[[], float | None]) -> None:
        self._cluster, self._ended = cluster, ended
        self._began = now()
        self._gone_since: float | None = None

    def is_over(self) -> str:
        """Why there is none left, after a try that came to nothing; the empty text where there is."""
        ended = self._ended()
        if ended is not None and now() - ended > TRY_ENDING_FOR_S:
            return "it was told to end"
        limit = TRY_OWN_FOR_S if self._cluster.embedded else TRY_FOR_S
        if now() - self._began > limit:
            return f"it tried for {limit:g} s"
        gone_for_s = TRY_OWN_GONE_FOR_S if self._cluster.embedded else TRY_GONE_FOR_S
        if not is_gone(self._cluster):
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now()
        elif now() - self._gone_since > gone_for_s:
            return f"nobody listens at {self._cluster.server} for {gone_for_s:g} s"
        return ""


def is_gone(cluster: Cluster) -> bool:
    """Whether a cluster is one of this machine, and nobody listens at its address."""
    parts = urlsplit(cluster.access.server)
    if cluster.access.proxy or not parts.hostname or not _is_here(parts.hostname):
        return False
    try:
        with socket.create_connection((parts.hostname, parts.port or 443), timeout=LOOK_WITHIN_S):
            return False
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
