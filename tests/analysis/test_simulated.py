"""The table of docs/releasing.md is what a simulation of the present code says, as far as a small sample can tell."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from bench.releases.rules import RULES
from bench.releases.simulation import GOOD_ONES, Told, planned, simulated
from bench.releases.table import BEGIN, END, lines_of, read, write
from bench.releases.world import BAD, World


def too_far(found: int, of: int, told: int, of_told: int) -> bool:
    """Whether two shares differ by more than chance brings about once in some ten thousand times."""
    share = (found + told + 1) / (of + of_told + 2)
    return abs(found / of - told / of_told) > 4 * math.sqrt(share * (1 - share) * (1 / of + 1 / of_told)) + 1 / of


def test_a_sample_agrees_with_the_table() -> None:
    good, each_bad = 4, 2
    sample = simulated(planned(good, each_bad, seed=11), processes=1)
    table = read()
    assert table.keys() == RULES.keys()
    for rule, (aborted, of_good, promoted, of_bad) in table.items():
        mine = [told for told in sample if told.rule == rule]
        found = sum(told.aborted for told in mine if told.good), sum(not told.aborted for told in mine if not told.good)
        assert not too_far(found[0], good, aborted, of_good), f"{rule}: {found[0]} of {good} good ones aborted"
        assert not too_far(found[1], each_bad * len(BAD), promoted, of_bad), f"{rule}: {found[1]} bad ones promoted"


def test_what_fails_grossly_is_caught_within_minutes_whatever_the_traffic() -> None:
    gross = [one for one in planned(0, 6, seed=12) if one.quality.fails >= 0.2]
    assert len(gross) == 12
    for one in simulated(gross, ["muster"], processes=1):
        assert one.aborted, one
        assert one.caught_s is not None
        assert one.caught_s <= 240, one
        assert one.hurt < 2500, one


def test_the_table_keeps_what_is_promised() -> None:
    aborted, good, promoted, bad = read()["muster"]
    assert (good, good + bad) == (GOOD_ONES, 1000)
    assert aborted / good <= 0.02, "alpha is 1 %, and a burst of more than a minute may strike as well"
    assert all(promoted <= other[2] or other[0] > 0.5 * good for other in read().values())


def test_the_same_seed_tells_the_same() -> None:
    (release,) = planned(1, 0)[:1]
    worlds = [World(release.quality, release.rate, release.seed) for _ in range(2)]
    ticks = [[world.tick(0.2) for _ in range(30)] for world in worlds]
    assert [tick.hurt for tick in ticks[0]] == [tick.hurt for tick in ticks[1]]
    assert [tick.canary and tick.canary.requests for tick in ticks[0]] == [
        tick.canary and tick.canary.requests for tick in ticks[1]
    ]


def told(rule: str, quality: str, *, aborted: bool, caught_s: float | None = None) -> Told:
    return Told(rule, quality, quality == "good", 5.0, aborted, caught_s, 10.0)


def test_what_is_written_between_the_marks_is_read_back(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    all_told = [
        one
        for rule in RULES
        for one in (
            told(rule, "good", aborted=False),
            told(rule, "good", aborted=True),
            *(told(rule, quality.name, aborted=True, caught_s=40.0) for quality in BAD),
        )
    ]
    write(all_told, page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert read(page) == dict.fromkeys(RULES, (1, 2, 0, len(BAD)))
    assert "| muster | 1 (50.0 %) | 0 (0.0 %) | 40 s (40 s) | 10 |" in list(lines_of(all_told))


def test_a_page_without_a_place_for_it_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="has no place for the table"):
        write([], page)
    with pytest.raises(ValueError, match="has no table"):
        read(page)
