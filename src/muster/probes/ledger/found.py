"""Whether what looking for a write shows is right."""

from __future__ import annotations

from dataclasses import replace

from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.store import Seen


def judged_read_back(content: str, seen: Seen) -> Answer:
    """The answer to looking for a write that was acknowledged, `wrong` unless it is there once and as written."""
    answer = seen.answer
    if answer.outcome is not Outcome.OK:
        return replace(answer, why=f"reading back: {answer.why}")
    if seen.contents == [content]:
        return answer
    count = 0 if seen.contents is None else len(seen.contents)
    said = "is not there" if not count else "is there more than once" if count > 1 else "has another content"
    return replace(answer, outcome=Outcome.WRONG, why=f"reading back: what was acknowledged {said}")
