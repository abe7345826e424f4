from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.embedded.node import environment
from muster.embedded.node.images import Image
from muster.embedded.node.sources import MissingSourceError, Sources
from muster.embedded.resources import CONFIGMAPS, NAMESPACES, SECRETS
from muster.embedded.store import Store

POD = {
    "metadata": {"name": "web-0", "namespace": "n", "labels": {"app": "web"}},
    "spec": {"nodeName": "embedded"},
    "status": {"podIP": "127.9.9.9"},
}


def store() -> Store:
    made = Store()
    made.create(NAMESPACES, {"metadata": {"name": "n"}})
    made.create(CONFIGMAPS, {"metadata": {"name": "conf", "namespace": "n"}, "data": {"LEVEL": "5", "not a name": "x"}})
    made.create(SECRETS, {"metadata": {"name": "sec", "namespace": "n"}, "data": {"TOKEN": "czM="}})
    return made


def build(container: dict, services: dict | None = None) -> dict[str, str]:
    image = Image("test:1", env={"FROM_IMAGE": "yes"}, path=("/opt/bin",))
    sources = Sources(store(), "n")
    return environment.build(POD, container, image, services=services or {}, sources=sources, run_id="r1")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("a $ b", "a $ b"),
        ("$(", "$("),
        ("$(A)$(A)", "11"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expanded: str) -> None:
    assert environment.expand(text, {"A": "1"}) == expanded


@given(st.text(alphabet="ab $(){}1"))
def test_a_text_that_refers_to_nothing_known_keeps_everything_but_escapes(text: str) -> None:
    assert environment.expand(text, {}) == text.replace("$$", "$")


def test_nothing_of_this_process_leaks_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")
    assert set(build({})) == {"PATH", "HOME", "FROM_IMAGE", "HOSTNAME", "MUSTER_RUN_ID"}


def test_values_come_from_fields_config_maps_and_secrets() -> None:
    values = build(
        {
            "env": [
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "LEVEL"}}},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "sec", "key": "TOKEN"}}},
                {"name": "URL", "value": "http://$(IP):80/$(LEVEL)"},
                {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "no", "key": "K", "optional": True}}},
            ]
        }
    )
    assert values["URL"] == "http://127.9.9.9:80/5"
    assert (values["NODE"], values["APP"], values["TOKEN"]) == ("embedded", "web", "s3")
    assert "ABSENT" not in values


def test_the_manifest_wins_over_env_from_and_that_over_services() -> None:
    container = {
        "envFrom": [{"configMapRef": {"name": "conf"}}, {"secretRef": {"name": "sec"}, "prefix": "P_"}],
        "env": [{"name": "P_TOKEN", "value": "mine"}],
    }
    values = build(container, {"LEVEL": "of a Service"})
    assert (values["LEVEL"], values["P_TOKEN"]) == ("5", "mine")
    assert "not a name" not in values


@pytest.mark.parametrize("ref", [{"name": "conf", "key": "NO"}, {"name": "absent", "key": "K"}])
def test_a_missing_key_is_an_error_that_names_it(ref: dict[str, str]) -> None:
    with pytest.raises(MissingSourceError, match=r"NO|absent"):
        build({"env": [{"name": "X", "valueFrom": {"configMapKeyRef": ref}}]})


def test_services_are_told_in_variables() -> None:
    services = [
        {
            "metadata": {"name": "my-db"},
            "spec": {"clusterIP": "127.8.0.1", "ports": [{"name": "pg-main", "port": 5432}, {"name": "m", "port": 9}]},
        },
        {"metadata": {"name": "headless"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}},
    ]
    values = environment.service_variables(services)
    assert values["MY_DB_SERVICE_HOST"] == "127.8.0.1"
    assert values["MY_DB_SERVICE_PORT"] == values["MY_DB_SERVICE_PORT_PG_MAIN"] == "5432"
    assert values["MY_DB_PORT_9_TCP"] == "tcp://127.8.0.1:9"
    assert not any("HEADLESS" in name for name in values)


def test_bytes_that_are_no_text_pass_as_they_are() -> None:
    made = store()
    made.create(SECRETS, {"metadata": {"name": "raw", "namespace": "n"}, "data": {"KEY": "//4A/w=="}})
    made.create(CONFIGMAPS, {"metadata": {"name": "raw", "namespace": "n"}, "binaryData": {"MAPPED": "/w=="}})
    key = {"name": "ONE", "valueFrom": {"secretKeyRef": {"name": "raw", "key": "KEY"}}}
    container = {
        "envFrom": [{"secretRef": {"name": "raw"}}, {"configMapRef": {"name": "raw"}}],
        "env": [key, {"name": "WITHIN", "value": "<$(MAPPED)>"}],
    }
    image = Image("test:1")
    values = environment.build(POD, container, image, services={}, sources=Sources(made, "n"), run_id="r")
    found = {name: os.fsencode(values[name]) for name in ("KEY", "ONE", "MAPPED", "WITHIN")}
    assert found == {"KEY": b"\xff\xfe\x00\xff", "ONE": b"\xff\xfe\x00\xff", "MAPPED": b"\xff", "WITHIN": b"<\xff>"}
