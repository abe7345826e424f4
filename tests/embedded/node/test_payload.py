from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from muster.embedded.node.sources import MissingSourceError, Sources
from muster.embedded.node.volumes.payload import File, payload_of, write
from muster.embedded.node.volumes.tokens import PodTokens
from muster.embedded.resources import CONFIGMAPS, NAMESPACES, SECRETS
from muster.embedded.store import Store

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "1", "labels": {"a": "b"}}, "spec": {}}
TOKENS = PodTokens(POD, None)


@pytest.fixture
def sources() -> Sources:
    store = Store()
    store.create(NAMESPACES, {"metadata": {"name": "n"}})
    store.create(CONFIGMAPS, {"metadata": {"name": "conf", "namespace": "n"}, "data": {"a": "1", "b": "2"}})
    store.create(SECRETS, {"metadata": {"name": "sec", "namespace": "n"}, "data": {"t": "czM="}})
    return Sources(store, "n")


def test_config_maps_are_whole_or_chosen(sources: Sources) -> None:
    assert payload_of({"configMap": {"name": "conf"}}, POD, sources, TOKENS) == {
        "a": File(b"1", 0o644),
        "b": File(b"2", 0o644),
    }
    chosen = {"configMap": {"name": "conf", "items": [{"key": "b", "path": "x/y", "mode": 0o400}]}}
    assert payload_of(chosen, POD, sources, TOKENS) == {"x/y": File(b"2", 0o400)}


def test_a_projected_volume_joins_its_sources(sources: Sources) -> None:
    volume = {
        "projected": {
            "defaultMode": 0o600,
            "sources": [
                {"configMap": {"name": "conf", "items": [{"key": "a", "path": "a"}]}},
                {"secret": {"name": "sec"}},
                {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            ],
        }
    }
    found = payload_of(volume, POD, sources, TOKENS)
    assert {path: file.content for path, file in found.items()} == {"a": b"1", "t": b"s3", "labels": b'a="b"'}
    assert {file.mode for file in found.values()} == {0o600}


@pytest.mark.parametrize(
    "source", [{"name": "absent"}, {"name": "conf", "items": [{"key": "absent", "path": "p"}]}], ids=["object", "key"]
)
def test_what_is_missing_is_named_unless_it_is_optional(sources: Sources, source: dict) -> None:
    with pytest.raises(MissingSourceError, match="absent"):
        payload_of({"configMap": source}, POD, sources, TOKENS)
    assert payload_of({"configMap": {**source, "optional": True}}, POD, sources, TOKENS) == {}


def test_files_are_replaced_all_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"0", 0o644), "b": File(b"0", 0o644)})
    torn = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                directory = os.open(tmp_path / "..data", os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                both = [Path(f"/proc/self/fd/{directory}/{name}").read_bytes() for name in ("a", "b")]
            except FileNotFoundError:
                continue  # the old directory went while we looked; a new look finds the new one
            finally:
                os.close(directory)
            if both[0] != both[1]:
                torn.append(both)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 100):
        content = str(number).encode()
        write(tmp_path, {"a": File(content, 0o644), "b": File(content, 0o644)})
    stop.set()
    reader.join()
    assert not torn
    assert (tmp_path / "a").read_text() == "99"


def test_files_that_are_no_longer_wanted_go(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1", 0o600), "d/e": File(b"2", 0o644)})
    assert (tmp_path / "d/e").read_text() == "2"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    write(tmp_path, {"b": File(b"3", 0o644)})
    assert sorted(entry.name for entry in tmp_path.iterdir() if not entry.name.startswith("..")) == ["b"]
    assert len([entry for entry in tmp_path.iterdir() if entry.name.startswith("..")]) == 2
