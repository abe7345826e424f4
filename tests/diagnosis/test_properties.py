"""A diagnosis depends on what there is: not on its order, on names, or on what stands well beside it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.diagnosis import test_pods, test_traffic, test_well, test_workloads
from tests.diagnosis.building import CLUSTER_WIDE, LISTED, Object, node, snapshot

from muster.diagnosis import diagnose
from muster.snapshot import LogTail, Snapshot

ILL: dict[str, tuple[list[Object], tuple[LogTail, ...]]] = {
    f"{module.__name__.rpartition('.')[2]}: {name}": (scene.objects, scene.logs)
    for module in (test_pods, test_workloads, test_traffic)
    for name, scene in module.ALL.items()
}
WELL = {
    name: objects for name, objects in test_well.WELL.items() if not any(one["kind"] in CLUSTER_WIDE for one in objects)
}
KEYS = st.sampled_from(
    [
        "name",
        "type",
        "status",
        "conditions",
        "containers",
        "containerStatuses",
        "volumes",
        "template",
        "selector",
        "ports",
    ]
)
NEW_NAMES = st.from_regex(r"x[a-z]{2,7}q", fullmatch=True)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def taken(name: str) -> Snapshot:
    return snapshot(*ILL[name])


def said(kept: Snapshot, namespace: str = "shop") -> list[tuple[Any, ...]]:
    """What is found in a namespace and above it, with what it follows from, in no order."""
    diagnosis = diagnose(kept)
    assert not [one for one in diagnosis.unknown if one.what.startswith("check ")]
    return sorted(
        (*cause.ref, cause.severity, cause.finding.reason, cause.finding.since, sorted(str(diagnosis.causes[n].ref) for n in cause.follows_from))
        for cause in diagnosis.causes
        if cause.ref.namespace in (namespace, "")
    )  # fmt: skip


@FEW
@given(name=st.sampled_from(sorted(ILL)), random=st.randoms(use_true_random=False))
def test_the_order_in_which_objects_come_does_not_matter(name: str, random: Any) -> None:
    kept = taken(name)
    objects, logs = list(kept.objects), list(kept.logs)
    random.shuffle(objects)
    random.shuffle(logs)
    assert diagnose(replace(kept, objects=tuple(objects), logs=tuple(logs))).to_json() == diagnose(kept).to_json()


@FEW
@given(name=st.sampled_from(sorted(ILL)), space=NEW_NAMES, workload=NEW_NAMES)
def test_names_do_not_matter(name: str, space: str, workload: str) -> None:
    """Another namespace and another workload: the same is told, of others."""

    def renamed(text: str) -> str:
        return re.sub(r"\bweb\b", workload, re.sub(r"\bshop\b", space, text))

    kept = taken(name)
    whole = json.loads(renamed(json.dumps([list(kept.objects), [tail._asdict() for tail in kept.logs]])))
    logs = tuple(LogTail(**{**tail, "lines": tuple(tail["lines"])}) for tail in whole[1])
    other = replace(kept, namespace=space, objects=tuple(whole[0]), logs=logs)
    expected = sorted(json.loads(renamed(json.dumps(said(kept)))))
    assert json.loads(json.dumps(said(other, space))) == expected


@FEW
@given(name=st.sampled_from(sorted(ILL)), beside=st.lists(st.sampled_from(sorted(WELL)), max_size=4, unique=True))
def test_what_stands_well_beside_it_changes_nothing(name: str, beside: list[str]) -> None:
    """Each healthy state in a namespace of its own, and all namespaces looked at."""
    others = [
        moved(one, f"beside-{number}")
        for number, which in enumerate(beside)
        for one in snapshot(WELL[which]).objects
        if one["kind"] != "Node"
    ]
    kept = replace(taken(name), namespace="")
    diagnosis = diagnose(replace(kept, objects=(*kept.objects, *others)))
    assert {cause.ref.namespace for cause in diagnosis.causes if not cause.follows_from} <= {"shop", ""}
    assert said(replace(kept, objects=(*kept.objects, *others))) == said(kept)


def moved(item: Object, space: str) -> Object:
    about = item.get("involvedObject")
    return {
        **item,
        "metadata": {**item["metadata"], "namespace": space},
        **({"involvedObject": {**about, "namespace": space}} if about else {}),
    }


@FEW
@given(name=st.sampled_from(sorted(ILL)), random=st.randoms(use_true_random=False))
def test_whatever_is_missing_nothing_breaks(name: str, random: Any) -> None:
    """Any part of the objects, of the logs and of the kinds that were listed."""
    kept = taken(name)
    part = [item for item in kept.objects if random.random() < 0.7]
    listed = frozenset(kind for kind in sorted(LISTED) if random.random() < 0.7)
    said(replace(kept, objects=tuple(part), logs=kept.logs if random.random() < 0.5 else (), listed=listed))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "web", "n1", "x:y", "2026-11-27T19:50:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@FEW
@given(
    name=st.sampled_from(sorted(ILL)),
    number=st.integers(0, 9),
    part=st.sampled_from(["spec", "status"]),
    value=st.dictionaries(KEYS, VALUES, max_size=3),
)
def test_an_object_of_no_form_that_kubernetes_has_costs_its_check_only(
    name: str, number: int, part: str, value: Any
) -> None:
    objects = list(taken(name).objects)
    place = number % len(objects)
    objects[place] = {**objects[place], part: value}
    diagnosis = diagnose(replace(taken(name), objects=(*objects, node("n9"))))
    assert all(one.why.startswith("it failed with") for one in diagnosis.unknown)
