"""The tokens that a pod's projected volumes hold: bound to the pod, and renewed long before they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from muster.base.clock import now
from muster.embedded.access.accounts import Accounts, Wish
from muster.embedded.node.sources import MissingSourceError
from muster.embedded.objects import Key, Object
from muster.embedded.status import StatusError

RENEWED_AFTER = 0.8  # of a lifetime, as a kubelet does it
OLDEST_S = 24 * 3600.0


class _Held(NamedTuple):
    text: str
    renewed_at: float  # CLOCK_MONOTONIC seconds


class PodTokens:
    """Asks for tokens of a pod's account, and keeps each until it is time for the next one."""

    def __init__(self, pod: Object, accounts: Accounts | None, clock: Callable[[], float] = now) -> None:
        meta = pod["metadata"]
        self._account = Key(meta["namespace"], pod["spec"].get("serviceAccountName") or "default")
        self._bound = {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]}
        self._accounts = accounts
        self._clock = clock
        self._held: dict[tuple[str, int], _Held] = {}

    def token(self, source: Object) -> str:
        """The token that a `serviceAccountToken` source stands for now.

        Raises:
            MissingSourceError: there is no such account (any more).
        """
        audience, seconds = source.get("audience") or "", int(source.get("expirationSeconds") or 3600)
        held = self._held.get((audience, seconds))
        if held is None or held.renewed_at <= self._clock():
            held = _Held(self._ask(audience, seconds), self._clock() + min(RENEWED_AFTER * seconds, OLDEST_S))
            self._held[audience, seconds] = held
        return held.text

    def renewed_in(self) -> float | None:
        """Seconds until the first of them is to be renewed; None where there are none."""
        times = [held.renewed_at for held in self._held.values()]
        return max(min(times) - self._clock(), 0.0) if times else None

    def _ask(self, audience: str, seconds: int) -> str:
        if self._accounts is None:
            raise MissingSourceError("failed to fetch token: this node has nobody to ask for one")
        try:
            return self._accounts.issue(self._account, Wish([audience] if audience else (), seconds, self._bound)).text
        except StatusError as error:
            raise MissingSourceError(f"failed to fetch token: {error}") from error
