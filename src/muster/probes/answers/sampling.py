"""A sample of what clients are answered: one request, put many times over a short while."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from muster.base.clock import now
from muster.probes.http.exchange import Answer, Exchange
from muster.probes.http.outcomes import Outcome
from muster.system.definition import Request


@dataclass(frozen=True)
class Sample:
    """How many of so many requests had which outcome."""

    outcomes: Counter[Outcome]
    late: Counter[Outcome]
    """The same of the later half alone."""

    @property
    def asked(self) -> int:
        return self.outcomes.total()

    @property
    def refused(self) -> int:
        """How many were refused cleanly: 503 with Retry-After."""
        return self.outcomes[Outcome.SHED]

    @property
    def answered(self) -> int:
        """How many were answered rightly or refused cleanly."""
        return self.outcomes[Outcome.OK] + self.refused

    @property
    def refused_share(self) -> float:
        """The ratio of clean refusals among those that were answered, 0 where none was; of the later half alone where
        that is more, as what a service has saved up against bursts hides at first what it is short of."""
        return max(_share(self.outcomes), _share(self.late))

    def __str__(self) -> str:
        others = {name: n for name, n in self.outcomes.items() if name not in (Outcome.OK, Outcome.SHED)}
        told = "".join(f", {n} {name}" for name, n in sorted(others.items()))
        return f"{self.refused} of {self.asked} requests refused{told}"


def sample(url: str, request: Request, *, times: int, over_s: float, limit_s: float = 1.0) -> Sample:
    """Put a request `times` times, evenly over `over_s` seconds, each on a connection of its own, to the service at
    `url`, so that the instances behind it are met as chance has it.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP.
        OwnLimitError: this process has no connections left.
    """
    answers = asyncio.run(_ask(url, request, times, over_s, limit_s))
    outcomes = [answer.outcome for answer in answers]
    return Sample(Counter(outcomes), Counter(outcomes[times // 2 :]))


def _share(outcomes: Counter[Outcome]) -> float:
    answered = outcomes[Outcome.OK] + outcomes[Outcome.SHED]
    return outcomes[Outcome.SHED] / answered if answered else 0.0


async def _ask(url: str, request: Request, times: int, over_s: float, limit_s: float) -> list[Answer]:
    async with Exchange(url) as exchange:
        begin, tasks = now(), []
        for number in range(times):
            await asyncio.sleep(begin + number * over_s / times - now())
            tasks.append(asyncio.create_task(exchange.send(request, kept=False, limit_s=limit_s)))
        return list(await asyncio.gather(*tasks))
