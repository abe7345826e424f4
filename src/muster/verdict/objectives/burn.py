"""Burn rates of an error budget, and whether an alert on them would fire.

The burn rate over a time is the ratio of bad requests in it, by the ratio that the objective allows (Google SRE
workbook, "Alerting on SLOs"). An alert with several lookbacks holds while the burn rate over each of them is above its
threshold, so it is the lowest of them that counts. It is looked at once a second, as a rule evaluated at its quickest:
OpenSLO's lookbacks are whole minutes, 60 such seconds or more.

A lookback that reaches back to before anybody watched is known in part. With traffic as dense there as in the part that
was seen, the burn rate lies between what it is if all that was not seen was good, and what it is if all was bad.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from muster.objectives import BurnAlert
from muster.verdict.reading.occurrences import Occurrences
from muster.verdict.reading.requests import Mask, Seconds
from muster.verdict.verdicts import Verdict

EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Burn:
    """What an alert would have seen: the highest burn rate, in [low, high], and whether it fired.

    `verdict`: met if it surely did not fire, missed if it surely did. `fired` is the moment (CLOCK_MONOTONIC) at which
    it surely had. All None and unknown where nothing can be said.
    """

    low: float | None
    high: float | None
    fired: float | None
    verdict: Verdict


NOTHING = Burn(None, None, None, Verdict.UNKNOWN)


def moments(start: float, end: float) -> Seconds:
    """The moments of (start, end] at which alerts are looked at: each second after `start`, and the end."""
    steps = math.floor((end - start) / EVERY_S)
    times = start + EVERY_S * np.arange(1, steps + 1, dtype=np.float64)
    return np.append(times[times < end], end)


def burn_rates(
    seen: Occurrences, at: Seconds, lookback_s: float, *, since: float, allowed: float
) -> tuple[Seconds, Seconds]:
    """The lowest and the highest that the burn rate over the lookback before each moment can have been.

    `since` is when watching began, no later than any moment; `allowed` the ratio of requests that may be bad.
    """
    starts = np.maximum(at - lookback_s, since)
    number, bad = (count.astype(np.float64) for count in seen.between(starts, at))
    watched = at - starts
    # In requests: what the part that was not seen would hold. Where nothing was seen, anything may have been.
    unseen = np.divide(number * (lookback_s - watched), watched, out=np.zeros_like(number), where=watched > 0)
    whole, nothing = number + unseen, number == 0
    low = np.divide(bad, whole, out=np.zeros_like(whole), where=~nothing)
    high = np.divide(bad + unseen, whole, out=np.ones_like(whole), where=~nothing)
    return low / allowed, high / allowed


def would_fire(seen: Occurrences, alert: BurnAlert, start: float, end: float, *, since: float, allowed: float) -> Burn:
    """Whether an alert would have fired in (start, end], service being watched since `since`.

    An alert that holds at the end, but not for its `alert_after_s` yet, may be about to: that is unknown.
    """
    if end <= start:
        return NOTHING
    at = moments(start, end)
    rates = [burn_rates(seen, at, lookback, since=since, allowed=allowed) for lookback in alert.lookbacks_s]
    low = np.minimum.reduce([bounds[0] for bounds in rates])
    high = np.minimum.reduce([bounds[1] for bounds in rates])
    fired = _fires(at, low > alert.threshold, alert.alert_after_s)
    # What burns at the end may go on for as long as the alert waits.
    may_fire = bool(high[-1] > alert.threshold) or _fires(at, high > alert.threshold, alert.alert_after_s) is not None
    verdict = Verdict.MISSED if fired is not None else Verdict.UNKNOWN if may_fire else Verdict.MET
    return Burn(float(low.max()), float(high.max()), fired, verdict)


def goes_on(seen: Occurrences, alert: BurnAlert, start: float, end: float, *, allowed: float, needed: float) -> Burn:
    """Whether the budget went on burning like that in [start, end), what lies before `start` being left out.

    Looked at from when on the shortest lookback lies after `start`, and in any case at the end, over what there is: a
    straggler or two among the first answers are no burn of minutes. Moments before which fewer than `needed` requests
    were counted in one of the lookbacks prove nothing either way. Where it burns at the end, but not for
    `alert_after_s` yet, nothing is known.
    """
    if end <= start:
        return NOTHING
    at = moments(start, end)
    lowest, enough = np.full(len(at), np.inf), at - min(alert.lookbacks_s) >= start
    enough[-1] = True
    for lookback in alert.lookbacks_s:
        number, bad = seen.between(np.maximum(at - lookback, start), at)
        enough &= number >= needed
        lowest = np.minimum(lowest, bad / np.maximum(number, 1) / allowed)
    if not enough.any():
        return NOTHING
    burning = enough & (lowest > alert.threshold)
    fired = _fires(at, burning, alert.alert_after_s)
    peak = float(lowest[enough].max())
    verdict = Verdict.MISSED if fired is not None else Verdict.UNKNOWN if burning[-1] else Verdict.MET
    return Burn(peak, peak, fired, verdict)


def _fires(at: Seconds, holds: Mask, after_s: float) -> float | None:
    """The first moment at which a condition has held for so long without a break, or None."""
    places = np.arange(len(at))
    broken = np.maximum.accumulate(np.where(holds, -1, places))  # the last place at which it did not hold
    began = at[np.minimum(broken + 1, len(at) - 1)]
    fired = holds & (at - began >= after_s - 1e-9)
    return float(at[int(np.argmax(fired))]) if fired.any() else None
