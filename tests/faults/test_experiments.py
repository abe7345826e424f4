"""An experiment that lacks what keeps a fault harmless is not run; the message says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from muster.base.errors import UsageError
from muster.faults import find_experiment, read_experiment

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_shipped_is_fit_to_be_run(path: Path) -> None:
    assert find_experiment(EXPERIMENTS, path.stem).path == path


def test_an_unknown_experiment_is_answered_with_those_there_are() -> None:
    expected = r"experiment 'flood' not found in experiments/ \(there are: .*db-failure.*pod-crash.*\)"
    with pytest.raises(UsageError, match=expected):
        find_experiment(EXPERIMENTS, "flood")


def test_a_file_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("title: x\nmethod: [\n")
    with pytest.raises(UsageError, match=r"odd\.yaml, line 3: not YAML"):
        read_experiment(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.pop("title"), "begins with a title and a description"),
        (lambda e: e.pop("controls"), "it is not guarded"),
        (lambda e: e["controls"][0]["provider"].update(module="muster.faults.contrls"), "it is not guarded"),
        (lambda e: e.pop("runtime"), "rollbacks would be left out after a failure"),
        (lambda e: e["runtime"]["rollbacks"].update(strategy="default"), "rollbacks would be left out"),
        (lambda e: e.pop("rollbacks"), "it does not undo its fault"),
        (lambda e: e["configuration"].pop("namespace"), "whom it strikes"),
        (lambda e: e["method"].pop(), "must end with holding the fault"),
        (lambda e: e.pop("extensions"), "it declares no effect"),
        (lambda e: e["extensions"][0].update(experiment="other"), "names it 'other', its file 'pod-crash'"),
        (lambda e: e["extensions"][0].pop("effect"), "'effect' is wrong"),
        (lambda e: e["extensions"][0].update(effect={"kind": "earthquake"}), "'effect' is wrong: .*earthquake"),
        (lambda e: e["extensions"][0]["effect"].update(of=[]), r"'effect\.all\.of' is wrong"),
        (lambda e: e["controls"][0].update(scope="after"), r"'controls\.0\.scope' is wrong"),
        (lambda e: e["controls"][0]["provider"].pop("type"), "it is not guarded"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, change: Change, message: str) -> None:
    content = yaml.safe_load((EXPERIMENTS / "pod-crash.yaml").read_text())
    change(content)
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match=message):
        read_experiment(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.update(title=3), "'title' is wrong: .* not 3"),
        (lambda e: e.update(controls=3), "'controls' is wrong: .* not 3"),
        (lambda e: e.update(controls=[3]), r"'controls\.0' is wrong: .* not 3"),
        (lambda e: e.update(rollbacks=3), "'rollbacks' is wrong: .* not 3"),
        (lambda e: e.update(rollbacks=None), "'rollbacks' is wrong: .* not None"),
        (lambda e: e.update(extensions=3), "'extensions' is wrong: .* not 3"),
        (lambda e: e.update(extensions=["muster"]), r"'extensions\.0' is wrong"),
        (lambda e: e.update(method={"a": 1}), "'method' is wrong: .*'a': 1"),
        (lambda e: e.update(method=["kill"]), r"'method\.0' is wrong: .* not 'kill'"),
        (lambda e: e["method"][0].update(provider="python"), r"'method\.0\.provider' is wrong"),
        (lambda e: e["method"][0]["provider"].update(func=["x"]), r"'method\.0\.provider\.func' is wrong"),
        (lambda e: e["method"][2]["provider"].update(arguments=3), "says no namespace"),
        (lambda e: e.update(configuration=["namespace"]), "'configuration' is wrong"),
        (lambda e: e.update(runtime="always"), "'runtime' is wrong"),
        (lambda e: e["runtime"].update(rollbacks="always"), r"'runtime\.rollbacks' is wrong"),
    ],
)
def test_what_is_of_a_wrong_type_is_said_in_one_sentence(tmp_path: Path, change: Change, message: str) -> None:
    content = yaml.safe_load((EXPERIMENTS / "pod-crash.yaml").read_text())
    change(content)
    path = tmp_path / "pod-crash.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match=message) as caught:
        read_experiment(path)
    assert str(caught.value).startswith(f"experiment {path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"title: caf\xe9\n", "not UTF-8: .* at byte 10"),
        (b"title: \x07\n", "not YAML: .*special characters"),
        (b"title: 2020-13-01\n", "cannot be understood: month must be in"),
        (b"[" * 20_000, "cannot be understood"),
        (b"- title\n", "begins with a title"),
        (b"", "begins with a title"),
        (b"3: 4\ntitle: x\ndescription: y\n", "'3' is wrong: .* not 3"),
    ],
)
def test_a_file_of_something_else_is_said_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_experiment(path)
    assert "\n" not in str(caught.value)
