"""Whether an answer is right: the one place that decides it, for the prober, the procedures and whoever looks once."""

from __future__ import annotations

from dataclasses import replace

from muster.probes.answers.content import failing, parse, unexpected, values_at
from muster.probes.answers.instances import ask_once
from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.system.definition import ExpectProbe, ReadProbe
from muster.system.own_checks import HttpQuestion


def read_once(url: str, probe: ReadProbe, *, written: bool = False) -> Answer:
    """Make the system's read once, within its limit; its outcome is ok only where the answer was right, `written` as
    in `judged_read`.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP.
        OwnLimitError: this process has no connections left.
    """
    return judged_read(probe, ask_once(url, probe.request, limit_s=probe.limit_s), written=written)


def judged_read(probe: ReadProbe, answer: Answer, *, written: bool = False) -> Answer:
    """The answer to the system's read, `wrong` where it does not hold what it must.

    `written` is whether something of the ledger had been acknowledged when it was asked for.
    """
    if answer.outcome is not Outcome.OK:
        return answer
    document = parse(answer.body)
    if probe.contains and not values_at(document, probe.contains):
        return replace(answer, outcome=Outcome.WRONG, why=f"the answer holds no '{probe.contains}'")
    strange = failing(document, probe.check) or (failing(document, probe.once_written, some=True) if written else "")
    return replace(answer, outcome=Outcome.WRONG, why=strange) if strange else answer


def judged_expect(probe: ExpectProbe | HttpQuestion, answer: Answer) -> Answer:
    """The answer to a further probe, `wrong` where it holds something else than is expected."""
    if answer.outcome is not Outcome.OK:
        return answer
    document = parse(answer.body)
    strange = unexpected(document, probe.expect) or failing(document, probe.check)
    return replace(answer, outcome=Outcome.WRONG, why=strange) if strange else answer
