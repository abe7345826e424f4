"""The detection drill: met with the project's rules, missed without the one that pages, unknown without programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.drill_project import ROOT

from .programs import program

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

STARTED = "Programs.start(watched, cluster)"
WITHOUT_RULE = """

def without(content):
    for group in content["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != "ServiceDown"]


def kept_from(program):
    raise MissingProgramError(f"program '{program}' is not installed")
"""


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_a_drill_that_nobody_would_have_been_paged_for_is_missed(drill_project: DrillProject) -> None:
    for name in ("prometheus", "alertmanager"):
        program(name)
    drill = (ROOT / "drills/test_detection.py").read_text()
    assert drill.count(STARTED) == 1
    assert drill.count("detection_target_s=300") == 1
    for name, started, target in (
        ("ruleless", "Programs.start(watched, cluster, change=without)", 60),
        ("programless", 'kept_from("prometheus")', 300),
    ):
        text = drill.replace(STARTED, started).replace("detection_target_s=300", f"detection_target_s={target}")
        drill_project.write(f"drills/test_{name}.py", text.replace("test_detection", f"test_{name}") + WITHOUT_RULE)
    chosen = [f"drills/test_{name}.py" for name in ("detection", "ruleless", "programless")]
    session = drill_project.pytest(*chosen, timeout=900)
    met, ruleless, programless = drill_project.summary()["drills"]
    assert (met["verdict"], met["detection"]["verdict"]) == ("met", "met"), session.output
    assert met["detection"]["by"] == "ServiceDown"
    assert 30 < met["detection"]["value_s"] < 300, "it waits for 30 s, at night as in a drill"
    assert (ruleless["verdict"], ruleless["detection"]["verdict"]) == ("missed", "missed"), session.output
    assert "alert ServiceDown not seen" in ruleless["why"]
    assert ruleless["rto"]["verdict"] == "met", "all else was well"
    assert programless["verdict"] == "unknown", session.output
    assert programless["fault"]["landed"] is None, "nothing was injected"
    assert "program 'prometheus' is not installed" in programless["why"]
