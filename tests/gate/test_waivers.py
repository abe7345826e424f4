"""What is not demanded for a while, by whom and why; and what is no waiver."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.gate.waivers import read_waivers

from .made import NOW

GOOD = """schema: muster/waivers/v1
waivers:
  - {what: rehearsal, who: release-manager, why: no staging yet, until: 2026-03-31}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    return path


def test_a_waiver_counts_to_the_end_of_its_day(tmp_path: Path) -> None:
    (found,) = read_waivers(written(tmp_path, GOOD), NOW)
    assert found.model_dump() == {
        "what": "rehearsal",
        "who": "release-manager",
        "why": "no staging yet",
        "until": "2026-03-31T23:59:59Z",
    }


def test_a_time_may_stand_in_any_zone(tmp_path: Path) -> None:
    (found,) = read_waivers(written(tmp_path, GOOD.replace("2026-03-31", "'2026-03-31T12:00+02:00'")), NOW)
    assert found.until == "2026-03-31T10:00:00Z"


def test_no_file_is_no_waiver(tmp_path: Path) -> None:
    assert read_waivers(tmp_path / "waivers.yaml", NOW) == []
    assert read_waivers(written(tmp_path, "schema: muster/waivers/v1\n"), NOW) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("who: release-manager, ", "", "line 3: 'waivers.0.who' is missing"),
        (
            "who: release-manager",
            "who: ''",
            "'waivers.0.who' is wrong: a waiver names who decided it, and this one does not",
        ),
        ("who: release-manager", "who: '-'", "a waiver names who decided it"),
        ("who: release-manager", "who:", "'waivers.0.who' is wrong"),
        ("why: no staging yet", "why: ' '", "a waiver names a reason, and this one does not"),
        ("why: no staging yet, ", "", "'waivers.0.why' is missing"),
        (", until: 2026-03-31", "", "'waivers.0.until' is missing"),
        ("2026-03-31", "someday", "line 3: 'someday' is no day; right would be 2026-12-31, or a time"),
        ("2026-03-31", "2026-02-31", "'2026-02-31' is no day"),
        ("2026-03-31", "9999-12-31", "a waiver ends within a year, and this one in 9999"),
        ("who:", "whom:", "did you mean 'who'?"),
        ("waivers/v1", "waivers/v2", "'schema' is wrong"),
    ],
)
def test_what_does_not_say_who_why_and_until_when_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError) as refused:
        read_waivers(written(tmp_path, GOOD.replace(old, new)), NOW)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_ran_out_is_held_to_the_same(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_waivers(written(tmp_path, GOOD.replace("2026-03-31", "2026-01-01").replace("release-manager", "''")), NOW)


def test_one_item_is_waived_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'rehearsal' is waived for the second time"):
        read_waivers(written(tmp_path, GOOD + GOOD.splitlines()[-1] + "\n"), NOW)


def test_a_list_alone_is_no_file_of_waivers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="begins with 'schema: muster/waivers/v1'"):
        read_waivers(written(tmp_path, "- what: health\n"), NOW)
