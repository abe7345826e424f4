"""An incident from its opening to its review, by the commands that people type."""

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
SNAPSHOT = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "api", "namespace": "enhancer", "creationTimestamp": "2026-03-01T00:00:00Z"},
            "spec": {"selector": {"app": "api"}, "ports": [{"port": 80}], "type": "LoadBalancer"},
        }
    ],
}


@pytest.fixture
def typed(drill_project: DrillProject) -> object:
    def muster(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [MUSTER, *words],
            cwd=drill_project.root,
            env=drill_project.environment(USER="kim"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return muster


def check(schema: str, content: object) -> None:
    Draft202012Validator(json.loads((DIRECTORY / f"{schema}.json").read_text())).validate(content)


def test_from_what_is_found_to_the_review_without_a_word_typed_twice(
    drill_project: DrillProject, typed: object
) -> None:
    assert callable(typed)
    assert typed("incident", "list") == "no incident is open\n"
    kept = drill_project.root / "night.json"
    kept.write_text(json.dumps(SNAPSHOT))
    said = typed("incident", "open", "--from", str(kept), "--began", "10m")
    assert "P1: Service/api: " in said
    identity = said.split()[1]
    assert f"{identity}  P1  open: Service/api" in typed("incident", "list", code=1)
    assert "ask the commander: nobody has taken it up" not in typed("incident", "list", code=1), "not yet"
    assert typed("incident", "ack") == f"{identity} acknowledged\n"
    assert "was acknowledged at" in typed("incident", "ack")
    typed("incident", "note", "latest", "looked at the selector")
    typed("incident", "assign", "latest", "commander", "Sam", "Jones")
    assert "within its RTO" in typed("incident", "resolve", "latest", "selector", "put", "back")
    check("incidents-v1", json.loads(typed("incident", "list", "--all", "--json")))
    shown = json.loads(typed("incident", "show", "--json"))
    check("incident-v1", shown)
    assert (shown["state"], shown["commander"], shown["cause"]) == ("resolved", "Sam Jones", "Service/api")
    text = typed("incident", "review")
    assert "- Service/api: " in text
    assert "looked at the selector" in text
    figures = json.loads(typed("indicators", "--json", code=1))
    check("indicators-v1", figures)
    assert {one["name"]: one["verdict"] for one in figures["indicators"]}["MTTA"] == "met"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("incident", "ack", "x"), "no history at "),
        (("incident", "open", "it hurts"), "how severe is it? right would be --severity P1, P2, P3 or P4"),
        (("incident", "open", "x", "--severity", "P9"), "'P9' is not one of"),
        (("incident", "open", "x", "--severity", "P2", "--began", "yesterday"), "'yesterday' is no time"),
        (
            ("incident", "open", "x", "--severity", "P2", "--began", "2999-01-01"),
            "it cannot have begun at 2999-01-01T00",
        ),
        (("indicators", "--since", "1h", "--until", "2h"), "--since 1h is not before 2h"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_what_cannot_be_is_one_sentence(typed: object, words: tuple[str, ...], sentence: str) -> None:
    assert callable(typed)
    said = typed(*words, code=64)
    assert sentence in said
    assert "Traceback" not in said


def test_a_system_that_cannot_be_looked_at_is_not_called_well(drill_project: DrillProject, typed: object) -> None:
    assert callable(typed)
    dead = {"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}], "users": [{"name": "u"}]}
    dead |= {"contexts": [{"name": "dead", "context": {"cluster": "c", "user": "u"}}], "current-context": "dead"}
    (drill_project.root / "kubeconfig").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **dead}))
    said = typed("incident", "open", "--kube-context", "dead", code=64)
    assert "nothing is found to be wrong" not in said
    assert "say what is: muster incident open TITLE --severity P2" in said


def test_a_store_that_is_none_or_somebody_elses_is_not_read_as_all_well(
    drill_project: DrillProject, typed: object
) -> None:
    assert callable(typed)
    assert "no history at" in typed("incident", "list", "--history", "typo/none.sqlite", code=64)
    (drill_project.root / "other.sqlite").touch()
    for command in (("incident", "list"), ("notify", "list"), ("notify", "flush")):
        assert "no history at" in typed(*command, "--history", "other.sqlite", code=64)
    assert "keeps nothing to work on" in typed(
        "incident", "open", "x", "--severity", "p2", "--history", "none", code=64
    )
    assert not (drill_project.root / "none").exists()


def test_a_review_that_cannot_be_written_is_one_sentence(typed: object) -> None:
    assert callable(typed)
    typed("incident", "open", "orders hang", "--severity", "p2")
    assert "cannot be written" in typed("incident", "review", "--out", "missing/review.md", code=64)
    assert "cannot be written" in typed("incident", "review", "--out", ".", code=64)


def test_who_opens_one_sees_those_that_are_open_and_no_line_is_wider_than_a_terminal(typed: object) -> None:
    assert callable(typed)
    typed("incident", "open", "orders hang", "--severity", "P1", "--began", "3h")
    assert "  open besides: " in typed("incident", "open", "nobody can pay", "--severity", "P2")
    for command, code in ((("incident", "list"), 1), (("indicators",), 1)):
        assert max(map(len, typed(*command, code=code).splitlines())) <= 80, command
