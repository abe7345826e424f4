"""An alert in a drill: what the marker must say, and one drill that a local Alertmanager is told of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from muster.monitoring.testing import LocalMonitoring

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

DECLARED = """
@pytest.mark.drill(severity="P2", fault="pod-crash", {marker})
def test_{name}(drill):
    raise AssertionError("must not run")
"""

BOTH = "alert='PodsCrash', detection_target_s=60"
REFUSED = {
    "untimed": ("alert='PodsCrash'", "with alert='PodsCrash' the drill marker needs 'detection_target_s'"),
    "unnamed": ("detection_target_s=60", "with detection_target_s=60 the drill marker needs 'alert'"),
    "number": ("alert=7, detection_target_s=60", "'alert' of the drill marker must be a str"),
    "empty": ("alert=' ', detection_target_s=60", "'alert' of the drill marker is empty"),
    "negative": ("alert='X', detection_target_s=-1", "detection_target_s is -1; right would be more than 0"),
    "unwatched": (BOTH, "alert 'PodsCrash' needs 'monitoring' in "),
}


def add_monitoring(project: DrillProject, url: str, more: str = "") -> None:
    without_monitoring(project, f"\nmonitoring:\n  alertmanager: {{url: '{url}'{more}}}\n")


def without_monitoring(project: DrillProject, instead: str = "") -> None:
    """Have the system's own monitoring be another one, or none."""
    path = project.root / "systems/enhancer/system.yaml"
    text, found = re.subn(r"\nmonitoring:\n( .*\n)+", lambda _: f"\n{instead}", path.read_text())
    assert found == 1
    path.write_text(text)


def declared(**markers: str) -> str:
    drills = [DECLARED.format(name=name, marker=marker) for name, marker in markers.items()]
    return "import pytest\n" + "".join(drills)


def test_a_marker_that_does_not_fit_is_refused_before_anything_runs(drill_project: DrillProject) -> None:
    without_monitoring(drill_project)
    (drill_project.root / "drills/test_detection.py").unlink()
    drill_project.write("drills/test_it.py", declared(**{name: marker for name, (marker, _) in REFUSED.items()}))
    session = drill_project.pytest("drills/test_it.py")
    for name, (_, message) in REFUSED.items():
        assert f"::test_{name}: {message}" in session.output.replace("declaration of drill 'negative': ", "")
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_a_token_that_is_not_there_is_told_before_anything_runs(drill_project: DrillProject) -> None:
    add_monitoring(drill_project, "http://127.0.0.1:1", ", token_env: NO_SUCH_TOKEN")
    drill_project.write("drills/test_it.py", declared(it=BOTH))
    session = drill_project.pytest("drills/test_it.py")
    assert "::test_it: the environment variable NO_SUCH_TOKEN, which system.yaml names" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


DRILL = """
import httpx
import pytest

@pytest.mark.drill(
    severity="P2", fault="pod-crash", recovery="repair-crashed-pods", budget_s=60,
    alert="PodsCrash", detection_target_s={target},
)
def test_pods_crash(system, load, inject, recover, objectives):
    with system.ledger():
        system.wait_steady(within={steady})
        with inject() as fault:
            fault.wait_landed(seconds=10)
            if {told}:
                told = [{{"labels": {{"alertname": "PodsCrash", "severity": "page"}}}}]
                httpx.post("{url}/api/v2/alerts", json=told).raise_for_status()
            assert system.wait_alert() is {told}
            recover()
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault)
"""


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_an_alert_ends_the_detection_and_its_absence_misses_it(drill_project: DrillProject) -> None:
    with LocalMonitoring() as monitoring:
        add_monitoring(drill_project, monitoring.url, ", matchers: {severity: page}")
        stories = {"absent": (False, 2, 60), "seen": (True, 30, 60), "lingers": (True, 30, 6)}
        for name, (told, target, steady) in stories.items():
            drill = DRILL.format(told=told, url=monitoring.url, target=target, steady=steady)
            drill_project.write(f"drills/test_{name}.py", drill.replace("test_pods_crash", f"test_{name}"))
        session = drill_project.pytest(*(f"drills/test_{name}.py" for name in stories))
    assert session.code == pytest.ExitCode.TESTS_FAILED, session.output
    absent, seen, lingers = drill_project.summary()["drills"]
    assert (absent["detection"]["verdict"], absent["verdict"]) == ("missed", "missed"), absent["reasons"]
    assert re.fullmatch(r"alert PodsCrash not seen in [\d.]+ s > target 2 s", absent["why"])
    assert absent["rto"]["verdict"] == "met", absent["reasons"]
    assert (seen["detection"]["verdict"], seen["verdict"]) == ("met", "met"), seen["reasons"]
    assert seen["detection"]["by"] == "PodsCrash"
    low, value = seen["detection"]["low_s"], seen["detection"]["value_s"]
    assert 0 < low < value == seen["detection"]["high_s"] < 30
    assert lingers["verdict"] == "unknown"
    assert lingers["fault"]["landed"] is None, "nothing is injected while the alert of the drill before still fires"
    assert "alert PodsCrash fired before the fault was injected" in lingers["why"]
