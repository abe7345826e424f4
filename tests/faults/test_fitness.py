"""What could strike before the drill's go, or elsewhere than in the guarded namespace, is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from chaoslib.exceptions import InterruptExecution

from muster.base.errors import UsageError
from muster.faults import activities, activity_fitness, controls, read_experiment, session

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
Change = Callable[[dict[str, Any]], object]

TERMINATE = {"label_selector": "app=api", "all": True, "ns": "${namespace}"}


def python(module: str, func: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "python", "module": module, "func": func, "arguments": arguments}


def probe(provider: dict[str, Any]) -> dict[str, Any]:
    return {"type": "probe", "name": "own", "provider": provider}


def insert(provider: dict[str, Any], **more: Any) -> Change:
    """Begin the method with an activity."""
    return lambda e: e["method"].insert(0, {**probe(provider), **more})


def foreign(module: str = "chaosaws.controls") -> dict[str, Any]:
    return {"name": "other", "provider": {"type": "python", "module": module}}


SHELL = python("os", "system", command="true")
ACTIVITIES = "muster.faults.activities"
CRASHED = python(ACTIVITIES, "crashed", label_selector="app=api")
KILL = python("chaosk8s.pod.actions", "terminate_pods", **TERMINATE)
STEADY = {"title": "steady", "probes": [{**probe(KILL), "tolerance": True}]}

REFUSED = [
    (lambda e: e.update({"steady-state-hypothesis": STEADY}), "it has a steady-state-hypothesis"),
    (lambda e: e.update({"steady-state-hypothesis": None}), "it has a steady-state-hypothesis"),
    (lambda e: e["controls"].append(foreign()), "control 'other' is not muster's"),
    (lambda e: e["controls"].insert(0, foreign()), "control 'other' is not muster's"),
    (lambda e: e["controls"].append(e["controls"][0]), "it is guarded 2 times"),
    (lambda e: e["method"][0].update(controls=[foreign()]), "activity '.*' has controls of its own"),
    (lambda e: e["rollbacks"][0].update(controls=[foreign()]), "activity '.*' has controls of its own"),
    (insert({"type": "process", "path": "true"}), "activity 'own' is of type process"),
    (insert({"type": "http", "url": "http://127.0.0.1"}), "activity 'own' is of type http"),
    (lambda e: e["method"].insert(0, {"ref": "kill"}), "an activity refers to 'kill', and is not run as it stands"),
    (insert(python("os", "system", command="true", ns="${namespace}")), r"activity 'own' is os\.system"),
    (
        insert(python("chaosk8s.node.actions", "drain_nodes", ns="${namespace}")),
        "drain_nodes, which cannot",
    ),
    (
        insert(python("chaosk8s.namespace.actions", "delete_namespace", name="x", ns="${namespace}")),
        "delete_namespace, which cannot",
    ),
    (insert(python("muster.faults.session", "connect")), r"is muster\.faults\.session\.connect"),
    (insert(python("muster.faults.activities", "connect")), r"is muster\.faults\.activities\.connect"),
    (insert(KILL, background=True), "activity 'own' runs in the background"),
    (insert({**KILL, "arguments": {**TERMINATE, "ns": "other"}}), "activity 'own' says namespace 'other'"),
    (insert({**KILL, "arguments": {"label_selector": "app=api"}}), "activity 'own' says no namespace"),
    (lambda e: e["rollbacks"].append(probe(SHELL)), r"activity 'own' is os\.system"),
    (insert({**KILL, "arguments": {**TERMINATE, "secrets": {"KUBERNETES_HOST": "x"}}}), "activity 'own' has secrets"),
    (lambda e: e.update(secrets={"k8s": {"KUBERNETES_HOST": "https://other"}}), "it has secrets"),
    (lambda e: e["configuration"].update(x={"type": "vault", "path": "a"}), "configuration 'x' is of type 'vault'"),
    (lambda e: e["runtime"].update(hypothesis={"strategy": "continuously"}), "runtime has a hypothesis strategy"),
    (lambda e: e.update(rollback=[]), "it has 'rollback', which nothing heeds"),
    (lambda e: e.update(dry="actions"), "it has 'dry', which nothing heeds"),
    (insert(KILL, timeout=3), "activity 'own' has 'timeout', which nothing heeds"),
    (insert({**KILL, "timeout": 3}), "the provider of activity 'own' has 'timeout', which nothing heeds"),
    (insert(KILL, pauses={"before": "1"}), "activity 'own' has pauses .*; right would be numbers of seconds"),
    (insert(KILL, pauses={"between": 1}), "activity 'own' has pauses .*; right would be numbers of seconds"),
    (insert(KILL, pauses={"after": -1}), "activity 'own' has pauses .*; right would be numbers of seconds"),
    (insert(KILL, pauses=3), "activity 'own' has pauses 3; right would be numbers of seconds"),
    (lambda e: e["method"][-1].update(pauses={"after": 60}), "'hold' has pauses, which would keep the fault in force"),
    (lambda e: e["rollbacks"][0].update(pauses={"before": 60}), "has pauses, which would keep the fault in force"),
    (insert(KILL, tolerance=probe(SHELL)), "activity 'own' has a tolerance of type 'probe', which would run unguarded"),
    (insert(KILL, tolerance={"type": "magic"}), "activity 'own' has a tolerance of type 'magic'"),
    (insert(KILL, tolerance={"type": "range", "range": [1]}), "tolerance that cannot be heeded: .* two values"),
    (insert(KILL, tolerance={"type": "regex", "pattern": "("}), "tolerance that cannot be heeded: .* invalid"),
    (insert(KILL, tolerance=1.5), "activity 'own' has the tolerance 1.5, which cannot be compared"),
    (insert(KILL, type="action", tolerance=True), "has a tolerance, which is heeded for probes of the method only"),
    (lambda e: e["rollbacks"].append({**probe(KILL), "tolerance": True}), "heeded for probes of the method only"),
    (insert(CRASHED, tolerance=True), "has a tolerance, but ends the experiment by itself"),
    (insert(python(ACTIVITIES, "crashed", label_selector="app=api", within_s="60")), "waits within_s: '60'"),
    (insert(python(ACTIVITIES, "crashed", label_selector="app=api", within=60)), "cannot call crashed: .*'within'"),
    (insert(python(ACTIVITIES, "crashed")), "cannot call crashed: missing .* 'label_selector'"),
    (
        lambda e: e["configuration"].update(x=probe(SHELL)),
        "configuration 'x' is a probe",
    ),
    (lambda e: e["configuration"].update(x=probe(KILL)), "configuration 'x' is a probe"),
]


def changed(change: Change) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((EXPERIMENTS / "pod-crash.yaml").read_text())
    change(content)
    return content


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_a_drill_does_not_take_it(tmp_path: Path, change: Change, message: str) -> None:
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(changed(change)))
    with pytest.raises(UsageError, match=message):
        read_experiment(path)


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_the_guard_in_the_experiments_process_ends_it(change: Change, message: str) -> None:
    with pytest.raises(InterruptExecution, match=message):
        controls.before_experiment_control(changed(change), {"namespace": "enhancer"})
    assert session.guarded() is None


def test_what_may_be_called_is_there() -> None:
    for func in [*activity_fitness.OWN_ACTIVITIES, activity_fitness.READING]:
        assert func in activities.__all__
    assert {*activity_fitness.OWN_ACTIVITIES, activity_fitness.READING} == set(activities.__all__)


@pytest.mark.parametrize("name", sorted(activity_fitness.FOREIGN_MODULES))
def test_whatever_may_be_called_of_others_takes_a_namespace_or_fails_when_told_one(name: str) -> None:
    module = import_module(name)
    assert module.__all__
    for func in module.__all__:
        parameters = inspect.signature(getattr(module, func)).parameters
        anything = [one for one in parameters.values() if one.kind is inspect.Parameter.VAR_KEYWORD]
        assert "ns" in parameters or not anything, func
    assert any("ns" in inspect.signature(getattr(module, func)).parameters for func in module.__all__)


def test_a_drills_experiment_strikes_the_drills_namespace(tmp_path: Path) -> None:
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(changed(lambda e: e["configuration"].update(namespace="production"))))
    with pytest.raises(UsageError, match="'namespace' is 'production', whatever system is under drill"):
        read_experiment(path)


def test_what_it_asks_of_the_environment_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(changed(lambda e: e["configuration"].update(x={"type": "env", "key": "WANTED"}))))
    monkeypatch.delenv("WANTED", raising=False)
    with pytest.raises(UsageError, match="needs the environment variable WANTED, which is not set"):
        read_experiment(path)
    monkeypatch.setenv("WANTED", "1")
    read_experiment(path)


def test_the_time_that_its_activities_ask_for_is_given(tmp_path: Path) -> None:
    assert read_experiment(EXPERIMENTS / "workflows-stuck.yaml").longest_s == 90
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(changed(insert(KILL, pauses={"before": 2, "after": 0.5}))))
    assert read_experiment(path).longest_s == 32.5


@pytest.mark.parametrize(
    ("tolerance", "good", "bad"),
    [
        (True, True, False),
        ("ready", "ready", "gone"),
        ([1, 3], 2, 4),
        ({"type": "range", "range": [1, 3]}, 2, 4),
        ({"type": "range", "range": [1, 3]}, 2, None),
        ({"type": "regex", "pattern": "^a"}, "ab", "ba"),
        ({"type": "regex", "pattern": "^a"}, "ab", 3),
        ([1, 3], 2, "two"),
    ],
)
def test_a_probe_in_the_method_must_be_within_its_tolerance(tolerance: Any, good: Any, bad: Any) -> None:
    context = {**probe(KILL), "tolerance": tolerance}
    controls.after_activity_control(context, {"status": "succeeded", "output": good}, {})
    with pytest.raises(InterruptExecution, match=r"probe 'own' answered .* which is not within its tolerance"):
        controls.after_activity_control(context, {"status": "succeeded", "output": bad}, {})
