"""Work in durable phases, as an operator sees it through the service: what is stuck, and resuming it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from muster.base.clock import now
from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.base.waiting import wait_for
from muster.probes.answers.content import MISSING, parse, values_at
from muster.probes.answers.instances import ask_once
from muster.probes.http.exchange import Exchange
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.http_store import filled
from muster.steps import Context
from muster.system.operations import Workflows

AT_ONCE = 4
TRIES = 3
LIMIT_S = 2.0
LOOK_EVERY_S = 0.1
PATIENCE_S = 1.0


class Resumed(NamedTuple):
    """Ids of what was resumed, and of what could not be, with the reason."""

    done: list[str]
    failed: dict[str, str]


class StuckWork:
    """What `operations.workflows` of system.yaml tells how to find and resume."""

    def __init__(self, context: Context) -> None:
        """Take the place of the service and the part of system.yaml from a procedure's context.

        Raises:
            UsageError: system.yaml does not say how stuck work is found.
        """
        found = context.system.operations.workflows
        if found is None:
            raise UsageError(f"system '{context.system.name}' declares no 'operations.workflows' in its system.yaml")
        self.spec: Workflows = found
        self._url = context.url
        self._context = context

    def stuck(self) -> list[str]:
        """The ids of what is stuck, in the service's order, as many as it lists at once.

        Raises:
            ClusterError: the service does not answer, or answers something else than such a list.
        """
        request = self.spec.stuck
        answer = ask_once(self._url, request, limit_s=LIMIT_S)
        if answer.outcome is not Outcome.OK:
            raise ClusterError(f"{request.method} {request.path} at {self._url}: {answer.outcome}: {answer.why}")
        document = parse(answer.body)
        lists = values_at(document, self.spec.items)
        if document is MISSING or len(lists) != 1 or not isinstance(lists[0], list):
            raise ClusterError(f"{request.method} {request.path} at {self._url} holds no list '{self.spec.items}'")
        return [str(value) for item in lists[0] for value in values_at(item, self.spec.id)]

    def resume(self, identities: Collection[str]) -> Resumed:
        """Resume each from its last durable phase; one that is refused or not answered is tried again."""
        return asyncio.run(self._resume(list(identities)))

    def clear(self, within_s: float, *, patience_s: float = PATIENCE_S) -> list[str]:
        """See to it that nothing is stuck any more, and return the ids of what had to be resumed for that.

        What is still stuck after it was first seen so for `patience_s` seconds is resumed, once: most of it goes on by
        itself when those who do it are back. A list shows so many at once, so more comes to light as it goes on.

        Raises:
            RefusedError: one cannot be resumed.
            TimeoutExceededError: something stays stuck for `within_s` seconds.
        """
        seen: dict[str, float] = {}
        resumed: set[str] = set()

        def is_clear() -> bool:
            try:
                stuck = self.stuck()
            except ClusterError:
                return False  # one look that fails says nothing
            moment = now()
            late = [i for i in stuck if moment - seen.setdefault(i, moment) >= patience_s and i not in resumed]
            self._resume_all(late)
            resumed.update(late)
            return not stuck

        wait_for(
            is_clear,
            within=within_s,
            every=LOOK_EVERY_S,
            reason="work to go on after it was resumed",
            latest=lambda: f"stuck are {name_some(self.stuck())}",
        )
        return sorted(resumed)

    def _resume_all(self, identities: Collection[str]) -> None:
        done, failed = self.resume(identities)
        if failed:
            identity, why = next(iter(failed.items()))
            raise RefusedError(f"{len(failed)} of {len(done) + len(failed)} not resumed, {identity} for one: {why}")

    async def _resume(self, identities: list[str]) -> Resumed:
        result, places = Resumed([], {}), asyncio.Semaphore(AT_ONCE)
        async with Exchange(self._url) as exchange:

            async def one(identity: str) -> None:
                async with places:
                    why = await self._try(exchange, identity)
                if why:
                    result.failed[identity] = why
                else:
                    result.done.append(identity)

            await asyncio.gather(*(one(identity) for identity in identities))
        if result.done:
            self._context.changed(f"Service/{self._context.system.service.name}")
        return result

    async def _try(self, exchange: Exchange, identity: str) -> str:
        """Resume one, and say what is wrong if that did not work."""
        request, why = filled(self.spec.resume, id=identity), ""
        for attempt in range(TRIES):
            await asyncio.sleep(0.2 * attempt)
            answer = await exchange.send(request, kept=True, limit_s=LIMIT_S)
            if answer.outcome is Outcome.OK:
                return ""
            why = f"{answer.outcome}: {answer.why}"
        return why


def name_some(identities: Collection[str]) -> str:
    """Ids for people: how many, and the first of them."""
    named = list(identities)
    few = ", ".join(named[:2]) + (", ..." if len(named) > 2 else "")
    return f"{len(named)} ({few})"
