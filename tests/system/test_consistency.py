"""What system.yaml names and is not there is told at the start, with its line and the name that was probably meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.system import read_system

SYSTEM = """\
schema: muster/system/v1
name: shop
namespace: shop
service: {name: web, port: 80}
read: {request: {path: /}}
images: {web: {python_path: [code]}}
database: {service: db, instances: [db-a], topology: topology}
operations:
  stages: [{name: all, workloads: [web, db-a]}]
  configuration: [{config_map: settings, used_by: [web]}]
  capacity: {deployment: web, max_replicas: 3}
"""
MANIFESTS = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
{apiVersion: v1, kind: Service, metadata: {name: db}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: topology}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db-a}, spec: {}}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("manifests", "code"):
        (tmp_path / name).mkdir()
    (tmp_path / "system.yaml").write_text(SYSTEM)
    (tmp_path / "manifests/all.yaml").write_text(MANIFESTS)
    return tmp_path


def test_what_is_all_there_is_read(directory: Path) -> None:
    assert read_system(directory).name == "shop"


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("name: web, port", "name: wbe, port", "line 4: Service 'wbe' is not in the manifests; did you mean 'web'?"),
        ("port: 80", "port: 81", "line 4: Service 'web' has no port 81 in the manifests (there are: 80)"),
        ("[code]", "[cod]", "line 6: there is no directory"),
        ("service: db", "service: pg", "line 7: Service 'pg' is not in the manifests (there are: db, web)"),
        ("[db-a], ", "[db-b], ", "line 7: StatefulSet 'db-b' is not in the manifests; did you mean 'db-a'?"),
        ("topology: topology", "topology: t", "line 7: ConfigMap 't' is not in the manifests"),
        ("[web, db-a]", "[web, db]", "line 9: Deployment or StatefulSet 'db' is not in the manifests"),
        (
            "config_map: settings",
            "config_map: setings",
            "line 10: ConfigMap 'setings' is not in the manifests; did",
        ),
        ("used_by: [web]", "used_by: [wep]", "line 10: Deployment or StatefulSet 'wep' is not in the manifests"),
        ("deployment: web", "deployment: db-a", "line 11: Deployment 'db-a' is not in the manifests"),
        ("read:", "objectives: {openslo: no.yaml}\nread:", "line 5: there is no file"),
    ],
)
def test_what_is_not_there(directory: Path, old: str, new: str, wrong: str) -> None:
    assert old in SYSTEM
    (directory / "system.yaml").write_text(SYSTEM.replace(old, new, 1))
    with pytest.raises(UsageError, match=f"^system definition .*system.yaml, {re.escape(wrong)}"):
        read_system(directory)


def test_a_hook_that_is_not_there_or_cannot_be_run_is_told(directory: Path) -> None:
    path = directory / "system.yaml"
    path.write_text(path.read_text() + "hooks: {before: [true, ./announce.sh], after: [./announce.sh --over]}\n")
    text = path.read_text().replace("[true,", '["true",')
    path.write_text(text)
    with pytest.raises(UsageError, match=r"system.yaml, line \d+: .*there is no program .*/announce.sh"):
        read_system(directory)
    (directory / "announce.sh").write_text("#!/bin/sh\n")
    with pytest.raises(UsageError, match="is not executable; right would be: chmod"):
        read_system(directory)
    (directory / "announce.sh").chmod(0o755)
    assert read_system(directory).hooks.after == ["./announce.sh --over"]
    path.write_text(text.replace("./announce.sh --over", "''"))
    with pytest.raises(UsageError, match="a command of 'after' is empty"):
        read_system(directory)


def test_a_manifest_that_is_wrong_is_told_with_the_system(directory: Path) -> None:
    (directory / "manifests/more.yaml").write_text(
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: other}}"
    )
    with pytest.raises(UsageError, match=r"manifest .*more.yaml, line 1: Secret 's' is of namespace 'other'"):
        read_system(directory)


def test_of_a_kind_that_the_manifests_hold_nothing_of_other_tools_take_care(directory: Path) -> None:
    kept = [part for part in MANIFESTS.split("---\n") if "kind: Service" not in part]
    (directory / "manifests/all.yaml").write_text("---\n".join(kept))
    assert read_system(directory).service.name == "web"
