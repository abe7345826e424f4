"""`muster init` writes drills that pytest collects, for systems that it has never seen, and overwrites nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.drill_project import ROOT, DrillProject
from tests.faults.stranger import MANIFESTS, stranger

from muster.base.errors import UsageError
from muster.cli.main import commands
from muster.kube import Cluster
from muster.schemas import DIRECTORY
from muster.system import read_system
from muster.system.manifests import read_manifests

# As somebody would write it: a program, its password, its database.
FOREIGN = """\
apiVersion: v1
kind: Secret
metadata: {name: notes-db}
stringData: {password: not-to-be-read}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: notes}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/name: notes}}
  template:
    metadata: {labels: {app.kubernetes.io/name: notes}}
    spec:
      containers:
        - name: notes
          image: registry.example/team/notes:2.3
          env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: notes-db, key: password}}}]
          ports: [{containerPort: 8000}]
          readinessProbe: {httpGet: {path: /v1/health, port: 8000}}
---
apiVersion: v1
kind: Service
metadata: {name: notes}
spec: {selector: {app.kubernetes.io/name: notes}, ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: notes-postgres}
spec:
  serviceName: notes-postgres
  selector: {matchLabels: {app.kubernetes.io/name: notes-postgres}}
  template:
    metadata: {labels: {app.kubernetes.io/name: notes-postgres}}
    spec:
      containers:
        - {name: postgres, image: "postgres:18", ports: [{containerPort: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: notes-postgres}
spec: {selector: {app.kubernetes.io/name: notes-postgres}, ports: [{port: 5432}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of somebody's, and the present one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def foreign(folder: Path) -> Path:
    """A folder with manifests."""
    (folder / "deploy").mkdir()
    (folder / "deploy" / "notes.yaml").write_text(FOREIGN)
    return folder


def muster(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def drills(arguments: tuple[str, ...]) -> dict[str, tuple[str, str | None, str | None]]:
    """The drills that would be written: fault, target and recovery by name."""
    done = muster("init", *arguments, "--plan", "--json")
    assert done.exit_code == 0, done.exception
    said = json.loads(done.stdout)
    assert_schema("init-v1.json", said)
    return {one["name"]: (one["fault"], one.get("target"), one.get("recovery")) for one in said["drills"]}


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def assert_schema(name: str, content: object) -> None:
    checks = Draft202012Validator(json.loads((DIRECTORY / name).read_text()))
    assert [error.message for error in checks.iter_errors(content)] == []


def assert_it_stands(folder: Path, name: str) -> None:
    """What was written is read by muster, follows the schema, and is collected by pytest."""
    path = folder / "systems" / name / "system.yaml"
    assert_schema("system-v1.json", yaml.safe_load(path.read_text()))
    read_system(path)
    session = DrillProject(folder).pytest("drills", "--collect-only", "-q", "-W", "error")
    assert session.code == 0, session.output


def test_a_program_with_a_database_of_one_instance(foreign: Path) -> None:
    assert drills(("deploy",)) == {
        "notes_crash": ("pods-lost", "notes", None),
        "notes_configuration": ("rollout-broken", "notes", "repair-crashed-pods"),
        "notes_postgres_failure": ("workload-lost", "notes-postgres", "full-restart"),
        "full_outage": ("full-outage", None, "full-restart"),
    }
    done = muster("init", "deploy", "--name", "notes")
    assert done.exit_code == 0, done.output
    system = read_system(foreign / "systems" / "notes")
    assert (system.service.name, system.service.port, system.read.request.path) == ("notes", 80, "/v1/health")
    assert [stage.workloads for stage in system.operations.stages] == [["notes-postgres"], ["notes"]]
    assert system.manifest_directory.resolve() == foreign / "deploy", "they stay where they are"
    assert not [path for path, text in files(foreign).items() if "not-to-be-read" in text and "deploy" not in path]
    assert_it_stands(foreign, "notes")


def test_the_reference_system(folder: Path) -> None:
    shutil.copytree(ROOT / "systems/enhancer/manifests", folder / "k8s")
    assert drills(("k8s", "--name", "enhancer")) == {
        "api_crash": ("pods-lost", "api", None),
        "api_configuration": ("config-broken", "api", "restore-configuration"),
        "agents_crash": ("pods-lost", "agents", None),
        "db_failure": ("db-failure", None, "promote-standby"),
        "full_outage": ("full-outage", None, "full-restart"),
    }
    assert muster("init", "k8s", "--name", "enhancer").exit_code == 0
    found, own = read_system(folder / "systems/enhancer"), read_system(ROOT / "systems/enhancer")
    # With which role clients come in no manifest tells.
    assert found.database == own.database.model_copy(update={"clients": None})
    assert [one.config_map for one in found.operations.configuration] == ["enhancer-settings"]
    assert [stage.workloads for stage in found.operations.stages] == [
        stage.workloads for stage in own.operations.stages
    ]
    assert_it_stands(folder, "enhancer")


def test_a_namespace_as_it_is(folder: Path, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for item in read_manifests(stranger(folder.parent / f"{folder.name}-stranger", namespace).manifest_directory):
        cluster.create(item, namespace)
    cluster.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hush"}, "data": {"a": "YQ=="}}, namespace
    )
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    where = ("--kube-context", cluster.context, "--namespace", namespace)
    assert drills(where)["front_configuration"] == ("config-broken", "front", "restore-configuration")
    done = muster("init", *where, "--name", "front")
    assert done.exit_code == 0, done.output
    exported = read_manifests(folder / "systems/front/manifests", namespace)
    assert {(item["kind"], item["metadata"]["name"]) for item in exported} == {
        *(("ConfigMap", "front-conf"), ("Deployment", "front"), ("StatefulSet", "store"), ("Service", "front"))
    }
    for item in exported:
        assert not {"uid", "resourceVersion", "managedFields"} & item["metadata"].keys()
        assert "status" not in item
    assert_it_stands(folder, "front")


def test_a_plan_writes_nothing(foreign: Path) -> None:
    before = files(foreign)
    said = muster("init", "deploy", "--plan")
    assert "would be written: drills/test_" in said.stdout
    assert files(foreign) == before


def test_what_is_there_is_left_as_it_is(foreign: Path) -> None:
    (foreign / "drills").mkdir()
    (foreign / "drills/test_notes.py").write_text("mine = 1\n")
    (foreign / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (foreign / ".gitlab-ci.yml").write_text("{}\n")
    said = json.loads(muster("init", "deploy", "--name", "notes", "--json").stdout)
    actions = {one["path"]: one["action"] for one in said["files"]}
    assert actions == {
        "systems/notes/system.yaml": "write",
        "loadtests/visitors.py": "write",
        "drills/test_notes.py": "keep",
        "ci/drills.gitlab-ci.yml": "write",
    }
    assert (foreign / "drills/test_notes.py").read_text() == "mine = 1\n"
    first = files(foreign)
    assert muster("init", "deploy", "--name", "notes").exit_code == 0
    assert files(foreign) == first, "twice is as once"


def test_the_pipelines_are_yaml_and_none_is_written_unasked(foreign: Path) -> None:
    for kind, path in (("github", ".github/workflows/drills.yml"), ("gitlab", "ci/drills.gitlab-ci.yml")):
        assert muster("init", "deploy", "--name", "notes", "--pipeline", kind).exit_code == 0
        assert "muster run drills --require all" in str(yaml.safe_load((foreign / path).read_text()))
    shutil.rmtree(foreign / "ci")
    assert muster("init", "deploy", "--name", "notes", "--pipeline", "none").exit_code == 0
    assert not (foreign / "ci").exists()


ONE_MORE = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
"""


def test_where_two_services_may_be_asked_it_is_not_guessed(foreign: Path) -> None:
    path = foreign / "deploy/notes.yaml"
    path.write_text(FOREIGN + ONE_MORE)
    failed = muster("init", "deploy")
    assert isinstance(failed.exception, UsageError)
    assert "name it with --service (notes, shop)" in str(failed.exception)
    said = json.loads(muster("init", "deploy", "--plan", "--json", "--service", "shop").stdout)
    assert (said["found"]["service"], said["found"]["read"]) == ("shop", "/")
    ingress = """\
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}}]}
"""
    path.write_text(FOREIGN + ONE_MORE + ingress)
    assert json.loads(muster("init", "deploy", "--plan", "--json").stdout)["found"]["service"] == "shop"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "right would be: muster init deploy/, or: muster init --kube-context staging --namespace shop"),
        (("deploy", "--kube-context", "x"), "name a directory of manifests, or a namespace"),
        (("--kube-context", "x"), "--kube-context needs --namespace"),
        (("nowhere",), "there is no directory nowhere with manifests"),
        (("deploy", "--name", "Notes!"), "'Notes!' is no name of a system"),
        (("deploy", "--service", "nots"), "Service 'nots' leads to no workload"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(foreign: Path, arguments: tuple[str, ...], said: str) -> None:
    failed = muster("init", *arguments)
    assert isinstance(failed.exception, UsageError), failed.output
    assert said in str(failed.exception)
    assert not (foreign / "systems").exists()


@pytest.mark.whole_machine
@pytest.mark.long(of="what the docs tell to do")
def test_the_drills_that_it_writes_are_met(folder: Path) -> None:
    (folder / "deploy").mkdir()
    (folder / "deploy" / "all.yaml").write_text(MANIFESTS)
    assert muster("init", "deploy", "--name", "stranger").exit_code == 0
    project = DrillProject(folder)
    session = project.pytest("drills", timeout=600.0)
    assert session.code == 0, session.output
    assert {(one["name"], one["verdict"], one["recovered_by"]) for one in project.summary()["drills"]} == {
        ("front_crash", "met", "platform"),
        ("front_configuration", "met", "restore-configuration"),
        ("full_outage", "met", "full-restart"),
    }
