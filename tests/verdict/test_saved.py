"""A saved timeline is read the same whichever way it is read, and what is odd in it is said."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.base.timeline import Event, TimelineError
from muster.verdict import Verdict, judge, judge_file
from muster.verdict.reading import saved as saved_module
from muster.verdict.reading.events import DamagedTimelineError
from muster.verdict.reading.saved import Saved, read_saved
from muster.verdict.testing import DrillStory, Outage

STORIES = {
    "met": DrillStory(),
    "missed": DrillStory(outages=[Outage(5.2, 27.0)], declared={"rto_budget_s": 5.0}),
    "partial": DrillStory(outages=[Outage(5.2, 11.7, "error", share=0.5)]),
    "lost": DrillStory(lost={"w-60": "lost"}),
}


def write(path: Path, events: list[Event]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    return path


@pytest.mark.parametrize("story", STORIES)
def test_the_verdict_on_the_file_is_that_on_its_events(story: str, tmp_path: Path) -> None:
    events = STORIES[story].events()
    path = write(tmp_path / "t.jsonl", events)
    assert judge_file(path) == judge(events)


@pytest.mark.parametrize("block", [1 << 10, 4 << 10, 1 << 20])
def test_blocks_of_any_size_give_the_same(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = DrillStory().events()
    random.Random(3).shuffle(events)
    events.sort(key=lambda event: event["kind"] != "timeline")
    path = write(tmp_path / "t.jsonl", events)
    whole = read_saved(path)
    monkeypatch.setattr(saved_module, "BLOCK", block)
    parts = read_saved(path)
    assert parts.events == whole.events
    assert parts.table.sent.tolist() == whole.table.sent.tolist()
    told = [[table.names[code] for code in table.name] for table in (parts.table, whole.table)]
    assert told[0] == told[1]


def test_the_quick_way_and_the_slow_way_agree(tmp_path: Path) -> None:
    events = DrillStory().events()
    quick, slow = read_saved(write(tmp_path / "t.jsonl", events)), Saved.of(events)
    assert quick.events == slow.events
    for column in ("sent", "done", "intended", "outcome"):
        assert sorted(getattr(quick.table, column).tolist()) == sorted(getattr(slow.table, column).tolist())


def test_empty_lines_and_spaces_change_nothing(tmp_path: Path) -> None:
    events = DrillStory().events()
    path = tmp_path / "t.jsonl"
    lines = [
        orjson.dumps(event).replace(b'":', b'" : ') + (b"\n\n" if at % 7 == 0 else b"\n")
        for at, event in enumerate(events)
    ]
    path.write_bytes(b"".join(lines))
    assert judge_file(path) == judge(events)


def test_a_line_that_a_crash_cut_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", DrillStory().events())
    path.write_bytes(path.read_bytes() + b'{"t": 1030.0, "kind": "reque')
    assert judge_file(path).verdict is Verdict.MET


def test_a_line_in_the_middle_that_is_no_json_is_named(tmp_path: Path) -> None:
    events = DrillStory().events()
    path = write(tmp_path / "t.jsonl", events)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:40], b"{nonsense\n", *lines[40:]]))
    with pytest.raises(TimelineError, match="line 41: not JSON"):
        read_saved(path)


def test_no_file_and_no_timeline_are_said(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="cannot be read"):
        judge_file(tmp_path / "none.jsonl")
    (tmp_path / "other.jsonl").write_text('{"t": 1.0, "kind": "audit"}\n')
    with pytest.raises(TimelineError, match="is not a timeline"):
        judge_file(tmp_path / "other.jsonl")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(TimelineError, match="is not a timeline"):
        judge_file(tmp_path / "empty.jsonl")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sent", "soon", "a finite number"),
        ("done", 1.0, "not before it was sent"),
        ("intended", 9e9, "within days"),
        ("outcome", "perhaps", "one of ok, refused"),
        ("name", 7, "a text"),
        ("source", None, "a text"),
    ],
)
def test_a_request_that_does_not_fit_is_named_whichever_way_it_is_read(
    field: str, value: object, said: str, tmp_path: Path
) -> None:
    events = DrillStory().events()
    place = [at for at, event in enumerate(events) if event["kind"] == "request"][50]
    events[place] = {**events[place], field: value}
    path = write(tmp_path / "t.jsonl", events)
    with pytest.raises(DamagedTimelineError, match=said) as raised:
        read_saved(path)
    assert field in str(raised.value) or said == "within days"
    entry = judge_file(path)
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.name == "db_failure"
    assert judge(events).verdict is Verdict.UNKNOWN


def test_a_missing_time_is_damage_and_not_the_year_zero(tmp_path: Path) -> None:
    events = DrillStory().events()
    place = [at for at, event in enumerate(events) if event["kind"] == "request"][50]
    events[place] = {key: value for key, value in events[place].items() if key != "intended"}
    with pytest.raises(DamagedTimelineError, match="intended"):
        read_saved(write(tmp_path / "t.jsonl", events))


@settings(deadline=None, max_examples=40)
@given(cut=st.floats(0.0, 0.995))
def test_a_timeline_cut_short_anywhere_is_never_green(cut: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "t.jsonl"
    whole = b"".join(orjson.dumps(event) + b"\n" for event in DrillStory().events())
    path.write_bytes(whole[: int(len(whole) * cut)])
    try:
        verdict = judge_file(path).verdict
    except TimelineError:
        return
    assert verdict is not Verdict.MET
