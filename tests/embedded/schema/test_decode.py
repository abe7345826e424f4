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
