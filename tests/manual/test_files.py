"""The manual as files: written whole or not at all, and what drifts is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.manual.files import Drift, drift, write
from muster.manual.writing import MARK, Text

PAGES = [Text("manual", "README", "en", f"{MARK}\n\n# A\n"), Text("runbook", "metrics", "en", f"{MARK}\n\n# B\n")]


def there(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_what_is_written_does_not_drift(tmp_path: Path) -> None:
    assert [one.why for one in drift(tmp_path / "docs", PAGES)] == ["missing", "missing"]
    write(tmp_path / "docs", PAGES, {tmp_path / "page.html": "<p>"})
    assert there(tmp_path) == ["docs/manual/en/README.md", "docs/runbook/en/metrics.md", "page.html"]
    assert drift(tmp_path / "docs", PAGES) == []
    write(tmp_path / "docs", PAGES, {})
    assert drift(tmp_path / "docs", PAGES) == []


def test_what_was_changed_is_left_over_or_is_somebody_elses_is_told_apart(tmp_path: Path) -> None:
    write(tmp_path, PAGES, {})
    changed, old, own = (tmp_path / "manual/en" / name for name in ("README.md", "former.md", "telephone.md"))
    changed.write_text(f"{MARK}\n\n# other\n")
    old.write_text(f"{MARK}\n\n# former\n")
    own.write_text("# who to call\n")
    assert drift(tmp_path, PAGES) == [Drift(changed, "differs"), Drift(old, "left over")]
    write(tmp_path, PAGES, {})
    assert drift(tmp_path, PAGES) == []
    assert own.read_text() == "# who to call\n"
    assert not old.exists()


@pytest.mark.parametrize("in_the_way", ["runbook", "runbook/en", "runbook/en/metrics.md"])
def test_where_something_is_in_the_way_nothing_is_written(tmp_path: Path, in_the_way: str) -> None:
    path = tmp_path / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    if in_the_way.endswith(".md"):
        path.mkdir()
    else:
        path.write_text("mine")
    with pytest.raises(UsageError, match="the manual cannot be written: ") as refused:
        write(tmp_path, PAGES, {})
    assert in_the_way in str(refused.value)
    assert there(tmp_path) == ([] if path.is_dir() else [in_the_way])
    assert not (tmp_path / "manual").exists(), "what was made for it is gone again"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "manual").mkdir(mode=0o555)
    with pytest.raises(UsageError, match="Permission denied"):
        write(tmp_path, PAGES, {})
