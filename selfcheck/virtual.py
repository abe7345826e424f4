"""Truth in virtual time: the same cases, prober and load behaving as on a machine (`muster.verdict.scripted`)."""

from __future__ import annotations

import random
from dataclasses import replace

from muster.base.timeline import Event
from muster.verdict import judge
from muster.verdict.testing import EPOCH, Asking, DrillStory, Own
from selfcheck import cases
from selfcheck.cases import Case, draw
from selfcheck.instrument import LEAD_S, Plan, declaration
from selfcheck.results import Result, Truth, result

STALLS_PER_S = 0.3  # how often a process gets no turn, for up to STALL_S
STALL_S = 0.012
LATE_S = 0.0003
EDGE_S = cases.EVERY_S * 3 / 4  # what 200 requests/s leave of the prober's edge rhythm


def story(case: Case, seed: int, plan: Plan) -> DrillStory:
    """A drill in which a case happens."""
    chance = random.Random(f"{seed}/{case.number}/clients")
    sent = LEAD_S + plan.steady_s + 0.01
    stop = sent + case.ends + plan.watch_s
    prober, load = (_stalls(chance, stop) for _ in range(2))
    probes = [
        Asking(
            name, cases.EVERY_S, write=name == "write", start=chance.uniform(-cases.EVERY_S, 0), stop=stop, takes=0.006,
            limit=cases.LIMIT_S, edge=EDGE_S, own=Own(LATE_S, prober),
        )
        for name in ("read", "write")
    ]  # fmt: skip
    own = Own(LATE_S, load, renew_after=cases.RENEW_AFTER, writes=cases.WRITES)
    begun = [replace(outage, start=outage.start + sent, end=outage.end + sent) for outage in case.outages]
    return DrillStory(
        declared=declaration(f"case-{case.number}", plan).to_event(),
        outages=begun,
        probes=probes,
        load=Asking("load", 1 / cases.RATE, stop=stop, takes=0.006, limit=cases.LOAD_LIMIT_S, own=own),
        steady=(LEAD_S + plan.steady_s, True, ""),
        sent=sent,
        effects=[(sent, False), (begun[0].start if begun else sent + 0.1, True)],
        recovery=None,
        steps=[],
        good=(stop, True, ""),
        readback=None,
        judged=list(plan.required),
        length=stop,
        seed=chance.randrange(2**31),
    )


def measure(number: int, seed: int, *, longest: float = cases.LONGEST_S) -> tuple[Result, list[Event]]:
    """Measure case `number`; the result, and the timeline that it stands on."""
    case = draw(number, seed, longest=longest)
    told = story(case, seed, Plan())
    events = told.events()
    begin, end = EPOCH + told.outages[0].start, EPOCH + told.outages[-1].end
    hits = [EPOCH + moment for moment in told.harmed] if case.partial else []
    harmed = (min(hits, default=begin), max(hits, default=begin)) if case.partial else None
    assert told.sent is not None
    truth = Truth(EPOCH + told.sent, (begin, end), harmed)
    return result(case, truth, judge(events)), events


def _stalls(chance: random.Random, until: float) -> tuple[tuple[float, float], ...]:
    found, at = list[tuple[float, float]](), 0.0
    while (at := at + chance.expovariate(STALLS_PER_S)) < until:
        found.append((at, at + chance.uniform(0, STALL_S)))
    return tuple(found)
