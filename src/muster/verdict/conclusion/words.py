"""Figures in words: the one line that names what decided."""

from __future__ import annotations

from muster.verdict.entry import DetectionEntry, DrillVerdict, RtoEntry, SloEntry
from muster.verdict.verdicts import Verdict

_SIGN = {Verdict.MET: "<=", Verdict.MISSED: ">", Verdict.UNKNOWN: "?"}


def seconds(value: float) -> str:
    """7.81, 0.004, 312: two decimals, more only where they would be nothing."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if value >= 0.01 or value == 0 else f"{value:.3f}"


def rto_figure(rto: RtoEntry) -> str:
    """`RTO 7.81 s [7.79, 7.84]`, or what there is of it."""
    if rto.value_s is None:
        if rto.low_s and rto.open_because:
            return f"RTO at least {seconds(rto.low_s)} s ({rto.open_because})"
        last = f" ({rto.last_trouble})" if rto.last_trouble else ""
        open_for = f"RTO open: service not seen good again in {seconds(rto.low_s or 0)} s{last}"
        return open_for if rto.low_s else "RTO unmeasured"
    if rto.value_s == 0 and rto.low_s == 0 and rto.since_injection_s is None:
        return f"no interruption observed (RTO 0 s, blind {seconds(rto.high_s or 0)} s)"
    bounds = f"[{seconds(rto.low_s or 0)}, {'...' if rto.high_s is None else seconds(rto.high_s)}]"
    fine = "" if rto.resolvable is not False else f" (not resolvable below {seconds(rto.resolution_s or 0)} s)"
    first = f" (clients were well after {seconds(rto.clients_s or 0)} s)" if rto.clients_well_first else ""
    return f"RTO {seconds(rto.value_s)} s {bounds}{fine}{first}"


def rto_line(rto: RtoEntry) -> str:
    """The figure against the limit that decided: the one that was missed, else the budget, else the target."""
    limits = [("budget", rto.budget_s, rto.budget_verdict), ("target", rto.target_s, rto.target_verdict)]
    judged = [limit for limit in limits if limit[2] is not None] or [limit for limit in limits if limit[1] is not None]
    figure = rto_figure(rto)
    if not judged or (rto.value_s is None and not rto.low_s):
        return figure
    order = (Verdict.MISSED, Verdict.UNKNOWN, Verdict.MET, None)
    name, limit, verdict = min(judged, key=lambda item: order.index(item[2]))
    if limit is None:
        return f"{figure}, and no {name} is declared"
    added = rto.human_response_s if name == "target" else None
    response = f" + declared response {seconds(added)} s" if added else ""
    if verdict is None:
        return f"{figure}, not judged against {name} {limit:g} s"
    if verdict is Verdict.UNKNOWN:
        short = "watched, too short" if rto.value_s is None and rto.low_s else "too uncertain"
        because = f" ({rto.open_because})" if rto.value_s is not None and rto.open_because else ""
        return f"{figure}{response}, {short} for {name} {limit:g} s{because}"
    return f"{figure}{response} {_SIGN[verdict]} {name} {limit:g} s"


def lost_line(entry: DrillVerdict) -> str:
    """How many writes were lost, against how many may be, and the first of them by name."""
    rpo = entry.rpo
    if not rpo.lost_writes:
        return f"{rpo.acknowledged_writes} writes acknowledged, 0 lost"
    names = ", ".join(lost.id for lost in entry.lost[:3]) + (", ..." if len(entry.lost) > 3 else "")
    allowed = "" if rpo.max_lost_writes is None else f" (allowed: {rpo.max_lost_writes})"
    if rpo.lost_by_load == rpo.lost_writes:
        return f"{rpo.lost_writes} acknowledged writes of the load lost, by its own reading{allowed}: {names}"
    more = f", {rpo.lost_by_load} of them of the load" if rpo.lost_by_load else ""
    total = rpo.acknowledged_writes + rpo.lost_by_load
    return f"{rpo.lost_writes} of {total} acknowledged writes lost{more}{allowed}: {names}"


def rpo_line(entry: DrillVerdict) -> str:
    """The time over which acknowledged data was lost, against its target."""
    rpo = entry.rpo
    if rpo.value_s is None or rpo.target_s is None or rpo.target_verdict is None:
        return "RPO unmeasured"
    high = "..." if rpo.high_s is None else seconds(rpo.high_s)
    figure = f"RPO {seconds(rpo.value_s)} s [{seconds(rpo.low_s or 0)}, {high}]"
    if rpo.target_verdict is Verdict.UNKNOWN:
        return f"{figure}, too uncertain for target {rpo.target_s:g} s"
    return f"{figure} {_SIGN[rpo.target_verdict]} target {rpo.target_s:g} s"


def slo_line(slo: SloEntry) -> str:
    """An objective's figure in its window."""
    value = "unmeasured" if slo.value is None else f"{slo.value:.4g}"
    why = f": {slo.why}" if slo.why else ""
    if slo.verdict in (None, Verdict.UNKNOWN):
        return f"{slo.name} {slo.window} {value}, target {slo.target:g}{why}"
    over, within = (">", "<=") if slo.bounded_above else ("<", ">=")
    sign = over if slo.verdict is Verdict.MISSED else within
    return f"{slo.name} {slo.window} {value} {sign} {slo.target:g} ({slo.samples} samples)"


def detection_line(detection: DetectionEntry) -> str:
    """When the alert that was waited for fired, against the target."""
    alert = f"alert {detection.by or detection.alert or ''}".rstrip()
    if detection.value_s is None:
        certain = detection.verdict is Verdict.MISSED and detection.low_s is not None
        figure = f"{alert} not seen" + (f" in {seconds(detection.low_s or 0)} s" if certain else "")
    else:
        low = "..." if detection.low_s is None else seconds(detection.low_s)
        figure = f"{alert} after {seconds(detection.value_s)} s [{low}, {seconds(detection.high_s or 0)}]"
    why = f" ({detection.why})" if detection.why else ""
    if detection.target_s is None:
        return f"{figure}, and no detection_target_s is declared{why}"
    if detection.verdict in (None, Verdict.UNKNOWN):
        return f"{figure}, target {detection.target_s:g} s{why}"
    return f"{figure} {_SIGN[detection.verdict]} target {detection.target_s:g} s{why}"


def deciding_lines(entry: DrillVerdict, verdict: Verdict) -> list[str]:
    """A line for each required objective of that verdict, the weightiest first."""
    lines = []
    if entry.rto.verdict is verdict:
        lines.append(rto_line(entry.rto))
    # Why the check of the writes does not count is said elsewhere, once.
    told = verdict is Verdict.UNKNOWN and entry.rpo.counts is False
    if entry.rpo.lost_verdict is verdict and not told:
        lines.append(lost_line(entry))
    if entry.rpo.target_verdict is verdict and not told:
        lines.append(rpo_line(entry))
    lines += [slo_line(slo) for slo in entry.slo if slo.verdict is verdict]
    if entry.detection.verdict is verdict:
        lines.append(detection_line(entry.detection))
    return lines
