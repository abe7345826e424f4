"""The columns beside a long timeline say what the timeline says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from muster.report import columns as columns_module
from muster.report.columns import write_columns
from muster.verdict.reading.saved import Saved
from muster.verdict.testing import DrillStory

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_columns_hold_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "WORTH_IT", 100)
    events = DrillStory().events()
    path = write_columns(Saved.of(events), tmp_path / "t.jsonl")
    assert path == tmp_path / "t.requests.npz"
    columns = np.load(path)
    requests = [event for event in events if event["kind"] == "request"]
    assert columns["sent"].tolist() == [event["sent"] for event in requests]
    assert columns["outcomes"][columns["outcome"]].tolist() == [event["outcome"] for event in requests]
    assert columns["names"][columns["name"]].tolist() == [event["name"] for event in requests]
    assert columns["sources"][columns["name"]].tolist() == [event["source"] for event in requests]


def test_a_short_timeline_is_read_in_a_moment_anyway(tmp_path: Path) -> None:
    assert write_columns(Saved.of(DrillStory().events()), tmp_path / "t.jsonl") is None
    assert not list(tmp_path.iterdir())
