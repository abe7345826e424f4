"""A command of one's own as a procedure: run within its limit, told line by line, checked, and ended as a whole."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any, cast

import pytest
from tests.faults.stranger import stranger

from muster.base.errors import UsageError
from muster.base.process import processes_of_run, run_id
from muster.base.timeline import Timeline, read_timeline
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery import find_procedure, procedures
from muster.recovery.command import name_of, of_marker
from muster.safety import AuditLog
from muster.steps import Context, Outcome, run
from muster.system import SystemDefinition, read_system


class Records:
    """A cluster that keeps records and Leases of procedures, and nothing else."""

    embedded, context = True, "test"

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig, self._objects = kubeconfig, dict[tuple[str, str], Any]()

    def unobserved(self) -> Records:
        return self

    def list(self, kind: str, *_: Any, **__: Any) -> list[Any]:
        return [one for (of, _name), one in self._objects.items() if of == kind]

    def find(self, kind: str, name: str, _namespace: str) -> Any:
        return self._objects.get((kind, name))

    def get(self, kind: str, name: str, _namespace: str) -> Any:
        return self._objects[kind, name]

    def create(self, body: Any, _namespace: str) -> Any:
        self._objects[body["kind"], body["metadata"]["name"]] = body
        return body

    replace = create

    def patch(self, *_: Any, **__: Any) -> None:
        """Take it for done, as renewing a Lease is."""

    def delete(self, kind: str, name: str, _namespace: str, **_: Any) -> bool:
        return self._objects.pop((kind, name), None) is not None


class Bench:
    """Scripts in a directory, and what becomes of them as procedures."""

    def __init__(self, directory: Path, timeline: Timeline) -> None:
        self.directory, self.timeline = directory, timeline
        self.system = stranger(directory / "systems")

    def script(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, system: SystemDefinition | None = None, **said: Any) -> Outcome:
        told: list[str] = []
        cluster = cast("Cluster", Records(self.directory / "kubeconfig"))
        context = Context(
            cluster, system or self.system, "stranger", self.timeline, AuditLog(self.directory / "audit.jsonl"),
            url="http://127.0.0.1:9", told=told.append,
        )  # fmt: skip
        self.told = told
        return run(of_marker({"check": "test -e well", **said}, self.directory), context)

    def events(self, kind: str) -> list[Any]:
        return [event for event in read_timeline(self.timeline.path) if event["kind"] == kind]


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    with Timeline.start(tmp_path / "timeline.jsonl", run="test", drill="test") as timeline:
        yield Bench(tmp_path, timeline)


def test_its_output_is_told_line_by_line_and_what_it_changes_proves_it(bench: Bench) -> None:
    bench.script("failover.sh", 'echo "to $1"; echo careful >&2; touch well; echo done')
    outcome = bench.run(run="./failover.sh 'the other one'", changes=["StatefulSet/store"])
    assert outcome.ok, outcome.why
    assert [event["line"] for event in bench.events("recovery.output")] == ["to the other one", "careful", "done"]
    assert bench.told == ["to the other one", "careful", "done"]
    assert outcome.steps[0].detail == "it ended with 0: done"
    assert [(event["verb"], event["object"]) for event in bench.events("recovery.change")] == [
        ("patch", "StatefulSet/store")
    ]


def test_it_is_told_whom_it_works_on(bench: Bench) -> None:
    bench.script(
        "env.sh", 'echo "$KUBECONFIG $MUSTER_NAMESPACE $MUSTER_URL $MUSTER_CONTEXT $MUSTER_SYSTEM"; touch well'
    )
    assert bench.run(run=["./env.sh"]).ok
    assert bench.told == [
        f"{bench.directory / 'kubeconfig'} stranger http://127.0.0.1:9 test {bench.system.path}",
    ]


def test_where_all_is_well_nothing_is_run(bench: Bench) -> None:
    (bench.directory / "well").touch()
    bench.script("failover.sh", "touch ran")
    outcome = bench.run(run="./failover.sh")
    assert (outcome.ok, outcome.steps[0].state) == (True, "skipped")
    assert not (bench.directory / "ran").exists()


@pytest.mark.parametrize(
    ("script", "said", "why"),
    [
        ("echo no quorum; exit 3", {}, "'./failover.sh' ended with 3: no quorum"),
        ("true", {"well_within_s": 0.2}, r"it ended with 0, but .*'test -e well' ended with 1"),
        ("sleep 60", {"within_s": 0.3}, r"'./failover.sh' was ended: it ran for more than 0\.3 s"),
        ("kill -9 $$", {}, r"'./failover.sh' ended with 137"),
    ],
)
def test_what_did_not_work_fails_with_the_reason(bench: Bench, script: str, said: dict[str, Any], why: str) -> None:
    bench.script("failover.sh", script)
    outcome = bench.run(run="./failover.sh", **said)
    assert not outcome.ok
    assert re.search(why, outcome.why), outcome.why
    assert bench.events("recovery.ended")[-1]["ok"] is False


def test_what_it_leaves_running_is_ended_with_it(bench: Bench) -> None:
    bench.script("failover.sh", "sleep 1234 & touch well")
    before = set(processes_of_run(run_id()))
    assert bench.run(run="./failover.sh").ok
    wait_for(lambda: set(processes_of_run(run_id())) <= before, within=10, reason="its children to be gone")


def test_without_a_check_the_service_is_asked(bench: Bench) -> None:
    bench.script("failover.sh", "true")
    outcome = bench.run(run="./failover.sh", check=None, well_within_s=0.2)
    assert "/hello.txt: refused" in outcome.why


def test_system_yaml_names_procedures_that_are_found_by_name(tmp_path: Path) -> None:
    directory = tmp_path / "named"
    more = "procedures: {fail-over: {run: ./failover.sh, check: 'true', summary: to the other site}}\n"
    with pytest.raises(UsageError, match=r"there is no program .*failover\.sh"):
        procedures(stranger(directory, more=more))
    (directory / "failover.sh").write_text("#!/bin/sh\n")
    system = read_system(directory)
    with pytest.raises(UsageError, match=r"is not executable; right would be: chmod \+x"):
        find_procedure("fail-over", system)
    (directory / "failover.sh").chmod(0o755)
    found = find_procedure("fail-over", system)
    assert (found.name, found.summary) == ("fail-over", "to the other site")
    assert "fail-over" not in {one.name for one in procedures()}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"run": ""}, "'run' is empty"),
        ({"run": "./x.sh", "wihtin_s": 3}, "'wihtin_s': Extra inputs"),
        ({"check": "true"}, "'run': Field required"),
        ({"run": "'"}, "cannot be read: No closing quotation"),
        ({"run": "no-such-program-anywhere"}, "there is no program on the path"),
        ({"run": "true", "changes": ["web"]}, "'changes.0'"),
    ],
)
def test_a_marker_that_describes_none_is_answered(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        of_marker(said, tmp_path)
    assert "\n" not in str(caught.value)


def test_it_is_called_as_its_program_unless_it_has_a_name() -> None:
    assert name_of({"run": "./ops/failover.sh --now"}) == "failover"
    assert name_of({"run": ["kubectl", "cnpg"], "name": "promote"}) == "promote"
