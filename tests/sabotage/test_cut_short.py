"""A timeline that was cut short, wherever, is no proof: a met drill's is met only with its last word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from muster.base.timeline import TimelineError, read_timeline
from muster.verdict import Verdict, judge

from .holding import muster

if TYPE_CHECKING:
    from .holding import Sabotaged

CUTS = 60
NEITHER = (1, 2)  # exit codes of `muster analyse`: missed, unknown or no timeline at all


def verdict_of(timeline: Path) -> Verdict:
    """The verdict on a timeline; unknown where it cannot be read."""
    try:
        return judge(read_timeline(timeline)).verdict
    except TimelineError:
        return Verdict.UNKNOWN


def cut(whole: bytes, path: Path, places: Iterator[int] | range) -> Iterator[tuple[int, Path]]:
    """The timeline cut at each of these places, one after the other."""
    for place in places:
        path.write_bytes(whole[:place])
        yield place, path


def last_word(whole: bytes) -> tuple[int, int]:
    """Where the line with the drill's end begins and ends."""
    start = next(at for at in _starts(whole) if json.loads(whole[at:].split(b"\n", 1)[0])["kind"] == "ended")
    return start, whole.index(b"\n", start)


def _starts(whole: bytes) -> Iterator[int]:
    at = whole.rindex(b"\n", 0, -1) + 1
    while at > 0:
        yield at
        at = whole.rindex(b"\n", 0, at - 1) + 1


@pytest.mark.sabotage("control", drill="db_failure")
def test_the_timeline_of_a_met_drill_is_met_when_it_is_judged_again(sabotaged: Sabotaged) -> None:
    sabotaged.ends("met", "RTO ")
    assert verdict_of(sabotaged.timeline) is Verdict.MET
    assert muster("analyse", str(sabotaged.timeline)) == 0


@pytest.mark.sabotage("control", drill="db_failure")
def test_cut_between_two_lines_it_is_not_met(sabotaged: Sabotaged, tmp_path: Path) -> None:
    whole = sabotaged.timeline.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole[: last_word(whole)[0]]) if byte == ord("\n")]
    places = iter([0, *ends[:: len(ends) // CUTS], *ends[-20:]])
    for place, path in cut(whole, tmp_path / "cut.jsonl", places):
        assert verdict_of(path) is not Verdict.MET, f"met with the first {place} of {len(whole)} bytes"


@pytest.mark.sabotage("control", drill="db_failure")
def test_cut_within_its_last_word_it_is_not_met(sabotaged: Sabotaged, tmp_path: Path) -> None:
    whole = sabotaged.timeline.read_bytes()
    start, end = last_word(whole)
    for place, path in cut(whole, tmp_path / "cut.jsonl", range(start, end)):
        assert verdict_of(path) is Verdict.UNKNOWN, f"met with the first {place} of {len(whole)} bytes"
    for _, path in cut(whole, tmp_path / "cut.jsonl", range(end, end + 2)):
        assert verdict_of(path) is Verdict.MET


@pytest.mark.sabotage("control", drill="db_failure")
def test_what_lacks_its_end_says_so(sabotaged: Sabotaged, tmp_path: Path) -> None:
    whole = sabotaged.timeline.read_bytes()
    (_, path), *_ = cut(whole, tmp_path / "cut.jsonl", range(last_word(whole)[0], last_word(whole)[0] + 1))
    assert judge(read_timeline(path)).why == "the drill's body never ended: its process died"


@pytest.mark.sabotage("control", drill="db_failure")
def test_muster_analyse_lets_nothing_pass_that_was_cut(sabotaged: Sabotaged, tmp_path: Path) -> None:
    whole = sabotaged.timeline.read_bytes()
    start, _ = last_word(whole)
    for place, path in cut(whole, tmp_path / "cut.jsonl", range(start // 6, start + 1, start // 6)):
        code = muster("analyse", str(path))
        assert code in NEITHER, f"exit {code} with the first {place} of {len(whole)} bytes"


@pytest.mark.sabotage("control", drill="db_failure")
def test_without_its_beginning_it_is_not_met(sabotaged: Sabotaged, tmp_path: Path) -> None:
    lines = sabotaged.timeline.read_bytes().splitlines(keepends=True)
    path = tmp_path / "cut.jsonl"
    for number in range(2, len(lines), len(lines) // CUTS):
        for head in ([], lines[:1]):  # the first line is what makes it a timeline
            path.write_bytes(b"".join([*head, *lines[number:]]))
            assert verdict_of(path) is not Verdict.MET, f"met without its lines {len(head) + 1} to {number}"
