"""The checks of the reference loads can fail: neither an empty list nor one that was stripped passes."""

from __future__ import annotations

import importlib.util
import sys
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / "loadtests" / "_workflows.py"


class Answer:
    """What a check has in its hands, and what it said of it."""

    def __init__(self, js: Any) -> None:
        self.js = js
        self.said: list[tuple[str, str]] = []

    def acknowledged(self, identity: str) -> None:
        self.said.append(("acknowledged", identity))

    def lost(self, identity: str, *_: str) -> None:
        self.said.append(("lost", identity))

    def altered(self, identity: str, *_: str) -> None:
        self.said.append(("altered", identity))


@pytest.fixture(scope="module")
def workflows() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_workflows", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["_workflows"] = module  # where a dataclass looks for its annotations
    spec.loader.exec_module(module)
    return module


def shown(number: int) -> dict[str, Any]:
    created = f"2020-01-01T00:00:{number:02}+00:00"
    return {"id": f"w-{number}", "title": f"workflow {number}", "payload": {"text": "x" * number}, "created": created}


@pytest.fixture
def known(workflows: ModuleType) -> Any:
    """Workflows 1 to 30, newest last."""
    known = workflows.Known()
    for number in range(1, 31):
        known.take(shown(number), Answer(shown(number)))
    return known


def said(workflows: ModuleType, known: Any, listed: list[Any], must_hold: int | None = 30) -> list[tuple[str, str]]:
    answer = Answer({"workflows": listed})
    workflows.check_list(answer, known, known.get(f"w-{must_hold}") if must_hold else None)
    return answer.said


NEWEST = [shown(number) for number in range(30, 10, -1)]


def test_the_newest_pass(workflows: ModuleType, known: Any) -> None:
    assert said(workflows, known, NEWEST) == []
    assert said(workflows, known, NEWEST, must_hold=5) == [], "there are enough newer ones"
    assert said(workflows, known, [], must_hold=None) == [], "nobody knows of any"


def test_a_list_without_what_must_be_there_does_not(workflows: ModuleType, known: Any) -> None:
    assert said(workflows, known, []) == [("lost", "w-30")]
    assert said(workflows, known, NEWEST[1:]) == [("lost", "w-30")]
    assert said(workflows, known, NEWEST[:5], must_hold=5) == [("lost", "w-5")]
    older = [shown(number) for number in range(20, 0, -1)]
    assert said(workflows, known, older) == [("lost", "w-30")], "twenty, but older ones"


def test_a_list_of_altered_ones_does_not(workflows: ModuleType, known: Any) -> None:
    for change in ({"payload": None}, {"payload": {}}, {"title": "another"}):
        listed = deepcopy(NEWEST)
        listed[3].update(change)
        assert said(workflows, known, listed) == [("altered", "w-27")]


@pytest.mark.parametrize(
    "listed",
    [list(reversed(NEWEST)), [*NEWEST, shown(10)], [{**NEWEST[0], "title": ""}, *NEWEST[1:]], [{"id": "w-30"}]],
)
def test_a_list_in_another_order_or_too_long_or_of_no_workflows_does_not(
    listed: list[Any], workflows: ModuleType, known: Any
) -> None:
    with pytest.raises((AssertionError, LookupError)):
        said(workflows, known, listed)


@pytest.mark.parametrize("change", [{"id": "other"}, {"payload": None}, {"title": ""}])
def test_a_creation_that_is_answered_otherwise_promises_nothing(change: dict[str, Any], workflows: ModuleType) -> None:
    known, answer = workflows.Known(), Answer({**shown(1), **change})
    with pytest.raises(AssertionError):
        known.take(shown(1), answer)
    assert answer.said == []
    assert not known


def test_the_oldest_are_forgotten(workflows: ModuleType) -> None:
    known = workflows.Known()
    for number in range(workflows.REMEMBERED + 1):
        made = {**shown(1), "id": f"w-{number}"}
        known.take(made, Answer(made))
    assert (known.get("w-0"), len(known)) == (None, workflows.REMEMBERED)
    assert known.get("w-1")
