"""The figures in words: tables that fit into docs/measurement.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from selfcheck.diagnose import Diagnosed
from selfcheck.healthy import Run
from selfcheck.lag import LAG_S, Held
from selfcheck.placebo import alarmed
from selfcheck.results import (
    LEAST_INSIDE,
    MOST_ERROR_S,
    MOST_GAPS,
    MOST_UNKNOWN,
    Result,
    figures,
    groups,
)
from selfcheck.sabotage import Caught

HEAD = ("outage", "runs", "error, median", "error, P99", "width, P99", "truth inside", "both ends", "unknown")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure, what was wanted of it, and whether that was reached."""

    what: str
    figure: str
    wanted: str
    reached: bool


def by_kind(results: Sequence[Result]) -> str:
    """A row per kind of outage, and one of all."""
    rows = [_row(kind, found) for kind, found in [*groups(results).items(), ("all", list(results))]]
    return markdown(HEAD, rows)


def of_truth(results: Sequence[Result]) -> list[Wanted]:
    """What is wanted of measurements whose truth is known."""
    all_of = figures(results)
    short = [one for one in results if not one.resolvable]
    found = [
        Wanted(
            "error of RTO, P99", _ms(all_of.error_p99_s), f"< {_ms(MOST_ERROR_S)}", all_of.error_p99_s < MOST_ERROR_S
        ),
        Wanted(
            "width of its interval, P99", _gaps(all_of.gaps_p99), f"<= {_gaps(MOST_GAPS)}", all_of.gaps_p99 <= MOST_GAPS
        ),
        Wanted("truth inside", _percent(all_of.inside), f">= {_percent(LEAST_INSIDE)}", all_of.inside >= LEAST_INSIDE),
        Wanted("unknown", _percent(all_of.unknown), f"<= {_percent(MOST_UNKNOWN)}", all_of.unknown <= MOST_UNKNOWN),
    ]
    if short:
        said = sum(one.said is False for one in short)
        of = f"{said} of {len(short)}"
        found.append(Wanted("shorter than two gaps, said not to be resolvable", of, "all", said == len(short)))
    return found


def of_placebos(results: Sequence[Result]) -> list[Wanted]:
    """What is wanted of placebos."""
    false = sum(alarmed(one) for one in results)
    return [Wanted("placebos with a false alarm", f"{false} of {len(results)}", "0", not false)]


def of_sabotages(found: Caught) -> list[Wanted]:
    """What is wanted of sabotages."""
    told = f"{found.caught} of {found.held}"
    return [Wanted("tests of sabotages that found it caught", told, "all", 0 < found.held == found.caught)]


def of_lag(found: Held) -> list[Wanted]:
    """What is wanted of drills on a node that shows a changed ConfigMap late."""
    told = ", ".join(f"{name}: {verdict}" for name, verdict in found.verdicts.items())
    return [Wanted(f"drills on a node that is up to {LAG_S} s late", told, "met", found.met == len(found.verdicts))]


def of_diagnoses(found: Sequence[Diagnosed]) -> list[Wanted]:
    """What is wanted of diagnoses while faults are in force."""
    named, mended = sum(not one.misnamed for one in found), sum(not one.unmended for one in found)
    met = sum(one.verdict == "met" for one in found)
    return [
        Wanted(
            "faults in force whose mending was suggested", f"{named} of {len(found)}", "all", 0 < named == len(found)
        ),
        Wanted("of these, mended by it", f"{mended} of {len(found)}", "all", 0 < mended == len(found)),
        Wanted("of these, met in time and with nothing lost", f"{met} of {len(found)}", "all", 0 < met == len(found)),
    ]


def of_healthy(runs: Sequence[Run]) -> list[Wanted]:
    """What is wanted of looks at a healthy system."""
    false, blind = sum(bool(run.found) for run in runs), sum(bool(run.unknown) for run in runs)
    count = len(runs)
    return [
        Wanted("looks at a healthy system that found something", f"{false} of {count}", "0", bool(count) and not false),
        Wanted("of these, that could not see something", f"{blind} of {count}", "0", bool(count) and not blind),
    ]


def diagnosed(found: Sequence[Diagnosed]) -> str:
    """A row for each fault: what stood first by its symptoms alone, what was suggested, how long that took."""
    rows = [
        (
            one.drill,
            one.in_force.found[0] if one.in_force and one.in_force.found else "nothing",
            one.in_force.suggested or "nothing" if one.in_force else "nothing",
            f"{one.in_force.seconds:.1f} s" if one.in_force else "-",
            "no" if one.unmended else "yes",
            one.verdict,
        )
        for one in found
    ]
    return markdown(("drill", "first finding", "suggested", "took", "mended", "verdict"), rows)


def against(wanted: Iterable[Wanted]) -> str:
    """The figures beside what was wanted."""
    rows = [(one.what, one.figure, one.wanted, "yes" if one.reached else "NO") for one in wanted]
    return markdown(("figure", "measured", "wanted", "reached"), rows)


def offence(one: Result) -> str | None:
    """What is wrong with a measurement, or None."""
    if not one.inside:
        return "the truth lies outside"
    if not one.ends_inside:
        return f"a true end lies outside: {_edges(one)}"
    if one.verdict.value == "unknown":
        return one.why
    if one.resolvable and one.error_s >= MOST_ERROR_S:
        return f"{_ms(one.error_s)} off"
    return f"{_gaps(one.gaps)} wide" if one.resolvable and one.gaps > MOST_GAPS else None


def line(one: Result, wrong: str) -> str:
    """One measurement for people."""
    bounds = f"[{_s(one.low_s)}, {_s(one.high_s)}]"
    truth = f"{one.truth.length_s:.4f} s"
    return f"{one.where} case {one.number} ({one.kind}): truth {truth}, RTO {_s(one.value_s)} {bounds}: {wrong}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, its columns aligned."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in lines) for column in range(len(head))]
    told = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in lines]
    return "\n".join([told[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *told[1:]])


def _row(kind: str, results: Sequence[Result]) -> Sequence[str]:
    of = figures(results)
    return (
        kind, str(of.runs), _ms(of.error_median_s), _ms(of.error_p99_s), _gaps(of.gaps_p99), _percent(of.inside),
        _percent(of.ends_inside), _percent(of.unknown),
    )  # fmt: skip


def _edges(one: Result) -> str:
    told = one.edges or ()
    moments = [moment - one.truth.injected for moment in one.truth.disrupted]
    return ", ".join(f"{m:.4f} in [{low:.4f}, {high:.4f}]" for m, (low, high) in zip(moments, told, strict=False))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if math.isfinite(seconds) else "-"


def _gaps(gaps: float) -> str:
    return f"{gaps:.1f} gaps" if math.isfinite(gaps) else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "-"


def _s(seconds: float | None) -> str:
    return "..." if seconds is None else f"{seconds:.4f}"
