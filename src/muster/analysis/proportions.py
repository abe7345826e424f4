"""How many requests failed, or were too slow: against the limit, and against stable side by side.

Against stable, what counts is not when something failed but where: each request is given to one of the two by chance,
so that of what fails, canary has its part of the traffic where both are alike, however bursts and bad hours fall.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from muster.analysis import evidence, words
from muster.analysis.counts import LATENCY, REQUESTS, Fresh, Tally, kinds
from muster.analysis.evidence import Bet
from muster.analysis.judgement import Judgement, TriggerVerdict
from muster.analysis.state import State
from muster.system.release_analysis import PROPORTIONS, ErrorRate, ReleaseAnalysis, SlowRequests

# What one look can multiply a bet by: a moment's burst is not how good a release is. Where at least half of canary's
# requests have it and stable's have not, there is no such limit. Where stable has too much of it as well, or no traffic
# that would tell, the limit is lower: what may strike both counts by how long it lasts, not by how many it meets.
MOST_OF_A_LOOK = math.log(50)
MOST_ALONE = math.log(10)
MOST_WHERE_ALIKE = math.log(2)
# The evidence for `fine`, which hinders nobody: undecided may be promoted as well.
FINE = math.log(20)
# That so many requests were due and none came is no chance.
DUE = 20.0
_EVERY = "every"


@dataclass(frozen=True, slots=True)
class Pair:
    """Of each version, how many requests there are, and how many of them have what is looked for."""

    hits: float
    n: float
    stable_hits: float
    stable_n: float

    @property
    def ratio(self) -> float:
        """The share of canary's that have it."""
        return self.hits / self.n if self.n else 0.0

    @property
    def stable_ratio(self) -> float:
        """The share of stable's that have it."""
        return self.stable_hits / self.stable_n if self.stable_n else 0.0


def placed(canary: Fresh, stable: Fresh, settings: ReleaseAnalysis) -> list[Bet]:
    """The bets of one look."""
    return [bet for name in PROPORTIONS for bet in _bets(name, canary, stable, settings)]


def _bets(name: str, canary: Fresh, stable: Fresh, settings: ReleaseAnalysis) -> Iterator[Bet]:
    trigger = getattr(settings, name)
    if trigger is None:
        return
    if trigger.with_limit and (pair := _limited(trigger, canary.fresh, stable.fresh)) is not None:
        allowed = _allowed(trigger)
        most = MOST_WHERE_ALIKE if pair.stable_ratio > allowed else _most(pair)
        yield Bet(f"{name}/limit", pair.hits, pair.n, evidence.odds(allowed), most)
    if not trigger.with_stable:
        return
    for stream, pair in _streams(trigger, canary.fresh, stable.fresh).items():
        if pair.n and pair.stable_n:
            odds, most = trigger.times * pair.n / pair.stable_n, _most(pair)
            yield Bet(f"{name}/{stream}/times", pair.hits, pair.hits + pair.stable_hits, odds, most)
            yield Bet(f"{name}/{stream}/margin", pair.hits, pair.n, evidence.odds(trigger.margin), most)


def _most(pair: Pair) -> float:
    if not pair.stable_n:
        return MOST_ALONE
    return math.inf if 2 * pair.hits >= pair.n else MOST_OF_A_LOOK


def _allowed(trigger: ErrorRate | SlowRequests) -> float:
    return trigger.limit if isinstance(trigger, ErrorRate) else trigger.slower


def _limited(
    trigger: ErrorRate | SlowRequests, canary: Mapping[str, Tally], stable: Mapping[str, Tally]
) -> Pair | None:
    """What the limit is about, or None where it cannot be told."""
    if isinstance(trigger, ErrorRate):
        return _pair(canary, stable, REQUESTS, "failed", "requests")
    bound = _bound(trigger, canary.get(LATENCY, {}))
    return None if bound is None else _pair(canary, stable, LATENCY, bound, "count")


def _bound(trigger: SlowRequests, tally: Tally) -> str | None:
    """The first bound that is not below the limit: what is slower than that is slower than the limit for sure."""
    return next((name for name in tally if name != "count" and float(name) >= trigger.limit_s * (1 - 1e-9)), None)


def _streams(
    trigger: ErrorRate | SlowRequests, canary: Mapping[str, Tally], stable: Mapping[str, Tally]
) -> dict[str, Pair]:
    """What is compared with stable: all requests and each kind of them; or what is slower than each bound."""
    found: dict[str, Pair | None] = {}
    if isinstance(trigger, ErrorRate):
        found[_EVERY] = _pair(canary, stable, REQUESTS, "failed", "requests")
        found |= {name: _pair(canary, stable, name, "failed", "requests") for name in kinds(canary)}
    else:
        bounds = [name for name in canary.get(LATENCY, {}) if name != "count"]
        found |= {bound: _pair(canary, stable, LATENCY, bound, "count") for bound in bounds}
    return {name: pair for name, pair in found.items() if pair is not None}


def _pair(canary: Mapping[str, Tally], stable: Mapping[str, Tally], tally: str, hits: str, every: str) -> Pair | None:
    mine, theirs = canary.get(tally, {}), stable.get(tally, {})
    if hits not in mine:
        return None
    if hits not in theirs:  # no traffic, or buckets of another kind: nothing to compare with
        return Pair(mine[hits], mine[every], 0.0, 0.0)
    return Pair(mine[hits], mine[every], theirs[hits], theirs[every])


def judged(
    name: str,
    state: State,
    canary: Fresh,
    stable: Fresh,
    settings: ReleaseAnalysis,
    *,
    worth: Mapping[str, float],
    share: float,
    phases: int,
) -> Judgement:
    """What a trigger says after a look, its bets placed and weighed."""
    trigger: ErrorRate | SlowRequests = getattr(settings, name)
    tally = REQUESTS if isinstance(trigger, ErrorRate) else LATENCY
    mine, theirs = state.total["canary"], state.total["stable"]
    compared = trigger.with_stable and share < 1
    pair = _limited(trigger, mine, theirs) or Pair(0.0, 0.0, 0.0, 0.0)
    samples = mine.get(tally, {}).get("requests" if tally == REQUESTS else "count", 0.0)
    alike = pair.stable_n > 0 and pair.stable_ratio > _allowed(trigger)

    def said(verdict: TriggerVerdict, reason: str) -> Judgement:
        return Judgement(name, verdict, reason, samples, trigger.least, alike)

    if name in state.shown:
        return said(TriggerVerdict.WORSE, state.shown[name])
    enough = math.log(_processes(settings) * phases / settings.alpha)
    if trigger.with_limit and worth.get(f"{name}/limit", 0.0) >= enough:
        return said(TriggerVerdict.WORSE, _above_limit(trigger, pair, alike=alike))
    if compared and (worst := _worse_than_stable(name, worth, trigger, enough)) is not None:
        return said(TriggerVerdict.WORSE, _above_stable(trigger, worst, _streams(trigger, mine, theirs)[worst]))
    if lacks := _lacks(tally, trigger, canary, stable, state, compared=compared):
        return said(TriggerVerdict.NO_DATA, lacks)
    fine = (not trigger.with_limit or evidence.below(pair.hits, pair.n, evidence.odds(_allowed(trigger))) >= FINE) and (
        not compared or _as_stable(trigger, pair)
    )
    verdict = TriggerVerdict.FINE if fine and samples >= trigger.least else TriggerVerdict.UNDECIDED
    return said(verdict, _figures(trigger, pair))


def _processes(settings: ReleaseAnalysis) -> int:
    """How many comparisons share alpha."""
    triggers = [getattr(settings, name) for name in PROPORTIONS]
    return sum(trigger.with_limit + trigger.with_stable for trigger in triggers if trigger is not None)


def _worse_than_stable(
    name: str, worth: Mapping[str, float], trigger: ErrorRate | SlowRequests, enough: float
) -> str | None:
    """The stream that weighs most, where all streams together show canary to be worse than stable."""
    if max(worth.values(), default=0.0) < enough:
        return None
    streams = [row[len(name) + 1 : -len("/times")] for row in worth if row.startswith(name) and row.endswith("/times")]
    if not streams:
        return None
    # Both must be shown, to be so many times worse and to be worse by a margin: the smaller counts.
    both = [min(worth[f"{name}/{stream}/times"], worth[f"{name}/{stream}/margin"]) for stream in streams]
    parts = _parts(len(both)) if isinstance(trigger, ErrorRate) else np.full(len(both), 1 / len(both))
    logs = np.array(both)
    return streams[int(np.argmax(logs + np.log(parts)))] if evidence.mean(logs, parts) >= enough else None


def _parts(streams: int) -> evidence.Row:
    """Half for all requests; of the rest each kind has less than the one that came before it, for more may come."""
    later = [0.5 / (number * (number + 1)) for number in range(1, streams)]
    return np.array([0.5, *later])


def _as_stable(trigger: ErrorRate | SlowRequests, pair: Pair) -> bool:
    """Whether canary is shown to be no worse than stable by so much."""
    if not pair.n or not pair.stable_n:
        return False
    within = evidence.below(pair.hits, pair.n, evidence.odds(trigger.margin)) if trigger.margin else 0.0
    odds = trigger.times * pair.n / pair.stable_n
    return max(within, evidence.below(pair.hits, pair.hits + pair.stable_hits, odds)) >= FINE


def _lacks(
    tally: str, trigger: ErrorRate | SlowRequests, canary: Fresh, stable: Fresh, state: State, *, compared: bool
) -> str | None:
    """Why nothing can be said, or None."""
    what = "requests" if tally == REQUESTS else "latency"
    if tally in canary.missing:
        return f"{what} of canary could not be seen: {canary.missing[tally]}"
    if compared and tally in stable.missing:
        return f"{what} of stable could not be seen: {stable.missing[tally]}"
    if isinstance(trigger, SlowRequests) and _bound(trigger, canary.tallies.get(tally, {})) is None:
        return f"latency of canary has no bucket at or above {trigger.limit_s:g} s"
    if state.due >= DUE:
        return f"no request reached canary for {words.span(state.silent_s)}, where about {state.due:.0f} were due"
    return None


def _figures(trigger: ErrorRate | SlowRequests, pair: Pair, stream: str = "") -> str:
    """`2.1 % of 840 requests failed on canary, limit 0.5 %, stable 0.02 %`."""
    of = f"{words.percent(pair.ratio)} of {words.many(pair.n)} requests{_of_kind(stream)}"
    limit = f", limit {words.percent(_allowed(trigger))}" if trigger.with_limit else ""
    beside = f", stable {words.percent(pair.stable_ratio)}" if pair.stable_n else ""
    if isinstance(trigger, ErrorRate):
        return f"{of} failed on canary{limit}{beside}"
    return f"{of} took more than {trigger.limit_s:g} s on canary{limit}{beside}"


def _of_kind(stream: str) -> str:
    return f" '{stream.removeprefix('kind/')}'" if stream.startswith("kind/") else ""


def _above_limit(trigger: ErrorRate | SlowRequests, pair: Pair, *, alike: bool) -> str:
    lately = "" if pair.ratio > _allowed(trigger) else " (more of late)"
    also = ": stable is over it as well, so the release may not be the reason" if alike else ""
    return f"{_figures(trigger, pair)}{lately}{also}"


def _above_stable(trigger: ErrorRate | SlowRequests, stream: str, pair: Pair) -> str:
    lately = "" if pair.ratio > trigger.times * pair.stable_ratio else " (more of late)"
    of = f"{words.percent(pair.ratio)} of {words.many(pair.n)} requests{_of_kind(stream)}"
    did = "failed" if isinstance(trigger, ErrorRate) else f"took more than {stream} s"
    beside = f"{words.percent(pair.stable_ratio)} of {words.many(pair.stable_n)}"
    return f"{of} {did} on canary, on stable {beside}: more than {trigger.times:g} times as many{lately}"
