"""What machines read is as its JSON Schema says, and the schemas are those of the models."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.told import HEAD, STORIES

from muster.safety.audit import AuditLog
from muster.schemas import DIRECTORY
from muster.schemas.events import EVENTS
from muster.schemas.generate import as_text, schemas
from muster.system import read_system
from muster.verdict.testing import DrillStory

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

ROOT = Path(__file__).resolve().parents[2]
# What muster keeps in the cluster, or between its own processes, and nobody else reads.
ITS_OWN = {"fault-record", "procedure-record", "struck", "known-good"}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((DIRECTORY / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def troubles(name: str, contents: Iterable[Any]) -> list[str]:
    checks = validator(name)
    return [
        f"{error.json_path}: {error.message[:200]}" for content in contents for error in checks.iter_errors(content)
    ]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_is_that_of_its_model(name: str) -> None:
    assert (DIRECTORY / name).read_text() == as_text(schemas()[name]), "write it again: python -m muster.schemas"


def test_no_schema_is_left_of_a_file_that_there_is_not() -> None:
    assert {path.name for path in DIRECTORY.glob("*.json")} == schemas().keys()


def test_every_kind_of_file_that_names_a_schema_has_one() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src/muster").rglob("*.py"))
    named = set(re.findall(r'"muster/([a-z-]+)/v1"', source)) - ITS_OWN
    there = {name.removesuffix("-v1.json").removesuffix("-event") for name in schemas()}
    assert named <= there
    assert {"summary", "timeline", "system", "manifest", "plan", "history"} <= named


def test_every_kind_of_event_that_the_docs_name_is_known() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    told = set(re.findall(r"^\| `([a-z.]+)` \|", page.partition("## The timeline")[2], re.MULTILINE))
    assert EVENTS.keys() <= told


def test_a_told_timeline_is_one() -> None:
    events = [json.loads(json.dumps(event)) for event in DrillStory().events()]
    assert {"declared", "request", "write", "fault.effect", "recovery.step"} <= {event["kind"] for event in events}
    assert troubles("timeline-event-v1.json", events) == []


@pytest.mark.parametrize(
    ("event", "at"),
    [
        ({"kind": "good", "ok": True}, "$"),
        ({"t": "now", "kind": "good", "ok": True}, "$.t"),
        ({"t": 1.0, "kind": "good", "ok": "yes"}, "$.ok"),
        ({"t": 1.0, "kind": "readback", "id": "a", "found": "somewhere"}, "$.found"),
    ],
)
def test_a_damaged_event_is_none(event: dict[str, Any], at: str) -> None:
    assert any(line.startswith(f"{at}:") for line in troubles("timeline-event-v1.json", [event]))


def test_a_kind_that_is_not_known_yet_passes() -> None:
    assert troubles("timeline-event-v1.json", [{"t": 1.0, "kind": "new", "anything": 1}]) == []


def test_the_files_of_a_run_are_as_their_schemas_say(drill_project: DrillProject) -> None:
    for path in (drill_project.root / "drills").glob("test_*.py"):
        path.unlink()
    drill_project.write("conftest.py", STORIES)
    drill_project.write(
        "drills/test_told.py", HEAD + "\n@marked(cadence='monthly')\ndef test_other(drill):\n    pass\n"
    )
    assert drill_project.pytest("drills", "--drill-plan=plan.json", "-q").code == 0
    session = drill_project.pytest("drills", "-k", "test_met")
    assert session.code == 0, session.output
    latest = drill_project.root / "reports/latest"
    for name, file in (("summary-v1.json", "summary.json"), ("manifest-v1.json", "manifest.json")):
        assert troubles(name, [json.loads((latest / file).read_text())]) == []
    plan, history = (json.loads(muster(drill_project, *said)) for said in (("plan", "--json"), ("history", "--json")))
    written = json.loads((drill_project.root / "plan.json").read_text())
    assert [len(drills) for drills in (plan["drills"], written["drills"])] == [2, 2]
    assert troubles("plan-v1.json", [plan, written]) == []
    assert history["drills"][0]["runs"]
    assert troubles("history-v1.json", [history]) == []


def muster(project: DrillProject, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("muster")), *arguments]
    done = subprocess.run(
        command, cwd=project.root, env=project.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_line_of_the_audit_log_is_one(tmp_path: Path) -> None:
    AuditLog(tmp_path / "audit.jsonl").record("strike", target="embedded/shop", outcome="begun", activity="kill")
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert troubles("audit-line-v1.json", map(json.loads, lines)) == []


ONLY_READ: dict[str, Any] = {
    "schema": "muster/system/v1",
    "name": "shop",
    "namespace": "shop",
    "service": {"name": "shop", "port": 80},
    "read": {"request": {"path": "/"}},
}
LEDGER = {
    "create": {"method": "POST", "path": "/a", "body": {"id": "{id}", "text": "{content}"}},
    "read": {"path": "/a/{id}"},
    "content": "text",
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"ledger": "none"},
        {"ledger": None},
        {"ledger": LEDGER},
        {"ledger": {"python": "shop.ledger:Ledger"}},
        {"headers": {"X-Tenant": "a", "Authorization": {"env": "TOKEN", "prefix": "Bearer "}}},
        {"severities": {"P1": {"rto_s": 60, "rpo_s": 0.5}}},
    ],
)
def test_what_muster_reads_as_a_system_is_one_by_its_schema(tmp_path: Path, more: dict[str, Any]) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "system.yaml").write_text(yaml.safe_dump(ONLY_READ | more))
    read_system(tmp_path)
    assert troubles("system-v1.json", [ONLY_READ | more]) == []


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"ledger": "nothing"}, "$.ledger"),
        ({"schema": "v0"}, "$.schema"),
        ({"servise": 1}, "$"),
        ({"name": "A b"}, "$.name"),
    ],
)
def test_what_muster_refuses_as_a_system_is_none(wrong: dict[str, Any], at: str) -> None:
    assert any(line.startswith(f"{at}:") for line in troubles("system-v1.json", [ONLY_READ | wrong]))


def test_the_reference_system_is_one() -> None:
    content = yaml.safe_load((ROOT / "systems/enhancer/system.yaml").read_text())
    assert troubles("system-v1.json", [content]) == []
