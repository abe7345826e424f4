"""The log of requests: Kubernetes' audit events, read back as calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from embedded_support import Running, running_cluster

from muster.base.errors import UsageError
from muster.base.waiting import wait_for
from muster.kube import Call, read_calls

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "log.jsonl"


@pytest.fixture(scope="module")
def audited(log: Path) -> Iterator[Running]:
    """A cluster that keeps a log of its requests."""
    with running_cluster(log.parent / "state", f"audit-{os.getpid()}", "--audit", str(log)) as running:
        yield running


def calls_since(log: Path, count: int) -> list[Call]:
    return [call._replace(agent="") for call in read_calls(log)[count:]]


def test_a_request_is_told_with_its_caller_its_object_and_its_answer(audited: Running, log: Path) -> None:
    before = len(read_calls(log))
    audited.call("POST", MAPS, {"metadata": {"name": "a"}})
    audited.call("GET", f"{MAPS}/none")
    audited.patch(f"{MAPS}/a?dryRun=All", {"data": {"k": "v"}})
    audited.call("GET", "/apis/apps/v1")
    admin = "kubernetes-admin"
    assert calls_since(log, before) == [
        Call(admin, "create", "", "configmaps", "", "default", "a", "", 201),
        Call(admin, "get", "", "configmaps", "", "default", "none", "", 404),
        Call(admin, "patch", "", "configmaps", "", "default", "a", "", 200),
        Call(admin, "get", "", "", "", "", "", "/apis/apps/v1", 200),
    ]
    event = json.loads(log.read_text().splitlines()[-2])
    assert event["requestURI"] == f"{MAPS}/a?dryRun=All"
    assert (event["level"], event["stage"], event["apiVersion"]) == ("Metadata", "ResponseComplete", "audit.k8s.io/v1")
    assert event["annotations"]["authorization.k8s.io/decision"] == "allow"


def test_what_is_refused_is_told_too(audited: Running, log: Path) -> None:
    before = len(read_calls(log))
    client = httpx.Client(base_url=audited.url, verify=audited.trust, trust_env=False)
    with client:
        client.get(MAPS, headers={"Authorization": "Bearer wrong"})
    acting = {"Impersonate-User": "ann"}
    audited.client.delete(f"{MAPS}/x", headers=acting)
    stranger, ann = calls_since(log, before)
    assert (stranger.user, stranger.code) == ("system:anonymous", 401)
    assert (ann.user, ann.verb, ann.code) == ("ann", "delete", 403)
    event = json.loads(log.read_text().splitlines()[-1])
    assert (event["user"]["username"], event["impersonatedUser"]["username"]) == ("kubernetes-admin", "ann")


def test_a_watch_is_told_when_it_begins_and_counted_once(audited: Running, log: Path) -> None:
    before = len(read_calls(log))
    with audited.client.stream("GET", f"{MAPS}?watch=1"):
        assert [(call.verb, call.code) for call in calls_since(log, before)] == [("watch", 200)]
    wait_for(
        lambda: '"stage":"ResponseComplete"' in log.read_text().splitlines()[-1],
        within=10,
        reason="the end of the watch to be told",
    )
    assert [(call.verb, call.code) for call in calls_since(log, before)] == [("watch", 200)]


def test_asking_for_rights_writes_nothing(audited: Running, log: Path) -> None:
    before = len(read_calls(log))
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    audited.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    audited.call("DELETE", f"{MAPS}/none")
    assert [call.writes for call in calls_since(log, before)] == [False, True]


def test_a_log_that_is_none_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl cannot be read: No such file"):
        read_calls(tmp_path / "none.jsonl")
    (tmp_path / "other.jsonl").write_text('{"auditID": "1", "verb": "get", "user": {}, "requestURI": "/"}\n[]\n')
    with pytest.raises(UsageError, match=r"other\.jsonl:2: no event of an audit log"):
        read_calls(tmp_path / "other.jsonl")


def test_a_log_that_cannot_be_written_keeps_the_cluster_from_starting(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "muster.embedded", "--state", str(tmp_path / "s"), "--audit", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, f"the audit log {tmp_path} cannot be written: Is a directory\n")
