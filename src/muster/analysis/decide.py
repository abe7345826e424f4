"""One look more: what is to be done now. Pure: a look, what was known before, and the settings; nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from muster.analysis import evidence, proportions, values, words
from muster.analysis.counts import REQUESTS, Fresh, added, fresh
from muster.analysis.judgement import Action, Decision, Judgement, TriggerVerdict
from muster.analysis.look import Look
from muster.analysis.plan import Phase, Plan
from muster.analysis.state import State
from muster.system.release_analysis import PROPORTIONS, ReleaseAnalysis

# A look that comes after more than so many times the usual interval came after a gap, or a clock has jumped.
LATE = 3.0


def decide(look: Look, state: State, plan: Plan, settings: ReleaseAnalysis) -> tuple[Decision, State]:
    """What is to be done after a look, and what to carry on to the next one.

    A look of another phase than the one before begins anew. Time that no look has seen does not count as baked: after
    a gap, or where a clock has jumped, one usual interval is reckoned.

    Raises:
        UsageError: the look is of a phase that the plan has not.
    """
    phase = plan.phase(look.phase)
    if look.phase != state.phase:
        state = State(phase=look.phase)
    passed = _passed(look, state, settings)
    canary, stable = (fresh(getattr(look, side), state.read[side]) for side in ("canary", "stable"))
    silent_s, due = _silence(state, canary, stable, look.share, passed)
    state = replace(
        state,
        at_s=look.at_s,
        read={"stable": stable.tallies, "canary": canary.tallies},
        total={
            "stable": added(state.total["stable"], stable.fresh),
            "canary": added(state.total["canary"], canary.fresh),
        },
        silent_s=silent_s,
        due=due,
        table=state.table.after(proportions.placed(canary, stable, settings), passed / phase.bake_s),
        lasting=values.noted(state.lasting, look, settings),
    )
    worth = state.table.worth()
    judgements = [
        proportions.judged(
            name, state, canary, stable, settings, worth=worth, share=look.share, phases=len(plan.phases)
        )
        if name in PROPORTIONS
        else values.judged(name, state, look, settings)
        for name in settings.names()
    ]
    shown = {one.trigger: one.reason for one in judgements if one.verdict is TriggerVerdict.WORSE}
    return _decided(replace(state, shown=shown), judgements, passed, phase, settings)


def _passed(look: Look, state: State, settings: ReleaseAnalysis) -> float:
    """Seconds since the look before, as far as they can be believed."""
    passed = look.at_s - (state.at_s or 0.0)
    if 0 <= passed <= LATE * settings.every_s:
        return passed
    return settings.every_s


def _silence(state: State, canary: Fresh, stable: Fresh, share: float, passed: float) -> tuple[float, float]:
    """For how many seconds canary has had no request, and how many were due in that time."""
    if REQUESTS not in canary.fresh:
        return state.silent_s, state.due
    if canary.fresh[REQUESTS]["requests"] > 0:
        return 0.0, 0.0
    so_far = state.total["canary"].get(REQUESTS, {}).get("requests", 0.0)
    usual = so_far / state.baked_s * passed if state.baked_s else 0.0
    beside = stable.fresh.get(REQUESTS, {}).get("requests", 0.0) * evidence.odds(share) if share < 1 else 0.0
    return state.silent_s + passed, state.due + max(usual, beside)


def _decided(
    state: State, judgements: Sequence[Judgement], passed: float, phase: Phase, settings: ReleaseAnalysis
) -> tuple[Decision, State]:
    worse = [one for one in judgements if one.verdict is TriggerVerdict.WORSE]
    blind = [one for one in judgements if one.verdict is TriggerVerdict.NO_DATA]
    baked = state.baked_s if blind else state.baked_s + passed
    over = baked >= phase.bake_s * (1 - 1e-9)
    few = [one for one in judgements if not one.enough] if over else []
    waits = bool(blind or few)
    state = replace(state, baked_s=baked, held_s=state.held_s + passed if waits else 0.0)
    if worse:
        action, why = Action.ROLL_BACK, "; ".join(one.reason for one in worse)
    elif waits:
        why = "; ".join(dict.fromkeys(_lacking(one) for one in (blind or few)))
        action = Action.HOLD
        if state.held_s > settings.hold_s:
            action, why = Action.ROLL_BACK, f"held for {words.span(state.held_s)}, which is too long: {why}"
    elif over:
        action, why = Action.PROMOTE, _well(judgements, phase)
    else:
        action, why = Action.GO_ON, f"{words.span(phase.bake_s - baked)} of the bake left"
    left = max(0.0, phase.bake_s - baked)
    return Decision(action, why, tuple(judgements), baked, left, state.held_s), state


def _lacking(one: Judgement) -> str:
    if one.verdict is TriggerVerdict.NO_DATA:
        return one.reason
    return f"{one.trigger}: {words.many(one.samples)} samples of {words.many(one.least)} that are needed"


def _well(judgements: Sequence[Judgement], phase: Phase) -> str:
    open_ones = [one.trigger for one in judgements if one.verdict is TriggerVerdict.UNDECIDED]
    left = f"; not proved to be fine, nor to be worse: {', '.join(open_ones)}" if open_ones else ""
    return f"baked for {words.span(phase.bake_s)} at {words.share(phase.share)} of the traffic and not worse{left}"
