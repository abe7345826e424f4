"""Objects in protobuf: what is written can be read, and what Go would not say is not said."""

from __future__ import annotations

import random
from typing import Any

import pytest
from orjson import JSONEncodeError
from request_fuzzer import RequestFuzzer

from muster.embedded.resources import RESOURCES, Resource
from muster.embedded.schema import protobuf, wire
from muster.embedded.schema.decode import Decoder
from muster.embedded.status import StatusError

# `kubectl create deployment web --image=busybox --replicas=0`, as kubectl 1.36 sends it.
DEPLOYMENT = bytes.fromhex(
    "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412af010a1f0a0377656212001a0022002a003200380042005a0a0a0361"
    "70701203776562127e0800120c0a0a0a0361707012037765621a640a1c0a0012001a0022002a003200380042005a0a0a0361707012037765"
    "62124412260a0762757379626f78120762757379626f782a0042006a007200800100880100900100a201001a00320042004a005200580060"
    "0068008201008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a002200"
)


def test_an_object_of_kubectl_is_read_as_it_was_meant() -> None:
    assert protobuf.decode(DEPLOYMENT) == {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "busybox", "image": "busybox"}]},
            },
        },
    }


def read_back(kind: str, **fields: Any) -> dict[str, Any]:
    found = protobuf.decode(protobuf.encode({"kind": kind, "apiVersion": "v1", **fields}))
    return {name: value for name, value in found.items() if name not in ("kind", "apiVersion")}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Pod", {"spec": {"terminationGracePeriodSeconds": 0, "volumes": [{"name": "a", "emptyDir": {}}]}}),
        ("Pod", {"spec": {"securityContext": {"runAsUser": -1, "runAsNonRoot": False, "fsGroup": 2**62}}}),
        (
            "Pod",
            {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z", "uid": "1"}},
        ),
        ("Pod", {"metadata": {"deletionTimestamp": "1969-12-31T23:59:59Z"}}),
        ("Lease", {"spec": {"renewTime": "2026-01-01T00:00:00.000001Z"}}),
        ("Service", {"spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081}]}}),
        ("Secret", {"data": {"a": "/w==", "b": ""}}),
        ("SubjectAccessReview", {"spec": {"user": "u", "extra": {"a": ["b", "c"]}}}),
        ("ControllerRevision", {"data": {"spec": {"a": [1, None]}}, "revision": 3}),
        ("ResourceQuota", None),
        ("PodList", {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}]}),
        ("Pod", {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "100m"}}}]}}),
        ("Event", {"involvedObject": {"name": "ü"}, "reportingComponent": "a", "reportingInstance": ""}),
    ],
)
def test_what_is_written_is_read_again(kind: str, fields: dict[str, Any] | None) -> None:
    if fields is None:
        assert not protobuf.is_known(kind)
    else:
        assert read_back(kind, **fields) == fields


def test_what_says_nothing_is_left_out() -> None:
    """Go writes every field that is no pointer, and its zero means the same as nothing."""
    spec = {"hostNetwork": False, "nodeName": "", "containers": [{"name": "a", "stdin": False, "resources": {}}]}
    assert read_back("Pod", metadata={}, spec=spec) == {"spec": {"containers": [{"name": "a"}]}}


@pytest.mark.parametrize("resource", [found for found in RESOURCES if not found.custom], ids=lambda found: found.kind)
def test_all_kinds_come_back_as_they_went(resource: Resource) -> None:
    """Objects of every kind, generated; what one reading makes of them, a second one finds again."""
    fuzzer, compared = RequestFuzzer(7, ""), 0
    while compared < 20:
        try:
            made = Decoder(resource.kind, resource.api_version).decode(fuzzer.object(resource))
            once = protobuf.decode(protobuf.encode(made | {"kind": resource.kind}))
        except (
            StatusError,
            UnicodeEncodeError,
            JSONEncodeError,
        ):  # no object of this kind, or one that JSON could not have brought
            continue
        assert protobuf.decode(protobuf.encode(once)) == once
        assert once.get("spec", {}).keys() <= made.get("spec", {}).keys()
        compared += 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        protobuf.MAGIC,
        protobuf.MAGIC + b"\xff",
        protobuf.MAGIC + wire.run(1, wire.run(1, b"v1") + wire.run(2, b"Nothing")),
        protobuf.MAGIC + wire.run(1, wire.run(2, b"Pod")) + wire.run(2, wire.run(1, b"\xff")),
        protobuf.MAGIC + wire.run(1, wire.run(2, b"Pod")) + wire.run(2, wire.number(1, 5)),
        protobuf.MAGIC + wire.run(1, wire.run(2, b"Pod")) + wire.run(2, wire.run(1, wire.run(1, b"\xff"))),
    ],
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        protobuf.decode(data)


def test_damaged_objects_are_refused_or_read_but_nothing_else_happens() -> None:
    chance = random.Random(3)
    refused = 0
    for _ in range(2000):
        data = bytearray(DEPLOYMENT)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            protobuf.decode(bytes(data[: chance.randint(4, len(data))]))
        except ValueError:
            refused += 1
    assert refused > 200
