"""Which version of the system a drill was held against is kept; what was held before is of an unknown one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from muster.cli.history import history as history_command
from muster.history import History
from muster.history.query import Filters
from muster.store.database import open_engine, read_url
from muster.store.migrate import migrate
from muster.system.version import ContainerImage, SystemVersion, version_from_json
from muster.verdict import judge
from muster.verdict.entry import VersionEntry
from muster.verdict.testing import EPOCH, DrillStory

from .history_support import run_of, told

ALL = Filters()
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def version(digest: str) -> SystemVersion:
    return SystemVersion("shop", (ContainerImage("Deployment/shop", "shop", "shop:1", digest),), {"system.yaml": A})


def entry(digest: str) -> VersionEntry:
    return VersionEntry.model_validate(version(digest).to_json())


def opened(file: Path, **more: Any) -> History:
    return History.open(str(file), Path("/nowhere"), **more)


def test_a_version_is_kept_once_and_named_by_each_drill_of_it(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    with opened(file, create=True) as history:
        for number, kept in enumerate((entry(A), entry(A), entry(B), None)):
            history.record(run_of(number), told(version=kept))
        drills = history.drills(ALL)
        found = history.versions(drills)
        assert history.versions(drills[3:]) == {}
    assert [drill.version for drill in drills] == [version(A).key, version(A).key, version(B).key, None]
    assert {key: version_from_json(content) for key, content in found.items()} == {
        one.key: one for one in (version(A), version(B))
    }
    with sqlite3.connect(file) as connection:
        assert connection.execute("select count(*) from muster_versions").fetchone() == (2,)


def test_what_an_older_muster_kept_is_of_an_unknown_version(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    with open_engine(read_url(str(file), Path("/"))).execution_options(immediate=True).begin() as connection:
        migrate(connection, goal="0006")
    with sqlite3.connect(file) as connection:
        connection.execute(
            "insert into muster_runs values"
            " ('run-0', '2026-01-01', null, 'shop', 'embedded', 'rehearsal', '0.1', null, 1, 'met', '')"
        )
        connection.execute(
            "insert into muster_drills (run_id, nodeid, at, name, verdict, why)"
            " values ('run-0', 'n', '2026-01-01T00:00:00.000Z', 'pod_crash', 'met', '')"
        )
    with opened(file) as history:
        history.record(run_of(1), told(version=entry(A)))
        old, new = history.drills(ALL)
    assert (old.name, old.version, new.version) == ("pod_crash", None, version(A).key)


def test_machines_are_told_each_version_by_its_key(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    with opened(file, create=True) as history:
        history.record(run_of(1), told(version=entry(A)))
        history.record(run_of(2), told())
    result = CliRunner().invoke(history_command, ["--json", "--history", str(file)])
    assert result.exit_code == 0, result.output
    content = json.loads(result.output)
    runs = content["drills"][0]["runs"]
    assert [run["version"] for run in runs] == [version(A).key, None]
    assert content["versions"] == {version(A).key: version(A).to_json()}


def judged(**event: Any) -> Any:
    events = DrillStory().events()
    events.insert(2, {"t": EPOCH + 3.9, "kind": "version", **event})
    return judge(events)


def test_a_drill_is_of_the_version_that_was_there_before_it_struck() -> None:
    found = judged(version=version(A).to_json(), why="")
    assert (found.verdict, found.version) == ("met", entry(A))
    assert found.version.key == version(A).key
    assert judged(version=None, why="the cluster does not answer").version is None
    assert judged(version=None, why="the cluster does not answer").verdict == "met"


def test_what_is_no_version_makes_a_timeline_one_that_cannot_be_judged() -> None:
    assert judged(version={"system": 3}, why="").verdict == "unknown"


def test_a_version_that_is_seen_after_the_strike_is_none_of_the_drill() -> None:
    events = DrillStory().events()
    events.append({"t": EPOCH + 7.0, "kind": "version", "version": version(A).to_json(), "why": ""})
    assert judge(sorted(events, key=lambda event: event["t"])).version is None


def test_the_key_of_what_was_read_is_that_of_what_was_written() -> None:
    unknown = SystemVersion("shop", (ContainerImage("Deployment/shop", "shop", "shop:1", None, "no pod runs it"),))
    for one in (version(A), unknown):
        assert VersionEntry.model_validate(json.loads(json.dumps(one.to_json()))).key == one.key
