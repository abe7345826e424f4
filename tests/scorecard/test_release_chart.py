"""The picture of a release: what is drawn of its looks, and what is said of it to who cannot see it."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from tests.released.made import RETURNED, look, release, rolled_back, watched

from muster.analysis import Side
from muster.released import LookFacts
from muster.released.rows import release_of, release_row
from muster.scorecard.content import ReleaseStory
from muster.scorecard.release_chart import MOST_POINTS, release_chart, thinned


def story(looks: list[LookFacts], *, bad: bool = False) -> ReleaseStory:
    told = rolled_back() if bad else release(state="released")
    return ReleaseStory(release_of(release_row(told, "staging", RETURNED if bad else None)), tuple(looks))


def drawn(looks: list[LookFacts], **how: bool) -> str:
    svg = release_chart(story(looks, **how), "x")
    ET.fromstring(svg)
    return svg


def test_a_good_release_has_all_its_phases_both_versions_and_no_rollback() -> None:
    svg = drawn(watched())
    for phase in ("canary", "grow", "half", "switch"):
        assert f">{phase}</text>" in svg
    assert svg.count('class="line stable"') == svg.count('class="line canary"') == 2
    assert svg.count("promote in") == 4
    assert "roll back in" not in svg


def test_a_bad_one_says_when_it_was_held_and_rolled_back_and_why() -> None:
    svg = drawn(watched(bad_from=20), bad=True)
    assert "12:20:00 hold in grow: as made" in svg
    assert "12:23:00 roll back in grow: as made" in svg
    assert "half" not in svg
    assert "All traffic was on the old version after 1.42 s." in svg


def test_what_could_not_be_seen_is_a_gap_and_no_zero() -> None:
    blind = look(3, canary=Side(), stable=Side())
    line = re.search(r'line canary" d="([^"]*)"', drawn([look(2), blind, look(4)]))
    assert line is not None
    assert (line[1].count("M"), line[1].count("L")) == (2, 0)


def test_a_lone_look_is_drawn() -> None:
    assert "line canary" in drawn([look(2)])


def test_of_very_many_looks_none_is_left_out_at_which_something_else_was_decided() -> None:
    many = [replace(look(2), at=f"2026-03-01T12:{n // 60:02}:{n % 60:02}.000Z") for n in range(3000)]
    many[1501] = replace(many[1501], decision="hold")
    found = thinned(many)
    assert many[1501] in found
    assert many[-1] in found
    assert len(found) <= MOST_POINTS + 5


def test_what_somebody_else_wrote_is_no_markup() -> None:
    svg = drawn([replace(look(2), decision="hold", why="<script>", phase="<b>")])
    assert "<script>" not in svg
    assert "<b>" not in svg
