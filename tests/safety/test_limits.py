"""safety.yaml is read whole or refused with its line; where limits stand in several places all of them hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.schemas.test_schemas import troubles

from muster.base.errors import RefusedError, UsageError
from muster.base.waiting import wait_for
from muster.drill import Drill, UnprovableError
from muster.faults.aim import NOBODY
from muster.kube import ApiError, Cluster, connect
from muster.recovery import find_procedure
from muster.safety import AuditLog
from muster.safety.limits import find_limits, limits_environment, read_settings
from muster.safety.limits.settings import number_of, parse_settings
from muster.safety.limits.sources import Limits, Source, is_embedded
from muster.steps import Context
from muster.system import read_system

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
schema: muster/safety/v1
protected:
  contexts: [prod*, "*.prod.example"]
  namespaces: [kube-*]
at_most: {pods: 50%, workloads: 2}
hours:
  - {days: [mon, tue], from: "09:00", to: "17:00", zone: Europe/Berlin}
rehearsals: false
"""
HEAD = "schema: muster/safety/v1\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    found = read_settings(written(tmp_path / "safety.yaml", GOOD))
    assert found.protected.contexts == ["prod*", "*.prod.example"]
    assert (found.at_most.pods, found.at_most.workloads, found.rehearsals) == ("50%", 2, False)
    assert str(found.hours[0]) == "mon, tue 09:00 to 17:00 (Europe/Berlin)"
    assert troubles("safety-v1.json", [_content(GOOD)]) == []


def test_a_file_may_say_as_good_as_nothing() -> None:
    found = parse_settings(HEAD, "safety.yaml")
    assert (found.hours, found.at_most.pods, found.rehearsals) == ([], None, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"safety\.yaml, line 1: safety settings are a mapping that begins with 'schema: muster/safety/v1'"),
        (HEAD + "protectd: {}\n", r"line 2: 'protectd' is not a key that is known here; did you mean 'protected'\?"),
        (HEAD + "protected:\n  namespace: []\n", r"line 3: 'protected\.namespace' .* did you mean 'namespaces'\?"),
        (HEAD + "at_most:\n  pods: 120%\n", r"line 3: 'at_most\.pods' is wrong: right would be a number, such as 3"),
        (HEAD + "at_most: {pods: half}\n", r"line 2: 'at_most\.pods' is wrong"),
        (HEAD + "at_most: {pods: -1}\n", r"line 2: 'at_most\.pods' is wrong"),
        (HEAD + "at_most: {pods: true}\n", r"line 2: 'at_most\.pods' is wrong"),
        (HEAD + "hours:\n  - {from: 9:00, to: '17:00'}\n", r"line 3: .*from' is wrong: right would be a time of day"),
        (HEAD + "hours:\n  - {from: '09:00'}\n", r"line 3: 'hours\.0\.to' is missing"),
        ("schema: v0\n", r"line 1: 'schema' is wrong"),
        (HEAD + "at_most: [", "not YAML"),
    ],
)
def test_a_slip_is_told_with_word_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_settings(written(tmp_path / "safety.yaml", text))


def _content(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


@pytest.mark.parametrize(
    ("most", "total", "allowed"),
    [(3, 2, 3), ("50%", 9, 4), ("0%", 9, 0), ("100%", 9, 9), ("33.3%", 3, 0), ("10 %", 10, 1)],
)
def test_a_share_is_rounded_down(most: int | str, total: int, allowed: int) -> None:
    assert number_of(most, total) == allowed


AWAY = "https://10.0.0.1"
MONDAY, SUNDAY = (datetime(2026, 1, day, 10, tzinfo=UTC) for day in (5, 4))


def limits(text: str = GOOD, **more: Any) -> Limits:
    return Limits([Source("safety.yaml", parse_settings(text, "safety.yaml"))], **more)


@pytest.mark.parametrize(
    ("context", "server", "namespace", "moment", "said"),
    [
        ("production", AWAY, "shop", MONDAY, r"context 'production' \(10\.0\.0\.1\) is protected by 'prod\*'"),
        ("mine", "https://api.prod.example:6443", "shop", MONDAY, r"by '\*\.prod\.example' in safety\.yaml"),
        ("staging", AWAY, "kube-system", MONDAY, r"namespace 'kube-system' is protected by 'kube-\*'"),
        ("staging", AWAY, "shop", SUNDAY, r"no hour .* by safety\.yaml .* next from Mon 2026-01-05 09:00"),
    ],
)
def test_a_target_that_is_protected_or_not_due_is_refused(
    context: str, server: str, namespace: str, moment: datetime, said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        limits().check_target(context, server, namespace, moment=moment)


def test_any_other_target_passes_and_the_embedded_cluster_in_any_case() -> None:
    limits().check_target("staging", "https://10.0.0.1", "shop", moment=MONDAY)
    limits(embedded=True).check_target("production", "https://10.0.0.1", "kube-system", moment=SUNDAY)


def test_what_the_cluster_says_holds_on_the_embedded_one_too() -> None:
    source = Source("ConfigMap", parse_settings(GOOD, "safety.yaml"), of_cluster=True)
    with pytest.raises(RefusedError, match="by ConfigMap"):
        Limits([source], embedded=True).check_target("embedded", "https://127.0.0.1", "shop", moment=SUNDAY)


def test_a_projects_file_is_found_wherever_one_looks_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "project" / "drills"
    deep.mkdir(parents=True)
    written(tmp_path / "project" / "safety.yaml", HEAD)
    monkeypatch.chdir(deep)
    assert [source.where for source in find_limits(None, "shop").sources] == ["../safety.yaml"]
    assert len(find_limits(None, "shop", root=deep.parent).sources) == 1
    monkeypatch.chdir(tmp_path)
    assert find_limits(None, "shop").sources == []
    assert len(find_limits(None, "shop", root=deep.parent).sources) == 1
    monkeypatch.setenv("MUSTER_SAFETY", limits_environment(deep.parent)["MUSTER_SAFETY"])
    assert len(find_limits(None, "shop").sources) == 1
    monkeypatch.setenv("MUSTER_SAFETY", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(UsageError, match=r"nowhere\.yaml cannot be read"):
        find_limits(None, "shop", root=deep.parent)


@pytest.fixture
def cluster_wide(cluster: Cluster) -> Iterator[str]:
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "muster-system"}})
    yield "muster-system"
    cluster.delete("Namespace", "muster-system")
    wait_for(lambda: cluster.find("Namespace", "muster-system") is None, within=60, reason="it to be gone")


def put(cluster: Cluster, namespace: str, **data: str) -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "muster-safety"}, "data": data}
    cluster.create(item, namespace)


def test_limits_of_namespace_and_cluster_hold_beside_the_projects(
    cluster: Cluster, namespace: str, cluster_wide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(cluster, namespace, **{"safety.yaml": GOOD})
    put(cluster, cluster_wide, **{"safety.yaml": HEAD + "protected: {namespaces: ['test-*']}"})
    found = find_limits(cluster, namespace, root=tmp_path)
    assert [source.where for source in found.sources] == [
        f"ConfigMap muster-safety in namespace '{namespace}'",
        "ConfigMap muster-safety in namespace 'muster-system'",
    ]
    with pytest.raises(RefusedError, match=rf"namespace '{namespace}' is protected by 'test-\*' in ConfigMap"):
        found.check_target(cluster.context, cluster.server, namespace, moment=MONDAY)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"safety.yml": HEAD}, r"has 'safety\.yml'; right would be a key 'safety\.yaml'"),
        ({"safety.yaml": "at_mots: {}"}, r"cannot be understood: .* line 1: 'at_mots' .* did you mean 'at_most'\?"),
    ],
)
def test_limits_that_cannot_be_understood_refuse(
    cluster: Cluster, namespace: str, data: dict[str, str], said: str
) -> None:
    put(cluster, namespace, **data)
    with pytest.raises(RefusedError, match=said):
        find_limits(cluster, namespace)


@pytest.mark.parametrize(
    ("forbidden", "code", "passes"), [("muster-system", 403, True), ("muster-system", 500, False), ("shop", 403, False)]
)
def test_what_cannot_be_asked_refuses_but_for_a_cluster_wide_limit_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forbidden: str, code: int, passes: bool
) -> None:
    def find(_kind: str, _name: str, namespace: str) -> None:
        if namespace == forbidden:
            raise ApiError("no", code=code, reason="")

    monkeypatch.chdir(tmp_path)
    cluster = cast("Cluster", SimpleNamespace(context="there", server="https://10.0.0.1", embedded=False, find=find))
    if passes:
        assert find_limits(cluster, "shop") == Limits([])
        return
    with pytest.raises(RefusedError, match=rf"ConfigMap muster-safety in namespace '{forbidden}' cannot be asked"):
        find_limits(cluster, "shop")


def test_a_drill_that_is_not_allowed_is_unknown_before_its_load_and_logged(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    put(cluster, namespace, **{"safety.yaml": HEAD + "protected: {namespaces: ['test-*']}"})
    system = read_system(ROOT / "systems/enhancer").model_copy(update={"namespace": namespace})
    context = Context(cluster, system, namespace, None, AuditLog(tmp_path / "audit.jsonl"))
    drill = SimpleNamespace(
        _entitled=False,
        declaration=SimpleNamespace(name="db", fault="db-failure", recovery="promote-standby"),
        project=SimpleNamespace(experiments=ROOT / "experiments", root=tmp_path),
        state=SimpleNamespace(namespace=namespace, definition=system),
        aim=NOBODY,
        procedure=lambda: find_procedure("promote-standby"),
        operated=lambda: context,
    )
    with pytest.raises(UnprovableError, match=rf"namespace '{namespace}' is protected by 'test-\*'"):
        Drill.check_rights(cast("Drill", drill))
    (_, entry), *_ = context.audit.entries()
    assert (entry.content["act"], entry.content["outcome"], entry.content["drill"]) == ("drill", "refused", "db")


def test_the_settings_that_the_docs_show_are_read() -> None:
    text = (ROOT / "docs/safety.md").read_text()
    shown = text.split("```yaml\n# safety.yaml\n")[1].split("```")[0]
    found = parse_settings(shown, "safety.yaml")
    assert (found.at_most.pods, found.hours[0].zone) == ("50%", "Europe/Berlin")


def test_the_embedded_cluster_is_known_by_hand_as_well(cluster: Cluster) -> None:
    with connect(cluster.kubeconfig) as by_hand:
        assert not by_hand.embedded
        assert is_embedded(by_hand)
        by_hand.context = "staging"
        assert not is_embedded(by_hand)


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    assert troubles("safety-v1.json", [{"schema": "muster/safety/v1", "hourz": []}])
    assert json.dumps(troubles("safety-v1.json", [{"schema": "muster/safety/v1", "at_most": {"pods": 3}}])) == "[]"
