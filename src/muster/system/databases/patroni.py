"""Patroni: its REST API tells of all members, and fails over to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from muster.base.errors import ClusterError, RefusedError
from muster.system.databases.declared import PatroniDatabase
from muster.system.databases.instances import Instance
from muster.system.headers import resolved

LEADS = ("leader", "standby_leader", "master")
WELL = ("running", "streaming", "in archive recovery")


class Patroni:
    """A cluster under Patroni, asked at whichever of its members answers."""

    def __init__(self, declared: PatroniDatabase) -> None:
        self._declared = declared
        self.changes: Sequence[str] = [f"Service/{declared.service}"]

    def instances(self) -> list[Instance]:
        """As `GET /cluster` tells: a standby's lag is in bytes."""
        members: list[dict[str, Any]] = self._ask("GET", "/cluster").json().get("members") or []
        return [self._instance(member) for member in members]

    def promote(self, instance: str) -> str:
        """Have Patroni fail over to a member: `POST /failover`, which answers once it is through or was scheduled."""
        answer = self._ask("POST", "/failover", json={"candidate": instance})
        return f"Patroni was told to fail over to {instance}: {answer.text.strip()[:200]}"

    def _instance(self, member: dict[str, Any]) -> Instance:
        state, lag, leads = str(member.get("state", "")), member.get("lag"), member.get("role") in LEADS
        told = isinstance(lag, int | float) and not isinstance(lag, bool)
        behind = float(lag) if told and lag is not None else float("inf")
        return Instance(
            name=str(member.get("name")),
            primary=leads,
            # A lag that is unknown is of one that does not answer, whatever state it was last in.
            well=state in WELL and (leads or lag is None or told),
            state=state if lag is None or told else f"{state}, lag {lag}",
            lag=f"{lag} bytes" if told else None,
            behind=0.0 if leads or lag is None else behind,
            late=bool(told and not leads and behind > self._declared.max_replication_lag_bytes),
        )

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """The answer of the first member that gives one.

        Raises:
            RefusedError: it was a refusal.
            ClusterError: none of them answers.
        """
        said = ""
        headers = resolved(self._declared.headers)
        for url in self._declared.urls:
            try:
                answer = httpx.request(
                    method, f"{url}{path}", headers=headers, timeout=self._declared.limit_s, trust_env=False, **content
                )
            except httpx.HTTPError as error:
                said = str(error) or type(error).__name__
                continue
            if answer.is_error:
                text = answer.text.strip()[:200]
                raise RefusedError(f"Patroni at {url} refuses {method} {path}: {answer.status_code} {text}")
            return answer
        raise ClusterError(f"no Patroni answers at {', '.join(self._declared.urls)}: {said}")
