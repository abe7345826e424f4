"""What a procedure tells of its steps beforehand is what it does: the same names, in order, with the same way back."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.least import least

from muster.recovery import failover, procedures
from muster.recovery.promote_standby import PromoteStandby
from muster.steps import Outlined, Procedure, StepOutline
from muster.system import SystemDefinition, read_system

ENHANCER = Path(__file__).resolve().parents[2] / "systems/enhancer"
NAMED_BY_STAGE = {"full-restart"}  # of whose steps some are named by what system.yaml says


@pytest.fixture(scope="module")
def enhancer() -> SystemDefinition:
    return read_system(ENHANCER)


def outline(procedure: Procedure, system: SystemDefinition) -> Sequence[StepOutline]:
    assert isinstance(procedure, Outlined), f"{procedure.name} does not tell its steps"
    return procedure.outline(system)


def written(steps: Callable[..., Any]) -> list[tuple[str, bool, bool]]:
    """The steps of a source in their order: name, whether it acts, whether it can be taken back."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(steps)))
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and ast.unparse(one.func) == "Step"]
    found = []
    for call in sorted(calls, key=lambda one: one.lineno):
        keywords = {one.arg: ast.unparse(one.value) for one in call.keywords}
        name = call.args[0]
        parts = name.values if isinstance(name, ast.JoinedStr) else [name]
        told = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        found.append((told, keywords.get("acts") != "False", "undo" in keywords))
    return found


def told(outlined: Sequence[StepOutline]) -> list[tuple[str, bool, bool]]:
    return [(step.name, step.acts, step.undo) for step in outlined]


@pytest.mark.parametrize(
    "procedure", [one for one in procedures() if one.name not in NAMED_BY_STAGE], ids=lambda one: one.name
)
def test_the_steps_told_are_those_of_the_source(procedure: Procedure, enhancer: SystemDefinition) -> None:
    steps = [one for one in written(type(procedure).steps) if one[0] != "conclude"]  # gives up, where nothing helped
    assert told(outline(procedure, enhancer)) == steps


def test_so_are_those_where_a_tool_looks_after_the_database() -> None:
    assert told(failover.OUTLINE) == written(failover.steps)


def test_a_full_restart_tells_the_stages_of_system_yaml(enhancer: SystemDefinition) -> None:
    (procedure,) = [one for one in procedures() if one.name == "full-restart"]
    assert [step.name for step in outline(procedure, enhancer)] == [
        "diagnose",
        "databases: start the primary",
        "databases: start the standbys",
        "API: start",
        "agents: start",
        "resume half-done work",
        "verify",
    ]


def test_where_a_system_has_nothing_to_be_mended_there_is_no_step(tmp_path: Path) -> None:
    shop = least(tmp_path)
    fit = {one.name for one in procedures() if outline(one, shop)}
    assert fit == {"full-restart", "repair-crashed-pods", "restart-service"}
    assert outline(PromoteStandby(), shop) == ()
