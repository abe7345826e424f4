"""Manifests are read whole, or refused in one sentence with file and line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster.base.documents import DEEPEST
from muster.base.errors import MusterError
from muster.system.manifests import read_manifests, workload_names
from muster.system.names import replicas

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n"
LED = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n"


def read(directory: Path, text: str | bytes) -> list[dict[str, Any]]:
    (directory / "all.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifests(directory, "shop")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (MAP.replace("{name: a}", ""), "line 3: ConfigMap has no metadata.name"),
        (MAP.replace("{name: a}", "text"), "line 3: ConfigMap has no metadata.name"),
        (MAP.replace("{name: a}", "[name]"), "line 3: ConfigMap has no metadata.name"),
        (MAP.replace("name: a", "name: 1"), "line 3: metadata.name of ConfigMap must be a text"),
        (MAP.replace("name: a", "name: [a]"), "line 3: metadata.name of ConfigMap must be a text"),
        (MAP.replace("name: a", "name: a/b"), "line 3: metadata.name of ConfigMap must be a text"),
        (MAP.replace("kind: ConfigMap", "kind: [ConfigMap]"), "line 2: 'kind' must be a text"),
        (MAP.replace("ConfigMap", "ConfigMpa"), "line 2: kind 'ConfigMpa' is not known to muster"),
        (MAP.replace("apiVersion: v1\n", ""), "line 1: the apiVersion of ConfigMap must be v1, not none"),
        (MAP.replace("v1", "v2"), "line 1: the apiVersion of ConfigMap must be v1, not 'v2'"),
        (MAP.replace("name: a", "name: a, namespace: other"), "line 3: ConfigMap 'a' is of namespace 'other', and"),
        (MAP.replace("name: a", "name: a, namespace: 1"), "line 3: metadata.namespace of ConfigMap 'a' must be a text"),
        (
            MAP.replace("ConfigMap", "Namespace"),
            "line 3: Namespace 'a' is of namespace 'a', and the system lives in 'sh",
        ),
        (f"{MAP}---\n{MAP}", "line 5: ConfigMap 'a' for the second time, after manifest"),
        (f"{MAP}data: {{a: x, a: y}}\n", "line 4: 'a' stands here for the second time"),
        (f"{MAP}data: {{80: x}}\n", "line 4: a key that YAML does not take for a text"),
        (f"{MAP}data: {{yes: x}}\n", "line 4: a key that YAML does not take for a text"),
        (f"{MAP}data: {{a: !!binary eHg=}}\n", "line 4: a value of the YAML type !!binary"),
        (f"{MAP}data: {{a: !!timestamp 2024-01-01}}\n", "line 4: a value of the YAML type !!timestamp"),
        (f"{MAP}data: !!set {{a}}\n", "line 4: a value of the YAML type !!set"),
        (f"{MAP}data: {{a: !!int x}}\n", "line 4: this value makes no sense as YAML"),
        (f'{MAP}data: {{a: "\\ud800"}}\n', "line 4: a character that no text may hold"),
        (f"{MAP}data: {{a: .nan}}\n", "line 1: ConfigMap 'a' holds a number that is none"),
        (f"{MAP}data: &a {{a: *a}}\n", "line 4: an anchor stands within itself"),
        (f"{MAP}data: {'[' * DEEPEST}{']' * DEEPEST}\n", "line 4: it nests deeper than"),
        (f"{MAP}data: {'[' * 5000}", "it nests deeper than"),
        ("kind: List\nitems:\n", "line 2: a List must have 'items'"),
        ("kind: List\nitems: {}\n", "line 2: a List must have 'items'"),
        ("kind: List\nitems: []\n", "line 2: a List must have 'items'"),
        ("kind: List\nitems:\n- null\n", "line 3: not a Kubernetes object"),
        ("kind: List\nitems:\n- kind: List\n  items:\n  - kind: 1\n", "line 5: 'kind' must be a text"),
        ("- kind: ConfigMap", "line 1: not a Kubernetes object (no 'kind')"),
        ("text", "line 1: not a Kubernetes object (no 'kind')"),
        ("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: a}\nspec:\n", "line 4: Deployment 'a' has no spec"),
        (MAP.replace("name: a", "name: a, labels: [x]"), "line 3: 'metadata.labels' of ConfigMap 'a' is wrong: input"),
        (
            f"{MAP}data: {{port: 80}}\n",
            "line 4: 'data.port' of ConfigMap 'a' is wrong: input should be a valid string (",
        ),
        (
            f"{WEB}  replicas: two\n",
            "line 5: 'spec.replicas' of Deployment 'a' is wrong: input should be a valid integer",
        ),
        (f"{WEB}  selector: text\n", "line 5: 'spec.selector' of Deployment 'a' is wrong"),
        (f"{WEB}  selector: {{matchExpressions: [{{key: a, operator: Is}}]}}\n", "line 5: 'spec.selector.matchExpr"),
        (f"{WEB}  template: [x]\n", "line 5: 'spec.template' of Deployment 'a' is wrong"),
        (f"{WEB}  template:\n    spec:\n      containers: [null]\n", "line 7: 'spec.template.spec.containers.0' of"),
        (f"{WEB}  template:\n    spec:\n      volumes: [x]\n", "line 7: 'spec.template.spec.volumes.0' of Deployment"),
        (
            f"{WEB}  template:\n    spec:\n      containers:\n      - name: a\n        env: [{{name: X, value: 1}}]\n",
            "line 9: 'spec.template.spec.containers.0.env.0.value' of Deployment 'a' is wrong: input should be",
        ),
        (f"{LED}  selector: 7\n", "line 5: 'spec.selector' of Service 'a' is wrong"),
        (
            f"{LED}  ports: [{{port: 80, targetPort: [x]}}]\n",
            "line 5: 'spec.ports.0.targetPort' of Service 'a' is wrong",
        ),
        (f"{LED}  ports: [{{name: web}}]\n", "line 5: 'spec.ports.0.port' of Service 'a' is missing"),
        (b"kind: Andr\xe9", "line 1: not UTF-8"),
        ("kind: [", "line 1: not YAML"),
        (f"{MAP}data: {{a: %x}}", "line 4: not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, text: str | bytes, wrong: str) -> None:
    with pytest.raises(MusterError, match=rf"^manifest {re.escape(str(tmp_path))}/all.yaml(, |: ){re.escape(wrong)}"):
        read(tmp_path, text)


def test_a_date_is_a_text_as_it_is_to_kubectl(tmp_path: Path) -> None:
    (found,) = read(tmp_path, f"{MAP}data: {{day: 2024-01-01, odd: 2024-13-45, at: 2001-12-14t21:59:43.10-05:00}}\n")
    assert found["data"] == {"day": "2024-01-01", "odd": "2024-13-45", "at": "2001-12-14t21:59:43.10-05:00"}


def test_objects_come_one_by_one_those_first_that_others_need(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("# nothing\n---\n")
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {}}
    listed = {"kind": "List", "items": [deployment, yaml.safe_load(MAP)]}
    objects = read(
        tmp_path, f"---\n{yaml.safe_dump(listed)}---\n\n---\n{MAP.replace('name: a', 'name: b, namespace: shop')}"
    )
    assert [item["metadata"]["name"] for item in objects] == ["a", "b", "a"]
    assert workload_names(objects) == [("Deployment", "a")]


def test_no_value_of_a_secret_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(MusterError, match=r"data\.pin") as refused:
        read(tmp_path, MAP.replace("ConfigMap", "Secret") + "data: {pin: 47110815}\n")
    assert "47110815" not in str(refused.value)


def test_one_that_says_no_number_of_replicas_has_one(tmp_path: Path) -> None:
    (found,) = read(tmp_path, f"{WEB}  replicas:\n")
    assert replicas(found) == 1


def test_the_same_name_is_no_second_object_where_the_kind_is_another(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"{MAP}---\n{MAP.replace('ConfigMap', 'Secret')}")) == 2


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.sampled_from(["v1", "apps/v1"]) | VALUE,
        "kind": st.sampled_from(["ConfigMap", "Deployment", "List", "Namespace"]) | VALUE,
        "metadata": st.fixed_dictionaries({}, optional={"name": st.just("a") | VALUE, "namespace": VALUE}) | VALUE,
        "items": VALUE,
        "spec": VALUE,
    },
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=60) | st.text(max_size=60) | st.lists(OBJECT, min_size=1, max_size=2))
def test_whatever_a_file_holds_it_is_manifests_or_one_sentence(tmp_path: Path, content: Any) -> None:
    text = content if isinstance(content, bytes | str) else yaml.safe_dump_all(content)
    try:
        objects = read(tmp_path, text.encode(errors="surrogatepass") if isinstance(text, str) else text)
    except MusterError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(item["metadata"]["name"], str) and json.dumps(item, allow_nan=False) for item in objects)
