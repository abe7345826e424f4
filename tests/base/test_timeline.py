"""The timeline is append-only, shared by processes, and readable after a crash."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.timeline import Tail, Timeline, TimelineError, read_timeline


def _started(path: Path) -> Timeline:
    return Timeline.start(path, run="r", drill="d")


APPEND_MANY = """
import sys
from pathlib import Path
from muster.base.timeline import Timeline
with Timeline(Path(sys.argv[1])) as timeline:
    for number in range(500):
        timeline.append("phase", writer=int(sys.argv[2]), number=number, padding="x" * (number % 300))
"""


def test_lines_of_several_processes_neither_mix_nor_get_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    _started(path).close()
    writers = [subprocess.Popen([sys.executable, "-c", APPEND_MANY, str(path), str(number)]) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    seen = {(e["writer"], e["number"]) for e in read_timeline(path) if e["kind"] == "phase"}
    assert seen == {(writer, number) for writer in range(3) for number in range(500)}


@given(cut=st.integers(min_value=0, max_value=400))
def test_a_file_cut_short_loses_at_most_the_line_that_was_cut(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "t.jsonl"
    with _started(path) as timeline:
        head = path.stat().st_size
        for number in range(5):
            timeline.append("phase", number=number)
    data = path.read_bytes()
    kept = data[: max(len(data) - cut, head)]
    path.write_bytes(kept)
    numbers = [e["number"] for e in read_timeline(path) if e["kind"] == "phase"]
    whole = kept.count(b"\n") - 1
    assert numbers[:whole] == list(range(whole))
    assert len(numbers) <= whole + 1


def test_events_are_sorted_by_time_and_equal_times_keep_their_order(tmp_path: Path) -> None:
    with _started(tmp_path / "t.jsonl") as timeline:
        timeline.append("b", t=1e12)
        timeline.append("a", t=1e11)
        timeline.append("c", t=1e12)
    assert [e["kind"] for e in read_timeline(tmp_path / "t.jsonl")] == ["timeline", "a", "b", "c"]


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with _started(path) as timeline:
        timeline.append_lines([b'{"t": 1, "kin'])
        timeline.append("phase")
    with pytest.raises(TimelineError, match="line 2: not JSON"):
        read_timeline(path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"t": 1, "kind": "something"}\n')
    with pytest.raises(TimelineError, match="is not a timeline"):
        read_timeline(path)


def test_a_timeline_is_written_once(tmp_path: Path) -> None:
    _started(tmp_path / "t.jsonl").close()
    with pytest.raises(TimelineError, match="exists already"):
        _started(tmp_path / "t.jsonl")


def test_a_full_disk_is_said_at_once() -> None:
    with Timeline(Path("/dev/full")) as timeline, pytest.raises(TimelineError, match="No space left"):
        timeline.append("phase")


def test_the_tail_waits_for_a_line_to_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    path.write_bytes(b'{"t": 1, "kind": "a"}\n{"t": 2, "ki')
    assert [e["kind"] for e in tail.read()] == ["a"]
    with path.open("ab") as file:
        file.write(b'nd": "b"}\n')
    assert [e["kind"] for e in tail.read()] == ["b"]


@pytest.mark.parametrize("t", ['"soon"', "null", "[1]", "{}", "1e308"])
def test_a_time_that_is_none_is_left_to_whoever_judges(tmp_path: Path, t: str) -> None:
    path = tmp_path / "t.jsonl"
    _started(path).close()
    with path.open("a") as file:
        file.write(f'{{"t": {t}, "kind": "phase"}}\n')
    assert sorted(event["kind"] for event in read_timeline(path)) == ["phase", "timeline"]
