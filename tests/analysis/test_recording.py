"""A recording is read back as it was written, and bad input is told with its line and what would be right."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from muster.analysis import Counted, Look, Side, Value
from muster.analysis.recording import append_look, line_of, read_recording
from muster.base.errors import UsageError
from muster.schemas import DIRECTORY

from .analysis_support import latencies, look, side

FULL = look(
    10,
    side(
        latency=latencies(1, 2, 3, 4, 5),
        kinds={"search": Counted(requests=3, failed=1)},
        failed_agents=Value(value=1, samples=61),
        memory=Value(value=0.4),
    ),
    Side(missing={"requests": "Prometheus did not answer in 2 s"}),
)
SCHEMA = Draft202012Validator(json.loads((DIRECTORY / "release-recording-v1.json").read_text()))


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "release.jsonl"
    looks = [FULL, look(20, side(5, 1)), look(30, side(None, None), share=1, phase="switch")]
    for one in looks:
        append_look(path, one)
    assert [_plain(one) for one in read_recording(path)] == [_plain(one) for one in looks]


def _plain(one: Look) -> dict[str, object]:
    return one.model_dump(exclude={"schema_"})


def test_a_line_is_as_its_schema_says() -> None:
    content = json.loads(line_of(FULL))
    assert content["schema"] == "muster/release-recording/v1"
    assert list(SCHEMA.iter_errors(content)) == []
    assert list(SCHEMA.iter_errors({**content, "at_s": "soon"}))


NUMBERS = st.one_of(st.floats(), st.integers(-5, 10**9).map(float), st.none())


@given(NUMBERS, NUMBERS, st.floats())
def test_what_is_no_number_is_missing_in_the_file_and_never_a_number(
    requests: float | None, failed: float | None, memory: float
) -> None:
    line = line_of(look(10, side(requests, failed, memory=Value(value=memory))))
    content = json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert list(SCHEMA.iter_errors(content)) == []
    for name, value in (("requests", requests), ("failed", failed), ("memory", memory)):
        if value is None or not math.isfinite(value):
            assert name not in content["canary"]
            assert value is None or content["canary"]["missing"][name] == "the reading was no number"


def test_a_last_line_that_a_crash_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "release.jsonl"
    path.write_text(line_of(FULL) + "\n" + line_of(FULL)[:50])
    assert len(list(read_recording(path))) == 1


GOOD = line_of(FULL)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no look; right would be a file that a release has recorded"),
        ("\n\n", "holds no look"),
        (f"{GOOD}\nnot json\n", 'line 2: not JSON; right would be one object a line, with "schema": '),
        ("[]\n", 'line 1: no look of a release; right would be an object with "schema": "muster/release-recording/v1"'),
        ('{"schema": "muster/timeline/v1"}\n', "line 1: no look of a release"),
        (GOOD.replace('"at_s":10.0,', "") + "\n", "line 1: 'at_s' is missing"),
        (
            GOOD.replace('"at_s":10.0', '"at_s":"soon"') + "\n",
            "line 1: 'at_s' is wrong: input should be a valid number",
        ),
        (
            GOOD.replace('"share":0.2', '"share":20') + "\n",
            "line 1: 'share' is wrong: input should be less than or equal to 1",
        ),
        (GOOD.replace('"phase"', '"fase"') + "\n", "'phase' is missing"),
        (GOOD.replace('"memory":{', '"memry":{') + "\n", "line 1: 'canary.memry' is not a key that is known here"),
    ],
)
def test_bad_input_is_told_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "release.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        list(read_recording(path))
    assert str(error.value).startswith(f"recording {path}")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        list(read_recording(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        append_look(tmp_path / "none" / "release.jsonl", FULL)
