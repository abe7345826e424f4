"""Drills whose fault is a changed ConfigMap, on a node that shows it to running pods as late as a real one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from selfcheck.instrument import ROOT

DRILLS = ("agent_coordination", "config_corruption_wrong", "workflow_reset")
LAG_S = 90


@dataclass(frozen=True, slots=True)
class Held:
    """What became of each drill that was held: its verdict, by its name."""

    verdicts: dict[str, str]

    @property
    def met(self) -> int:
        return list(self.verdicts.values()).count("met")


def late_configuration() -> Held:
    """Hold them on a cluster of their own; what goes wrong is printed."""
    with tempfile.TemporaryDirectory(prefix="muster-selfcheck-") as scratch:
        subprocess.run(
            [sys.executable, "-m", "pytest", "drills", "-k", " or ".join(DRILLS), "-p", "no:cacheprovider",
             f"--reports={scratch}"],
            cwd=ROOT, check=False, env={**os.environ, "MUSTER_EMBEDDED_CONFIG_LAG_S": str(LAG_S)},
        )  # fmt: skip
        return read(Path(scratch) / "latest" / "summary.json")


def read(summary: Path) -> Held:
    """The verdicts of a summary; a drill that it does not know is unknown."""
    told = json.loads(summary.read_text())["drills"] if summary.exists() else []
    verdicts = {one["name"]: one["verdict"] for one in told}
    return Held({name: verdicts.get(name, "unknown") for name in DRILLS})
