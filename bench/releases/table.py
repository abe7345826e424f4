"""The figures of simulated releases as Markdown, and where they stand in docs/releasing.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median

from bench.releases.rules import RULES
from bench.releases.simulation import RATES, Told
from bench.releases.world import BAD

PAGE = Path(__file__).resolve().parents[2] / "docs/releasing.md"
BEGIN, END = "<!-- releases: begin, by `python -m bench releases` -->", "<!-- releases: end -->"
BESIDE = ("muster", "Flagger", "Flagger, its own steps", "Argo Rollouts")


def lines_of(told: Sequence[Told]) -> Iterator[str]:
    """Two tables: each rule over all releases, and each kind of bad ones."""
    good = sum(one.good for one in told if one.rule == "muster")
    bad = sum(not one.good for one in told if one.rule == "muster")
    of_all = f"of {good} good ones aborted | of {bad} bad ones promoted"
    yield f"| rule | {of_all} | time to catch, median (90 %) | hurt, mean |"
    yield "|---|---|---|---|---|"
    for rule in RULES:
        of = [one for one in told if one.rule == rule]
        aborted = sum(one.aborted for one in of if one.good)
        promoted = [one for one in of if not one.good and not one.aborted]
        hurt = mean(one.hurt for one in of if not one.good)
        share = f"{aborted} ({100 * aborted / good:.1f} %) | {len(promoted)} ({100 * len(promoted) / bad:.1f} %)"
        yield f"| {rule} | {share} | {_times(of)} | {hurt:,.0f} |"
    yield ""
    yield f"| bad release | {' | '.join(f'muster, {rate:g}/s' for rate in RATES)} | {' | '.join(BESIDE[1:])} |"
    yield "|---|" + "---|" * (len(RATES) + len(BESIDE) - 1)
    for quality in BAD:
        of = [one for one in told if one.quality == quality.name]
        own = [_caught([one for one in of if one.rule == "muster" and one.rate == rate]) for rate in RATES]
        others = [_caught([one for one in of if one.rule == rule]) for rule in BESIDE[1:]]
        yield f"| {quality.name} | {' | '.join([*own, *others])} |"


def _times(told: Sequence[Told]) -> str:
    times = sorted(one.caught_s for one in told if one.caught_s is not None)
    return f"{_span(median(times))} ({_span(times[int(0.9 * (len(times) - 1))])})" if times else "never"


def _caught(told: Sequence[Told]) -> str:
    """`40 s`, or with how many were not caught: `12 min (3 of 50 promoted)`."""
    times = [one.caught_s for one in told if one.caught_s is not None]
    missed = sum(not one.aborted for one in told)
    if missed == len(told):
        return "promoted"
    return _span(median(times)) + (f" ({missed} of {len(told)} promoted)" if missed else "")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def write(told: Sequence[Told], page: Path = PAGE) -> None:
    """Put the tables into the page, between its two marks.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the table; right would be lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines_of(told)) + f"\n{END}{after}")


def read(page: Path = PAGE) -> dict[str, tuple[int, int, int, int]]:
    """Of each rule of the first table: good ones aborted, good ones in all, bad ones promoted, bad ones in all."""
    text = page.read_text().partition(BEGIN)[2].partition(END)[0]
    heading = re.search(r"of (\d+) good ones aborted \| of (\d+) bad ones", text)
    if heading is None:
        raise ValueError(f"{page} has no table of simulated releases")
    good, bad = int(heading[1]), int(heading[2])
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \([\d.]+ %\) \| (\d+) \([\d.]+ %\) \|", text, re.MULTILINE)
    return {rule: (int(aborted), good, int(promoted), bad) for rule, aborted, promoted in rows}
