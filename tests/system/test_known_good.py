"""Good versions of a ConfigMap are kept in the cluster, and nothing is lost of them but the oldest."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.system.known_good import (
    KEY,
    MOST_BYTES,
    MOST_VERSIONS,
    Content,
    KnownGood,
    KnownGoodError,
    changes,
    keep,
    known_good,
    store_name,
)

KEYS = st.sampled_from(["settings.yaml", "rules", "logo.png"])
BINARY = st.binary(max_size=9).map(lambda value: base64.b64encode(value).decode())
# No key is in both: no API server has it otherwise.
CONTENTS = st.builds(
    Content,
    st.dictionaries(KEYS, st.text(max_size=20), max_size=3),
    st.dictionaries(st.sampled_from(["key.bin", "logo.png"]), BINARY, max_size=2),
).filter(lambda content: not content.data.keys() & content.binary.keys())


def version(text: str, reported: Any = None) -> KnownGood:
    return KnownGood(Content({"settings.yaml": text}), "2026-01-02T03:04:05Z", "ann", "it ran", reported or text)


def stored(cluster: Cluster, namespace: str) -> dict[str, Any]:
    return cluster.get("ConfigMap", store_name("shop"), namespace)


def texts(cluster: Cluster, namespace: str) -> list[str]:
    return [kept.content.data["settings.yaml"] for kept in known_good(cluster, namespace, "shop")]


@given(CONTENTS, CONTENTS)
def test_changes_are_told_just_where_contents_differ(old: Content, new: Content) -> None:
    assert bool(changes(old, new)) == (old != new)
    assert (old.digest == new.digest) == (old == new)


@given(CONTENTS, st.none() | st.text() | st.integers())
def test_a_version_comes_back_as_it_was_written(content: Content, reported: Any) -> None:
    good = KnownGood(content, "2026-01-02T03:04:05Z", "ann", "it ran", reported)
    assert KnownGood.from_json(json.loads(json.dumps(good.to_json()))) == good


def test_changes_name_what_is_other() -> None:
    old = Content({"settings.yaml": "rate: 1\n", "rules": "a", "gone": ""}, {"logo.png": "AA=="})
    new = Content({"settings.yaml": "rate: x\n", "logo.png": "a", "more": ""}, {"rules": "AA=="})
    assert changes(old, new) == [
        "gone was removed",
        "logo.png is a text now",
        "more is new",
        "settings.yaml line 1: rate: 1 -> x",
        "rules is binary now",
    ]
    assert changes(Content({}, {"key": "AA=="}), Content({}, {"key": "AQ=="})) == ["key (binary) was changed"]


def test_the_newest_comes_first_and_the_oldest_goes(cluster: Cluster, namespace: str) -> None:
    assert known_good(cluster, namespace, "shop") == []
    for number in range(MOST_VERSIONS + 2):
        assert keep(cluster, namespace, "shop", version(f"v{number}"))
    assert texts(cluster, namespace) == [f"v{number}" for number in range(MOST_VERSIONS + 1, 1, -1)]
    labels = stored(cluster, namespace)["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/managed-by": "muster", "muster.dev/known-good": "shop"}


def test_what_is_the_newest_already_is_not_written_again(cluster: Cluster, namespace: str) -> None:
    assert keep(cluster, namespace, "shop", version("v1"))
    before = stored(cluster, namespace)["metadata"]["resourceVersion"]
    assert not keep(cluster, namespace, "shop", version("v1"))
    assert stored(cluster, namespace)["metadata"]["resourceVersion"] == before


def test_what_was_good_before_is_the_newest_again(cluster: Cluster, namespace: str) -> None:
    for text in ("v1", "v2", "v1"):
        assert keep(cluster, namespace, "shop", version(text))
    assert texts(cluster, namespace) == ["v1", "v2", "v1"]


def test_an_entry_is_never_replaced_by_another_version_of_the_same_content(cluster: Cluster, namespace: str) -> None:
    keep(cluster, namespace, "shop", version("v1", reported="its own"))
    keep(cluster, namespace, "shop", version("v2"))
    for _ in range(2):  # neither as an older entry nor as the newest
        with pytest.raises(RefusedError, match=r"not kept with version other: .* with version its own; .* delete Conf"):
            keep(cluster, namespace, "shop", version("v1", reported="other"))
        keep(cluster, namespace, "shop", version("v1", reported="its own"))
    assert [kept.reported for kept in known_good(cluster, namespace, "shop")] == ["its own", "v2", "its own"]


def test_a_version_is_added_to_a_content_that_was_kept_without_one_and_never_taken_away(
    cluster: Cluster, namespace: str
) -> None:
    nameless = KnownGood(Content({"settings.yaml": "v1"}), "2026-01-02T03:04:05Z", "ann", "it ran")
    assert keep(cluster, namespace, "shop", nameless)
    assert keep(cluster, namespace, "shop", version("v1"))
    assert not keep(cluster, namespace, "shop", nameless)
    assert [kept.reported for kept in known_good(cluster, namespace, "shop")] == ["v1"]


def test_binary_data_is_kept_with_the_text(cluster: Cluster, namespace: str) -> None:
    content = Content({"a": "text"}, {"b": base64.b64encode(bytes(range(256))).decode()})
    keep(cluster, namespace, "shop", KnownGood(content, "2026-01-02T03:04:05Z", "ann", "it ran"))
    assert known_good(cluster, namespace, "shop")[0].content == content


def test_older_versions_make_room_and_what_has_none_is_refused(cluster: Cluster, namespace: str) -> None:
    half = MOST_BYTES // 2 - 1000
    for letter in "abc":
        keep(cluster, namespace, "shop", version(letter * half, reported=letter))
    assert [text[0] for text in texts(cluster, namespace)] == ["c", "b"]
    with pytest.raises(RefusedError, match=r"ConfigMap shop is too large to be kept: .* there is room for 683 KiB"):
        keep(cluster, namespace, "shop", version("d" * MOST_BYTES, reported="d"))
    assert [text[0] for text in texts(cluster, namespace)] == ["c", "b"]


def test_of_many_who_keep_at_once_none_loses_another_s(cluster: Cluster, namespace: str) -> None:
    names = [f"v{number}" for number in range(MOST_VERSIONS)]
    with ThreadPoolExecutor(len(names)) as pool:
        assert all(pool.map(lambda name: keep(cluster, namespace, "shop", version(name)), names))
    assert sorted(texts(cluster, namespace)) == names


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text.replace("known-good/v1", "known-good/v9"),
        lambda text: text.replace("rate: 1", "rate: 2"),
        lambda text: text.replace('"binaryData": {}', '"binaryData": []'),
    ],
)
def test_what_cannot_be_understood_is_neither_used_nor_overwritten(
    cluster: Cluster, namespace: str, spoil: Any
) -> None:
    keep(cluster, namespace, "shop", version("rate: 1"))
    text = stored(cluster, namespace)["data"][KEY]
    assert spoil(text) != text
    cluster.patch("ConfigMap", store_name("shop"), namespace, {"data": {KEY: spoil(text)}})
    with pytest.raises(
        KnownGoodError, match=r"ConfigMap muster-known-good-shop keeps cannot be understood .* delete it"
    ):
        known_good(cluster, namespace, "shop")
    with pytest.raises(KnownGoodError):
        keep(cluster, namespace, "shop", version("v2"))
    assert stored(cluster, namespace)["data"][KEY] == spoil(text)
