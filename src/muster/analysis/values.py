"""Values that may not be above a limit: failed agents, workflow errors, processor and memory.

They are what they are and no samples of something, so that no chance is reckoned with; a value that jitters has to be
too high at several looks running.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from muster.analysis import words
from muster.analysis.judgement import Judgement, TriggerVerdict
from muster.analysis.look import Look, Side, Value
from muster.analysis.state import Lasting, State
from muster.system.release_analysis import Amounts, ReleaseAnalysis

# What people call it, and whether it is a share that they read in percent.
CALLED = {
    "failed_agents": ("failed agents", False),
    "workflow_errors": ("workflow errors", False),
    "cpu": ("processor", True),
    "memory": ("memory", True),
}


def noted(before: Mapping[str, Lasting], look: Look, settings: ReleaseAnalysis) -> dict[str, Lasting]:
    """What is known of each value after one look more; what is missing leaves it as it was."""
    found = dict(before)
    for name in CALLED:
        trigger: Amounts | None = getattr(settings, name)
        mine = _of(look.canary, name)
        if trigger is None or isinstance(mine, str):
            continue
        lasting = found.get(name, Lasting())
        over = _over_limit(trigger, mine) or _over_stable(trigger, mine, _of(look.stable, name), look.share)
        found[name] = Lasting(lasting.above + 1 if over else 0, lasting.samples + mine.samples)
    return found


def judged(name: str, state: State, look: Look, settings: ReleaseAnalysis) -> Judgement:
    """What a trigger says of a look that was noted in the state."""
    trigger: Amounts = getattr(settings, name)
    lasting = state.lasting.get(name, Lasting())
    mine, theirs = _of(look.canary, name), _of(look.stable, name)
    alike = isinstance(theirs, Value) and look.share < 1 and trigger.with_limit and theirs.value > trigger.limit

    def said(verdict: TriggerVerdict, reason: str) -> Judgement:
        return Judgement(name, verdict, reason, lasting.samples, trigger.least, alike)

    if name in state.shown:
        return said(TriggerVerdict.WORSE, state.shown[name])
    if isinstance(mine, str):
        return said(TriggerVerdict.NO_DATA, f"{CALLED[name][0]} of canary could not be seen: {mine}")
    reason = _figures(name, trigger, mine, theirs)
    if lasting.above >= trigger.looks:
        by_limit = _over_limit(trigger, mine)
        also = ": stable is over it as well, so the release may not be the reason" if alike and by_limit else ""
        than = "" if by_limit else f": more than {trigger.times:g} times as much"
        running = f", {lasting.above} looks running" if lasting.above > 1 else ""
        return said(TriggerVerdict.WORSE, f"{reason}{than}{running}{also}")
    if trigger.with_stable and look.share < 1 and isinstance(theirs, str):
        return said(TriggerVerdict.NO_DATA, f"{CALLED[name][0]} of stable could not be seen: {theirs}")
    fine = lasting.above == 0 and lasting.samples >= trigger.least
    return said(TriggerVerdict.FINE if fine else TriggerVerdict.UNDECIDED, reason)


def _of(side: Side, name: str) -> Value | str:
    """A value, or why there is none."""
    value: Value | None = getattr(side, name)
    if value is None:
        return side.missing.get(name) or "no reading"
    if not math.isfinite(value.value) or value.value < 0 or value.samples < 1:
        return f"{value.value:g} by {value.samples} samples is no reading"
    return value


def _over_limit(trigger: Amounts, mine: Value) -> bool:
    return trigger.with_limit and mine.value > trigger.limit


def _over_stable(trigger: Amounts, mine: Value, theirs: Value | str, share: float) -> bool:
    if not trigger.with_stable or share >= 1 or isinstance(theirs, str):
        return False
    return mine.value > trigger.times * theirs.value and mine.value - theirs.value > trigger.margin


def _figures(name: str, trigger: Amounts, mine: Value, theirs: Value | str) -> str:
    """`memory 91 % on canary, limit 90 %, stable 40 %`."""
    called, in_percent = CALLED[name]
    told = words.percent if in_percent else _plain
    limit = f", limit {told(trigger.limit)}" if trigger.with_limit else ""
    beside = f", stable {told(theirs.value)}" if isinstance(theirs, Value) else ""
    if in_percent:
        return f"{called} {told(mine.value)} on canary{limit}{beside}"
    return f"{told(mine.value)} {called} on canary{limit}{beside}"


def _plain(value: float) -> str:
    return f"{value:g}"
