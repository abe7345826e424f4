"""`muster deploy --replay FILE`: what would have become of a release that was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muster.analysis import Look, Side
from muster.analysis.recording import append_look
from muster.base.errors import UsageError
from muster.cli.main import commands

SYSTEM = """\
schema: muster/system/v1
name: shop
namespace: shop
service: {name: shop, port: 80}
manifests: manifests
read: {request: {path: /}}
release:
  phases:
    - {name: canary, share: 0.05, bake_s: 300}
    - {name: grow, share: 0.2, bake_s: 300}
    - {name: half, share: 0.5, bake_s: 300}
    - {name: switch, share: 1, bake_s: 300}
"""


@pytest.fixture
def system(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    path = tmp_path / "system.yaml"
    path.write_text(SYSTEM)
    return path


def recorded(path: Path, *, failing: float = 0.0) -> Path:
    """A rehearsal, whose triggers were two of six."""
    for phase, share in (("canary", 0.05), ("grow", 0.2), ("half", 0.5), ("switch", 1.0)):
        for at_s in range(60, 301, 60):
            canary = Side(requests=10.0 * at_s, failed=10.0 * at_s * failing)
            stable = Side(requests=10.0 * at_s, failed=0.0)
            told = ("error_rate",)
            one = Look(at_s=at_s, phase=phase, share=share, stable=stable, canary=canary, triggers=told, time_scale=60)
            append_look(path, one)
    return path


def replayed(recording: Path, system: Path, *more: str) -> Result:
    said = ["deploy", "--system", str(system), "--replay", str(recording), *more]
    return CliRunner().invoke(commands, said)


def test_a_good_one_is_promoted_by_what_it_was_watched_by(tmp_path: Path, system: Path) -> None:
    done = replayed(recorded(tmp_path / "good.jsonl"), system)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("promoted in phase switch")
    assert "memory is not looked at: it was not when this was recorded" in done.stderr
    assert "a rehearsal was recorded, 60 times shorter" in done.stderr


def test_a_bad_one_is_rolled_back(tmp_path: Path, system: Path) -> None:
    done = replayed(recorded(tmp_path / "bad.jsonl", failing=0.3), system)
    assert done.exit_code == 1, done.output
    assert done.stdout.startswith("rolled back in phase canary")


def test_a_scale_of_its_own_is_refused(tmp_path: Path, system: Path) -> None:
    done = replayed(recorded(tmp_path / "good.jsonl"), system, "--time-scale", "60")
    assert isinstance(done.exception, UsageError)
    assert "a recording says itself whether it was one" in str(done.exception)
