"""`muster ready` as a person and a program meet it: what it prints, how wide, how it exits, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.diagnosis.building import crashed, pod
from tests.diagnosis.saved import save

from muster.base.clock import utc_iso
from muster.base.errors import MusterError
from muster.base.waiting import wait_for
from muster.cli.main import commands
from muster.history import History, RunFacts
from muster.kube import Cluster
from muster.schemas import DIRECTORY
from muster.snapshot import Snapshot
from muster.system import read_system
from muster.system.version import of_cluster
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import RtoEntry, VersionEntry

from .standing import ANSWERS, PLAN, READY, RUNS, lacking, looked

ILL = looked(pod(crashed(), name="web-1-c"))
LONG = "a-deployment-with-a-name-that-is-longer-than-anybody-would-want-to-read-in-one-line-of-a-terminal"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with a plan, and a record of its one drill, that was met of late; nobody's kubeconfig."""
    monkeypatch.chdir(tmp_path)
    for name in ("MUSTER_KUBE_CONTEXT", "MUSTER_HISTORY", "MUSTER_BACKUP_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "plan.json").write_text(json.dumps({"drills": [asdict(one) for one in PLAN.values()]}))
    record(tmp_path, "cluster", RUNS.to_json())
    yield tmp_path


def record(root: Path, evidence: str, version: dict[str, Any], **run: str) -> None:
    facts = {"system": "shop", "cluster": "staging", "muster_version": "1", **run}
    with History.open("reports/history.sqlite", root, create=True) as history:
        drill = DrillVerdict(
            name="pod_crash",
            severity="P2",
            cadence="monthly",
            verdict=Verdict("met"),
            rto=RtoEntry(value_s=2.1, low_s=2.0, high_s=2.2, budget_s=30.0),
            version=VersionEntry.model_validate(version),
        )
        history.record(RunFacts(f"run-{evidence}", utc_iso(), evidence=evidence, **facts), drill)


def ready(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["ready", *arguments])


def of(snapshot: Snapshot, directory: Path, *arguments: str) -> Result:
    fresh = replace(snapshot, taken=utc_iso())
    tried = {**ANSWERS["backups"], "tried": {**ANSWERS["backups"]["tried"], "at": utc_iso()}}
    fresh = replace(fresh, answers={**fresh.answers, "backups": tried})
    return ready("--from", save(fresh, directory), "--plan", "plan.json", *arguments)


@pytest.mark.parametrize(
    ("snapshot", "answer", "code"),
    [(READY, "ready", 0), (ILL, "not ready", 1), (lacking("room"), "unknown", 2)],
    ids=["ready", "not ready", "unknown"],
)
def test_the_exit_code_is_the_answer_and_the_schema_holds(
    snapshot: Snapshot, answer: str, code: int, tmp_path: Path
) -> None:
    plain, told = of(snapshot, tmp_path), of(snapshot, tmp_path, "--json")
    assert (plain.exit_code, told.exit_code) == (code, code), plain.output
    assert plain.output.splitlines()[-1].startswith(answer)
    content = json.loads(told.output)
    Draft202012Validator(json.loads((DIRECTORY / "readiness-v1.json").read_text())).validate(content)
    assert (content["answer"], bool(content["reasons"])) == (answer, code != 0)
    assert content["version"] == RUNS.to_json()


@pytest.mark.parametrize("verbose", [(), ("--verbose",)])
def test_it_fits_80_columns_and_names_what_is_wrong(verbose: tuple[str, ...], tmp_path: Path) -> None:
    wide = replace(
        ILL, context=LONG, answers={**ILL.answers, "channels": {"state": "failed", "seen": LONG, "mend": LONG}}
    )
    output = of(wide, tmp_path, *verbose).output
    commands_and_words = [line for line in output.splitlines() if LONG not in line]
    assert max(map(len, commands_and_words)) <= 80
    assert "✗ workloads and capacity" in output
    assert "Deployment web" in output
    assert ("✓ rights" in output) == bool(verbose)


def test_drills_that_lack_the_same_are_told_once(project: Path) -> None:
    names = ("a_drill", "another_drill")
    (project / "plan.json").write_text(json.dumps({"drills": [{"name": name} for name in names]}))
    lines = of(READY, project).output.splitlines()
    assert "  ✗ was never held on a cluster: a_drill, another_drill" in lines
    assert "    -> muster run drills" in lines


def manifests(directory: Path, image: str, namespace: str = "shop") -> Path:
    """A system.yaml with the manifests of a shop; returns the directory of these."""
    (directory / "systems/shop/manifests").mkdir(parents=True, exist_ok=True)
    said = {"schema": "muster/system/v1", "name": "shop", "namespace": namespace}
    said |= {"service": {"name": "web", "port": 80, "url": "http://127.0.0.1:1"}, "read": {"request": {"path": "/"}}}
    (directory / "systems/shop/system.yaml").write_text(yaml.safe_dump(said))
    container = {"name": "main", "image": image, "command": ["sleep", "600"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec},
        },
    }
    service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    items = [deployment, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service}]
    path = directory / "systems/shop/manifests"
    (path / "shop.yaml").write_text(yaml.safe_dump_all(items))
    return path


def test_a_release_is_an_image_or_a_directory_and_evidence_must_be_of_it(project: Path) -> None:
    directory = manifests(project, "shop:2")
    new = "shop@sha256:" + "b" * 64
    by_image = of(READY, project, "--release", new)
    assert by_image.exit_code == 1
    assert "of another version: Deployment/web/main ran shop:1" in " ".join(by_image.output.split())
    by_directory = of(READY, project, "--release", str(directory), "--json")
    content = json.loads(by_directory.output)
    assert [one["image"] for one in content["version"]["images"]] == ["shop:2"]
    assert content["version"]["id"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "missing.json"), "snapshot missing.json cannot be read"),
        (("--from", "plan.json"), "plan.json is no snapshot"),
        (("--from", "SAVED", "--plan", "none.json"), "the plan none.json cannot be read"),
        (("--from", "SAVED", "--history", "gone/history.sqlite"), "no history at"),
        (("--from", "SAVED", "--kube-context", "x"), "--from looks at a file"),
        (("--from", "SAVED", "--save", "x"), "--from looks at a file"),
        (("--from", "SAVED", "--release", "./nothing"), "is no directory of manifests, and no image"),
        (("--from", "SAVED", "--release", "other:1"), "nothing of shop runs from image other (there are: shop:1)"),
        (("--system", "nowhere"), "nowhere"),
        ((), "no cluster is up"),
    ],
)
def test_wrong_use_is_one_sentence(project: Path, arguments: tuple[str, ...], message: str) -> None:
    manifests(project, "shop:1")
    saved = save(READY, project)
    said = ready(*(saved if one == "SAVED" else one for one in arguments))
    assert isinstance(said.exception, MusterError), said.output
    assert message in str(said.exception)
    assert "\n" not in str(said.exception)


def test_on_a_cluster_what_runs_is_looked_at_kept_and_judged_again_from_the_file(
    cluster: Cluster, namespace: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = manifests(project, "busybox", namespace)
    system = read_system(project / "systems/shop")
    for item in yaml.safe_load_all((directory / "shop.yaml").read_text()):
        cluster.create(item, namespace)
    wait_for(
        lambda: of_cluster(cluster, system).id is not None,
        within=30,
        reason="a pod that tells what it runs",
        latest=lambda: str(of_cluster(cluster, system).unknown),
    )
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    runs = of_cluster(cluster, system)
    record(project, "cluster", runs.to_json(), cluster=cluster.context)
    said = ready("--kube-context", cluster.context, "--plan", "plan.json", "--save", "kept.json", "--json")
    content = json.loads(said.output)
    assert content["version"] == runs.to_json()
    states = {one["name"]: one["state"] for category in content["categories"] for one in category["checks"]}
    for name in ("cluster", "seen", "rights", "known", "images", "revisions", "traffic", "under-way", "pod_crash"):
        assert states[name] == "fine", (name, content["reasons"])
    assert (states["room"], states["quota"], states["replication"]) == ("fine", "not applicable", "not applicable")
    assert states["service"] == "finding"  # a shop that sleeps sells nothing
    assert said.exit_code == 1
    again = json.loads(ready("--from", "kept.json", "--plan", "plan.json", "--json").output)
    assert (again["reasons"], again["version"]) == (content["reasons"], content["version"])
