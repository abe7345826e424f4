"""Bad input gets one clear sentence and exit code 4, and nothing is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

DRILL = """
@pytest.mark.drill({marker})
def test_{name}(drill):
    raise AssertionError("must not run")
"""

GOOD = {
    "severity": "'P1'",
    "fault": "'db-failure'",
    "load": "'steady'",
    "recovery": "'promote-standby'",
    "cadence": "'monthly'",
}


WRONG = {
    "fault": (
        {"fault": "'db-failre'"},
        "experiment 'db-failre' not found in experiments/ (there are: agent-failure, agents-orphaned, config-broken, ",
    ),
    "load": ({"load": "'stedy'"}, "load profile 'stedy' not found in loadtests/ (there are: clients, mixed, steady)"),
    "recovery": ({"recovery": "'pray'"}, "recovery procedure 'pray' not known (there are: "),
    "severity": ({"severity": "'P9'"}, "severity 'P9' is not known (there are: P1, P2, P3, P4)"),
    "cadence": ({"cadence": "'weekly'"}, "cadence 'weekly' is not known (there are: monthly, quarterly, yearly)"),
    "argument": ({"severty": "'P1'"}, "'severty' is not an argument of the drill marker"),
}


def test_markers_that_name_what_is_not_there_are_all_told(drill_project: DrillProject) -> None:
    drills = [
        DRILL.format(name=name, marker=", ".join(f"{key}={value}" for key, value in {**GOOD, **changed}.items()))
        for name, (changed, _) in WRONG.items()
    ]
    drill_project.write("drills/test_it.py", "import pytest\n" + "".join(drills))
    session = drill_project.pytest("drills/test_it.py")
    for name, (_, message) in WRONG.items():
        assert f"::test_{name}: {message}" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert drill_project.summary()["verdict"] == "unknown"


def test_a_malformed_system_names_key_and_line(drill_project: DrillProject) -> None:
    path = drill_project.root / "systems/enhancer/system.yaml"
    lines = path.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if line.startswith("service:"))
    lines[number - 1] = "service: {name: api, port: eighty}"
    path.write_text("\n".join(lines))
    session = drill_project.pytest("drills", "-k", "db_failure")
    assert f"system.yaml, line {number}: 'service.port' is wrong" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_an_unknown_kube_context_lists_those_that_there_are(drill_project: DrillProject) -> None:
    config = drill_project.write("config", UNREACHABLE)
    session = drill_project.pytest("drills", "--kube-context", "prod", KUBECONFIG=str(config))
    assert "kube context 'prod' not found in the kubeconfig (there are: staging)" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_a_cluster_that_does_not_answer(drill_project: DrillProject) -> None:
    config = drill_project.write("config", UNREACHABLE)
    session = drill_project.pytest("drills", KUBECONFIG=str(config), MUSTER_KUBE_CONTEXT="staging")
    assert "the cluster of context 'staging' at https://127.0.0.1:9 does not answer" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_a_wrong_context_is_told_before_anything_runs_wherever_the_drills_are(drill_project: DrillProject) -> None:
    config = drill_project.write("config", UNREACHABLE)
    marker = ", ".join(f"{key}={value}" for key, value in GOOD.items())
    drill_project.write("rehearsals/test_it.py", f"import pytest\n{DRILL.format(marker=marker, name='it')}")
    session = drill_project.pytest("rehearsals", "--kube-context", "prod", KUBECONFIG=str(config))
    assert "kube context 'prod' not found in the kubeconfig (there are: staging)" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_what_a_drill_would_miss_is_told_before_anything_runs(drill_project: DrillProject) -> None:
    """A load that is no Python, and a secret that its environment does not hold."""
    marker = ", ".join(f"{key}={value}" for key, value in GOOD.items())
    drill_project.write("drills/test_it.py", f"import pytest\n{DRILL.format(marker=marker, name='it')}")
    load = drill_project.root / "loadtests/steady.py"
    whole = load.read_text()
    load.write_text("def broken(:\n")
    session = drill_project.pytest("drills/test_it.py")
    assert "load profile 'steady': " in session.output
    assert "steady.py, line 1: not Python" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR
    load.write_text(whole)
    system = drill_project.root / "systems/enhancer/system.yaml"
    system.write_text(f"{system.read_text()}\nheaders: {{Authorization: {{env: SHOP_TOKEN}}}}\n")
    session = drill_project.pytest("drills/test_it.py")
    assert "what environment variable SHOP_TOKEN holds, which is not set" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_a_report_directory_that_cannot_be_had(drill_project: DrillProject) -> None:
    drill_project.write("reports", "a file")
    session = drill_project.pytest("drills")
    assert "cannot be had for the report" in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR


def test_the_plugin_leaves_other_tests_alone(drill_project: DrillProject) -> None:
    drill_project.write("tests/test_other.py", "def test_other():\n    pass\n")
    session = drill_project.pytest("tests")
    assert session.code == 0, session.output
    assert not (drill_project.root / "reports").exists()


UNREACHABLE = """
apiVersion: v1
kind: Config
current-context: staging
contexts: [{name: staging, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:9", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: t}}]
"""
