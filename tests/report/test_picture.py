"""The picture: well-formed, whole by itself, and drawn of whatever there is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.timeline import Event
from muster.report import draw
from muster.report.picture.marks import Mark, place
from muster.report.picture.scale import Scale
from muster.verdict import Verdict, judge
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage

SVG = "{http://www.w3.org/2000/svg}"
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
    for mark in ("fault", "landed +0.2", "promote-standby +1.0", "fence 0.3 s", "promote 5.3 s", "good again +6.8",
                 "budget 30 s", "read", "write"):  # fmt: skip
        assert mark in found


PHASES = [(6.0, "pre", "preparing"), (9.0, "canary", "shifting"), (9.4, "canary", "baking"), (15.0, "grow", "baking")]


@pytest.mark.parametrize(("at", "told"), [(24.0, "rolled back"), (28.9, "released")])
def test_a_release_shows_its_phases_and_what_became_of_it(at: float, told: str) -> None:
    states = [*PHASES, (at, "end", told)]
    release = [
        {"t": EPOCH + t, "kind": "release", "phase": phase, "state": state, "why": ""} for t, phase, state in states
    ]
    events = sorted([*DrillStory().events(), *release], key=lambda event: event["t"])
    root = picture(events)
    assert [text for text in words(root) if text in {"release", "pre", "canary", "grow", told}] == [
        *("release", "pre", "canary", "grow", told),
    ]
    hints = [title.text or "" for title in root.iter(f"{SVG}title") if (title.text or "").startswith("release: ")]
    assert hints == ["release: pre, +1.0 s", "release: canary, +4.0 s", "release: grow, +10.0 s"]
    assert judge(events).to_json() == judge(DrillStory().events()).to_json()


def test_failed_requests_are_hatched_and_good_ones_are_not() -> None:
    bars = filled(picture(DrillStory().events()), "url(#hatch)", "/s failed")
    assert 13 <= len(bars) <= 15  # one every half second of the outage
    assert sum(float(bar.get("width", "0")) for bar in bars) / 1020 == pytest.approx(6.5 / 30, rel=0.1)
    assert not filled(picture(DrillStory(outages=[]).events()), "url(#hatch)", "failed")


def filled(root: ET.Element, fill: str, hint: str) -> list[ET.Element]:
    return [r for r in root.iter(f"{SVG}rect") if r.get("fill") == fill and hint in "".join(r.itertext())]


def test_what_was_refused_cleanly_is_a_class_of_its_own() -> None:
    shed = [Outage(6.0, 12.0, "shed", frozenset({"load"}))]
    overload = picture(DrillStory(declared={"overload": True}, outages=shed).events())
    assert filled(overload, "url(#spots)", "0/s failed")
    assert "refused cleanly" in words(overload)
    undeclared = picture(DrillStory(outages=shed).events())
    assert not filled(undeclared, "url(#spots)", "")
    assert "refused cleanly" not in words(undeclared)


def test_each_probe_has_a_strip_that_is_hatched_where_it_was_violated() -> None:
    only_writes = picture(DrillStory(outages=[Outage(5.2, 11.7, streams=frozenset({"write"}))]).events())
    assert filled(only_writes, "url(#hatch)", "probe write")
    assert not filled(only_writes, "url(#hatch)", "probe read")


def test_an_unknown_drill_marks_the_probe_that_is_to_blame() -> None:
    silent = DrillStory(probes=[Asking("read", 0.05), Asking("write", 0.05, write=True, stop=15.0)])
    texts = words(picture(silent.events()))
    assert judge(silent.events()).verdict is Verdict.UNKNOWN
    assert any("\u25b6 write" in text for text in texts)
    assert "read" in texts


def test_a_load_whose_rate_changes_is_drawn_to_one_scale() -> None:
    events = DrillStory(outages=[], sent=None, recovery=None).events()
    fewer = [e for n, e in enumerate(events) if e.get("source") != "load" or e["t"] > 1015 or n % 2]
    bars = filled(picture(fewer), "#0072B2", "/s good")
    heights = [float(bar.get("height", "0")) for bar in bars]
    assert max(heights[:10]) < 0.7 * max(heights[-10:])


def test_labels_of_one_row_do_not_overlap() -> None:
    root = picture(DrillStory(**STORIES["many steps"]).events())
    spans: dict[str, list[tuple[float, float]]] = {}
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        x, width = float(text.get("x", "0")), len(text.text or "") * 12.0
        begin = {"start": x, "end": x - width, "middle": x - width / 2}[text.get("text-anchor", "start")]
        if "long name" in (text.text or "") and "good again" not in (text.text or ""):
            spans.setdefault(text.get("y", ""), []).append((begin, begin + width))
    assert sum(len(row) for row in spans.values()) == 10  # the longest of twelve
    for row in spans.values():
        ordered = sorted(row)
        assert all(left[1] <= right[0] for left, right in pairwise(ordered))


def test_names_cannot_break_out_of_the_picture() -> None:
    events = DrillStory(declared={"name": '<script>"&'}).events()
    assert 'script>"' not in draw(events, judge(events)).replace("&quot;", "")
    assert any('<script>"&' in text for text in words(picture(events)))


def test_a_damaged_timeline_gives_a_picture_that_says_so() -> None:
    assert any("nothing to draw" in text for text in words(picture([{"t": 0.0, "kind": "timeline", "drill": "x"}])))


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 30)), max_size=9))
def test_no_line_of_a_mark_runs_through_the_words_of_another(marks: list[tuple[float, int]]) -> None:
    scale = Scale(start=1000.0, end=1030.0, zero=1005.0, bucket=1.0)
    labels = place(scale, [Mark(1000 + t, "w" * length, "#000") for t, length in marks])
    for one, other in permutations(labels, 2):
        (begin, end), (others_begin, others_end) = one.span, other.span
        assert one.row != other.row or end <= others_begin or others_end <= begin, "words run into words"
        # Words that stand left of their own line hide what is behind them.
        assert one.left or not begin < other.x < end or other.row > one.row, "a line runs through words"
    assert min((label.row for label in labels), default=0) == 0


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
