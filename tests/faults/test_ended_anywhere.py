"""Whatever line a signal meets an experiment at, its fault is undone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .conftest import EXPERIMENTS

SCRIPT = Path(__file__).with_name("ended_anywhere.py")
OTHERS = 60  # drawn among some 20,000 lines


def test_no_signal_at_any_line_of_its_end_leaves_a_fault_in_force() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(EXPERIMENTS / "pod-crash.yaml"), "1", str(OTHERS)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["bad"] == []
    assert told["tried"] > 300 + OTHERS, "the end of an experiment has more lines than that"
