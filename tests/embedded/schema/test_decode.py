"""Decoding: unknown fields and wrong types."""

from __future__ import annotations

import pytest

from muster.embedded.schema.decode import Decoder
from muster.embedded.status import StatusError


def test_unknown_fields_are_left_out_and_named() -> None:
    decoder = Decoder("Deployment", "apps/v1")
    containers = [{"name": "a", "imagee": "b"}]
    found = decoder.decode({"spec": {"replica": 3, "template": {"spec": {"containers": containers}}}})
    assert found == {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}
    assert decoder.unknown == ["spec.replica", "spec.template.spec.containers[0].imagee"]


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"replicas": "three"}, "DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1.5}, "DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": True}, "DeploymentSpec.spec.replicas of type int32"),
        ({"paused": "yes"}, "DeploymentSpec.spec.paused of type bool"),
        ({"template": []}, "spec.template of type PodTemplateSpec"),
        ({"selector": {"matchLabels": {"a": 1}}}, "matchLabels.a of type string"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_place(spec: dict, where: str) -> None:
    with pytest.raises(StatusError, match="cannot be handled as a Deployment") as caught:
        Decoder("Deployment", "apps/v1").decode({"spec": spec})
    assert caught.value.code == 400
    assert where in caught.value.message


def test_quantities_may_be_numbers_and_nulls_mean_nothing() -> None:
    pod = {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 1}}, "image": None}]}}
    assert Decoder("Pod", "v1").decode(pod) == {
        "spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "1"}}}]}
    }


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        ("Deployment", {"spec": {"replicas": 2**31}}),
        ("Deployment", {"spec": {"replicas": 2**70}}),
        ("Pod", {"spec": {"terminationGracePeriodSeconds": 1e300}}),
        ("Pod", {"spec": {"containers": [{"resources": {"limits": {"cpu": "much"}}}]}}),
        ("Event", {"lastTimestamp": "yesterday"}),
        ("Event", {"lastTimestamp": "0001-01-01T00:00:00+14:00"}),
        ("Lease", {"spec": {"renewTime": "2026-13-01T00:00:00.000000Z"}}),
        ("Secret", {"data": {"a": "YQ"}}),
        ("Service", {"spec": {"ports": [{"targetPort": [1]}]}}),
        ("Service", {"spec": {"ports": [{"targetPort": 2**31}]}}),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_refused(kind: str, obj: dict) -> None:
    with pytest.raises(StatusError, match=f"cannot be handled as a {kind}") as caught:
        Decoder(kind, "v1").decode(obj)
    assert caught.value.code == 400


def test_times_are_kept_in_one_form() -> None:
    found = Decoder("Event", "v1").decode({
        "lastTimestamp": "2026-01-01T02:00:00.5+02:00",
        "eventTime": "2026-01-01T00:00:00.1234567Z",
    })  # fmt: skip
    assert found == {"lastTimestamp": "2026-01-01T00:00:00Z", "eventTime": "2026-01-01T00:00:00.123456Z"}
