"""The RTO with its interval against budget and target."""

from __future__ import annotations

from muster.report.picture.scale import LEFT, RIGHT, SIZE, round_up
from muster.report.svg import BLUE, HATCHED, INK, LIGHT, PAPER, Drawing
from muster.verdict import DrillVerdict
from muster.verdict.conclusion.words import rto_line
from muster.verdict.entry import RtoEntry

HEIGHT = 108.0


def rto_bar(drawing: Drawing, entry: DrillVerdict, top_y: float) -> None:
    """A bar to the scale of its limit, the interval as a thick line, limits as lines across."""
    rto = entry.rto
    drawing.text(24, top_y + 18, rto_line(rto), bold=True, size=SIZE)
    top = bar_end(rto)
    unit = (RIGHT - LEFT) / top
    y, height = top_y + 36, 30.0
    drawing.line(LEFT, y + height, RIGHT, y + height)
    drawing.text(LEFT - 10, y + 23, "RTO", anchor="end", size=SIZE)
    drawing.text(LEFT, y + height + 28, "0", anchor="middle", size=SIZE)
    limits = [("budget", rto.budget_s), ("target", rto.target_s)]
    beyond = ", ".join(f"{name} {limit:g} s" for name, limit in limits if limit is not None and limit > top)
    drawing.text(
        RIGHT, y + height + 28, f"{top:g} s" + (f" (beyond: {beyond})" if beyond else ""), anchor="end", size=SIZE
    )
    length = rto.low_s if rto.value_s is None else rto.value_s
    if length is not None:
        # A short disruption is drawn as short as it was, but not so thin that nobody sees it.
        drawing.rectangle(
            LEFT, y, max(length * unit, 3 if length else 0), height, BLUE if rto.value_s is not None else HATCHED
        )
    if rto.clients_well_first and rto.value_s is not None and rto.clients_s is not None:
        # From there on clients were well, and the procedure was not through.
        drawing.rectangle(LEFT + rto.clients_s * unit, y, (rto.value_s - rto.clients_s) * unit, height, LIGHT)
    if rto.low_s is not None and rto.high_s is not None:
        drawing.line(LEFT + rto.low_s * unit, y + 15, LEFT + rto.high_s * unit, y + 15, INK, width=5)
    for name, limit in limits:
        if limit is not None and limit <= top:
            _limit(
                drawing, LEFT + limit * unit, y, height, f"{name} {limit:g} s", dash="" if name == "target" else "6 4"
            )


def _limit(drawing: Drawing, x: float, y: float, height: float, words: str, *, dash: str) -> None:
    drawing.line(x, y - 8, x, y + height + 6, PAPER, width=6)
    drawing.line(x, y - 8, x, y + height + 6, INK, width=3, dash=dash)
    left = x - LEFT > (RIGHT - LEFT) / 4
    drawing.text(x - 8 if left else x + 8, y + 23, words, anchor="end" if left else "start", size=SIZE)


def bar_end(rto: RtoEntry) -> float:
    """Seconds at the right end of the bar: all that was measured, and the budget (else the target), fit in.

    One rule for all drills, so that a bar that looks long was long for what was wanted.
    """
    reached = max(rto.high_s or 0.0, rto.low_s or 0.0, rto.value_s or 0.0)
    limit = rto.target_s if rto.budget_s is None else rto.budget_s
    return round_up(1.1 * max(reached, limit or 0.0, 0.1), (1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 12))
