"""Asking each serving instance: what the pods behind the service's address say of themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from muster.probes.answers.content import parse
from muster.probes.http.exchange import Answer, Exchange
from muster.probes.http.outcomes import Outcome
from muster.system.definition import Request

# A Service chooses a pod for each connection by chance: one of 4 pods is left out by 24 of them once in 1,000 times.
LOOKS = 24


@dataclass(frozen=True)
class Told:
    """What was answered to a request that was put several times: the JSON documents, and how many came to nothing."""

    documents: list[Any]
    failed: int
    first_failure: str = ""


def ask_instances(url: str, request: Request, *, looks: int = LOOKS, limit_s: float = 2.0) -> Told:
    """Put a request `looks` times side by side, each on a connection of its own, to the service at `url`.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP.
        OwnLimitError: this process has no connections left.
    """
    answers = asyncio.run(_ask(url, request, looks, limit_s))
    good = [document for answer in answers if answer.outcome is Outcome.OK and (document := parse(answer.body))]
    failed = [answer for answer in answers if answer.outcome is not Outcome.OK]
    return Told(good, len(answers) - len(good), failed[0].why if failed else "")


def ask_once(url: str, request: Request, *, limit_s: float = 2.0) -> Answer:
    """Put a request once.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP.
        OwnLimitError: this process has no connections left.
    """
    return asyncio.run(_ask(url, request, 1, limit_s))[0]


async def _ask(url: str, request: Request, looks: int, limit_s: float) -> list[Answer]:
    async with Exchange(url) as exchange:
        asked = [exchange.send(request, kept=False, limit_s=limit_s) for _ in range(looks)]
        return list(await asyncio.gather(*asked))
