"""`muster monitor` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from muster.schemas import DIRECTORY

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

MUSTER = str(Path(sys.executable).parent / "muster")


def muster(project: DrillProject, *words: str, code: int, **environment: str) -> str:
    done = subprocess.run(
        [MUSTER, "monitor", *words],
        cwd=project.root,
        env=project.environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--every", "0.1"), "'--every 0.1' is no time between two looks; right would be 1 to 3600 seconds"),
        (("--listen", "9464"), "'--listen 9464' is no place to listen at"),
        (("--listen", "127.0.0.1:99999"), "is no place to listen at"),
        (("--alertmanager", "alertmanager:9093"), "--alertmanager: right would be what stands before '/api'"),
        (("--once", "--within", "99"), "'--within 99' is no time for a diagnosis"),
        (("--once",), "no cluster is up"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(drill_project: DrillProject, words: tuple[str, ...], why: str) -> None:
    said = muster(drill_project, *words, code=64)
    assert why in said
    assert said.count("\n") == 1
    assert not (drill_project.root / "reports").exists()


def test_a_plan_says_whom_it_would_tell_and_does_nothing(drill_project: DrillProject) -> None:
    channels = {"MUSTER_NOTICES_OPS": "json://127.0.0.1:9"}
    said = muster(drill_project, "--plan", code=0, ENHANCER_ALERTMANAGER="http://127.0.0.1:9093", **channels)
    assert "would look at enhancer (namespace enhancer) on embedded every 15 s" in said
    assert "would tell the Alertmanager at http://127.0.0.1:9093,\nand people by ops;" in said
    assert max(map(len, said.splitlines())) <= 80
    assert not (drill_project.root / "reports").exists()


def test_a_cluster_that_does_not_answer_is_looked_at_and_remembered(drill_project: DrillProject) -> None:
    kubeconfig = drill_project.write(
        ".kube/config",
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "away", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "me", "user": {}}],
                "contexts": [{"name": "away", "context": {"cluster": "away", "user": "me"}}],
            }
        ),
    )
    typed = ("--once", "--kube-context", "away", "--within", "3", "--json")
    rounds = [json.loads(muster(drill_project, *typed, code=1, KUBECONFIG=str(kubeconfig))) for _ in range(2)]
    schema = Draft202012Validator(json.loads((DIRECTORY / "monitor-v1.json").read_text()))
    for one in rounds:
        schema.validate(one)
    assert [[change["what"] for change in one["changes"]] for one in rounds] == [[], ["raised"]]
    assert rounds[1]["alerts"][0]["title"] == "the cluster does not answer"
    assert rounds[1]["told"][0].startswith("incident ")
