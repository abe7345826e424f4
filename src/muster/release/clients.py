"""What clients are answered, and by which version: real requests, on new connections and on kept ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from muster.probes.answers.content import parse, values_at
from muster.probes.answers.reading import judged_read
from muster.probes.http.exchange import Answer, Exchange
from muster.probes.http.outcomes import Outcome
from muster.system import SystemDefinition
from muster.system.release import VersionTold

NEW, KEPT = 12, 6  # of each look: requests on connections of their own, and on connections from before


@dataclass(frozen=True)
class Answers:
    """What some requests came to: how many of how many were answered rightly, which versions gave the answers, right or
    not (None: it does not say, or there was none), and the first that went wrong, in one line."""

    asked: int
    good: int
    versions: Counter[str | None]
    kept: int
    why: str

    def by(self, version: str) -> int:
        """How many a version answered."""
        return self.versions[version]

    @property
    def all_told(self) -> bool:
        """Whether each was answered, rightly or not, by a version that says which it is."""
        return not self.versions[None]

    def __str__(self) -> str:
        told = ", ".join(f"{number} by {name or 'who does not say'}" for name, number in self.versions.items())
        return f"{self.good} of {self.asked} requests answered rightly ({self.kept} on kept connections): {told}"


class Clients:
    """Asks the system as its clients do. A context manager; connections that it opened are kept until it is left.

    It asks in a thread of its own: who is in a hurry does not wait for a service that is slow.
    """

    def __init__(self, url: str, system: SystemDefinition) -> None:
        """`url` is where clients reach the system."""
        self._system, self._runner, self._exchange = system, asyncio.Runner(), Exchange(url)
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(lambda: self._runner.run(self._exchange.close())).result()
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def connect(self, within_s: float) -> None:
        """Open the connections that are kept, with a request on each; who does not answer is not waited for."""
        wait([self._thread.submit(lambda: self._runner.run(self._ask(KEPT, KEPT)))], timeout=within_s)

    def look(self) -> Answers:
        """Ask on new connections and on kept ones.

        Raises:
            OwnLimitError: this process has no connections left.
        """
        return self._thread.submit(lambda: self._runner.run(self._ask(NEW + KEPT, KEPT))).result()

    async def _ask(self, times: int, kept: int) -> Answers:
        answers = await asyncio.gather(*(self._one(kept=number < kept) for number in range(times)))
        wrong = [answer.why for answer, _ in answers if answer.outcome is not Outcome.OK]
        on_kept = sum(answer.conn == "kept" for answer, _ in answers)
        told = Counter(version for _, version in answers)
        return Answers(times, times - len(wrong), told, on_kept, wrong[0] if wrong else "")

    async def _one(self, *, kept: bool) -> tuple[Answer, str | None]:
        read, told = self._system.read, self._system.release.version
        if told is not None and told.request is not None:
            answer = await self._exchange.send(told.request, kept=kept, limit_s=read.limit_s)
            return answer, version_of(answer, told)
        answer = judged_read(read, await self._exchange.send(read.request, kept=kept, limit_s=read.limit_s))
        return answer, version_of(answer, told)


def version_of(answer: Answer, told: VersionTold | None) -> str | None:
    """Which version gave an answer, by the header or the field of system.yaml; None where nothing says so."""
    if told is None:
        return None
    if told.field is not None:
        found = values_at(parse(answer.body), told.field)
        return str(found[0]) if len(found) == 1 else None
    assert told.header is not None
    wanted = told.header.lower().encode()
    return next((value.decode(errors="replace") for name, value in answer.headers if name.lower() == wanted), None)
