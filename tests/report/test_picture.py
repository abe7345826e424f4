"""The picture: well-formed, whole by itself, and drawn of whatever there is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest

from muster.base.timeline import Event
from muster.report import draw
from muster.verdict import judge
from muster.verdict.testing import DrillStory, Outage

STORIES: dict[str, dict[str, Any]] = {
    "met": {},
    "never recovered": {"outages": [Outage(5.2, 99.0)]},
    "no interruption": {"outages": []},
    "no load": {"load": None},
    "no fault": {"sent": None, "recovery": None},
    "no probes": {"probes": []},
    "many steps": {"steps": [(f"{n}: a step with a long name", 6.0 + n / 10, 6.1 + n / 10, "done") for n in range(12)]},
}


def picture(events: list[Event]) -> ET.Element:
    return ET.fromstring(draw(events, judge(events)))


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("changes", STORIES.values(), ids=list(STORIES))
def test_every_drill_can_be_drawn(changes: dict[str, Any]) -> None:
    events = DrillStory(**changes).events()
    root = picture(events)
    assert any("db_failure" in text for text in words(root))
    assert not re.search(r"href=|url\((?!#)", draw(events, judge(events))), "the picture needs something beside itself"


def test_it_marks_what_happened() -> None:
    found = " | ".join(words(picture(DrillStory().events())))
    for mark in ("fault", "landed +0.2", "fence +1.0", "promote +1.3", "good again +6.8", "budget 30 s"):
        assert mark in found


def test_failed_requests_are_hatched_and_good_ones_are_not() -> None:
    hatched = [r for r in picture(DrillStory().events()).iter("{http://www.w3.org/2000/svg}rect")
               if r.get("fill") == "url(#hatch)" and "failed" in "".join(r.itertext())]  # fmt: skip
    assert 6 <= len(hatched) <= 8  # one a second of the outage


def test_labels_of_one_row_do_not_overlap() -> None:
    root = picture(DrillStory(**STORIES["many steps"]).events())
    spans: dict[str, list[tuple[float, float]]] = {}
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        x, width = float(text.get("x", "0")), len(text.text or "") * 12.0
        begin = {"start": x, "end": x - width, "middle": x - width / 2}[text.get("text-anchor", "start")]
        if "long name" in (text.text or ""):
            spans.setdefault(text.get("y", ""), []).append((begin, begin + width))
    assert sum(len(row) for row in spans.values()) == 12
    for row in spans.values():
        ordered = sorted(row)
        assert all(left[1] <= right[0] for left, right in pairwise(ordered))


def test_names_cannot_break_out_of_the_picture() -> None:
    events = DrillStory(declared={"name": '<script>"&'}).events()
    assert 'script>"' not in draw(events, judge(events)).replace("&quot;", "")
    assert any('<script>"&' in text for text in words(picture(events)))


def test_a_damaged_timeline_gives_a_picture_that_says_so() -> None:
    assert any("nothing to draw" in text for text in words(picture([{"t": 0.0, "kind": "timeline", "drill": "x"}])))


SVG = "{http://www.w3.org/2000/svg}"


def bar_and_budget(**changes: Any) -> tuple[float, float, list[str]]:
    """Length of the RTO's bar, place of the budget's line from the bar's beginning, and all words."""
    root = picture(DrillStory(**changes).events())
    bar = next(r for r in reversed(list(root.iter(f"{SVG}rect"))))
    line = next(e for e in reversed(list(root.iter(f"{SVG}line"))) if e.get("stroke-dasharray") == "6 4"
                and e.get("stroke-width") == "3")  # fmt: skip
    return float(bar.get("width", "0")), float(line.get("x1", "0")) - float(bar.get("x", "0")), words(root)


@pytest.mark.parametrize("budget", [8.0, 30.0, 300.0])
def test_the_bar_of_the_rto_is_drawn_to_the_scale_of_its_budget(budget: float) -> None:
    bar, limit, texts = bar_and_budget(declared={"rto_budget_s": budget})
    assert bar / limit == pytest.approx(6.6 / budget, rel=0.02)
    assert 700 < limit < 1060  # the whole width is 1060: the budget lies inside, far to the right
    assert "0" in texts


def test_the_bar_of_an_rto_far_above_its_budget_shows_both() -> None:
    bar, limit, texts = bar_and_budget(declared={"rto_budget_s": 0.5})
    assert bar < 1060
    assert bar / limit == pytest.approx(6.6 / 0.5, rel=0.02)
    assert any("beyond: target 900 s" in text for text in texts)


def test_the_line_of_latencies_breaks_where_hardly_anything_was_answered() -> None:
    def lines_drawn(**changes: Any) -> int:
        return len(list(picture(DrillStory(**changes).events()).iter(f"{SVG}polyline")))

    assert lines_drawn(outages=[]) == 1
    # 50 requests a second, of which hardly one is answered well: no percentile of those is drawn.
    assert lines_drawn(outages=[Outage(5.2, 11.7, "timeout", share=0.98)]) == 2
