"""What clients of a service see, asked as one of them: the word that counts on whether all is well."""

from __future__ import annotations

from collections.abc import Callable

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import RefusedError
from muster.probes.answers.reading import read_once
from muster.probes.http.outcomes import Outcome
from muster.steps import Context

# A Service chooses a pod for each connection by chance: one of 3 pods is left out by 12 of them once in 100 times.
LOOKS = 12
ENOUGH = 2  # failures that say enough: each may take as long as a request's limit
GOOD = ("", Outcome.SHED)
LASTING_LOOKS = 3
BETWEEN_LOOKS_S = 1.0


def unanswered(context: Context) -> str:
    """What is wrong with the answers to the system's read, asked several times; empty where each was right.

    Raises:
        RefusedError: excess load is refused, which is another emergency.
    """
    said: list[str] = []
    while len(said) < LOOKS and sum(why not in GOOD for why in said) < ENOUGH:
        said.append(_wrong(context))
    failed = [why for why in said if why not in GOOD]
    if said and all(why == Outcome.SHED for why in said):
        raise RefusedError(f"each of {len(said)} requests was refused for overload; right would be add-capacity")
    path = context.system.read.request.path
    return f"{len(failed)} of {len(said)} requests {path} failed, the last one with {failed[-1]}" if failed else ""


def _wrong(context: Context) -> str:
    """What is wrong with one answer: `shed` where it is a clean refusal, empty where nothing is."""
    answer = read_once(context.url, context.system.read)
    if answer.outcome is Outcome.SHED:
        return Outcome.SHED
    return "" if answer.outcome is Outcome.OK else f"{answer.outcome}: {answer.why}"


def lasting(look: Callable[[], str], *, clock: Clock = SYSTEM_CLOCK) -> str:
    """What a look finds wrong each of several times, as it said last; empty where it once found nothing.

    What the platform is just mending is no work for a procedure.
    """
    said = look()
    for _ in range(LASTING_LOOKS - 1):
        if not said:
            break
        clock.sleep(BETWEEN_LOOKS_S)
        said = look()
    return said
