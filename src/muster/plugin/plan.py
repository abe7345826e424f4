"""Which drills are planned, which are wanted now, and which a gate insists on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.plugin.declare import CADENCES, drill_name, is_drill, recovery_name
from muster.plugin.repeat import drill_of, unrepeated
from muster.plugin.run import RUN

ALL = "all"
SCHEMA = "muster/plan/v1"
_DECLARED = ("severity", "cadence", "fault", "load", "recovery", "budget_s")


def write_plan(path: Path, items: list[pytest.Item], skipped: Sequence[str], repeat: int | None) -> None:
    """Write what the markers of the collected drills declare, whatever of them is deselected later, and each once; and
    which files were `skipped` as a whole, whatever drills they hold.

    Raises:
        pytest.UsageError: the file cannot be written.
    """
    planned = (_planned(item, repeat) for item in items if is_drill(item))
    drills = list({drill["name"]: drill for drill in planned}.values())
    content = {"schema": SCHEMA, "drills": drills, "skipped": list(skipped)}
    try:
        write_atomically(path, orjson.dumps(content, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise pytest.UsageError(f"the plan {path} cannot be written: {error.strerror}") from error


def _planned(item: pytest.Item, repeat: int | None = None) -> dict[str, Any]:
    """A drill as its marker declares it; of its repetitions each says the same."""
    marker = item.get_closest_marker("drill")
    said = marker.kwargs if marker else {}
    name, nodeid = drill_of(drill_name(item), repeat), unrepeated(item.nodeid, repeat)
    declared = {key: said.get(key) for key in _DECLARED}
    return {"name": name, "nodeid": nodeid, **declared, "recovery": recovery_name(declared["recovery"])}


def check_cadences(cadences: tuple[str, ...]) -> None:
    """Refuse a cadence that no drill can have.

    Raises:
        UsageError: there is one.
    """
    if unknown := [cadence for cadence in cadences if cadence not in CADENCES]:
        raise UsageError(f"--cadence: '{unknown[0]}' is not known (there are: {', '.join(CADENCES)})")


def keep_cadence(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is not to be held at the cadences asked for, in place."""
    cadences = config.stash[RUN].options.cadences
    if not cadences:
        return
    kept = [item for item in items if _planned(item)["cadence"] in cadences]
    if left_out := [item for item in items if item not in kept]:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def insist(config: pytest.Config) -> None:
    """Have the drills that the gate insists on in the summary: without one of them the run is unknown.

    The whole project is asked which drills there are: what the command line leaves out, the gate still wants.

    Raises:
        UsageError: a drill that does not exist.
    """
    from muster.history.plan import DRILLS, read_whole_plan

    run = config.stash[RUN]
    required = run.options.required
    if config.getoption("require") is not None and not required:
        raise UsageError("--require names no drill; right would be NAME[,NAME] or 'all'")
    if not required:
        return
    run.begin()
    paths = [str(config.rootpath / DRILLS)] if (config.rootpath / DRILLS).is_dir() else []
    named = [unrepeated(str(argument), run.options.repeat) for argument in config.args]
    plan = read_whole_plan(config.invocation_params.dir, [*paths, *named])
    known = list(plan.drills)
    if unknown := [name for name in required if name not in (*known, ALL)]:
        raise UsageError(f"--require: drill '{unknown[0]}' not found (there are: {', '.join(sorted(known)) or 'none'})")
    assert run.summary is not None
    run.summary.require([*known, *plan.skipped] if ALL in required else required)
