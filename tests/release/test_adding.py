"""What both versions have done is added up: nothing is counted twice, nothing goes back, whatever pods do meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from muster.release.adding import MOST_KINDS, OTHER, Adding
from muster.release.counting import Counted


def told(requests: float, failed: float = 0.0) -> Counted:
    slow = requests / 2
    return Counted(requests, failed, {"/a": (requests, failed)}, requests, {0.1: slow, 1.0: requests}, failed)


def test_a_pod_that_was_there_before_counts_from_the_first_look() -> None:
    adding = Adding()
    adding.add({"a": ("stable", told(1000, 7)), "b": ("canary", told(10))})
    adding.add({"a": ("stable", told(1100, 8)), "b": ("canary", told(15))})
    assert (adding.totals["stable"].requests, adding.totals["stable"].failed) == (100, 1)
    assert adding.totals["stable"].kinds == {"/a": [100, 1]}
    assert adding.totals["stable"].buckets == {"0.1": 50, "1.0": 100}
    assert adding.totals["canary"].requests == 5


def test_a_pod_that_started_meanwhile_counts_from_its_start() -> None:
    adding = Adding()
    adding.add({"a": ("canary", told(12, 2))}, new_since=frozenset({"a"}))
    assert (adding.totals["canary"].requests, adding.totals["canary"].failed) == (12, 2)
    adding.add({"a": ("canary", told(15, 2))}, new_since=frozenset({"a"}))
    assert adding.totals["canary"].requests == 15


def test_nobody_seen_is_no_count_and_not_zero() -> None:
    adding = Adding()
    adding.add({})
    assert adding.totals["canary"].requests is None
    adding.add({"a": ("canary", Counted())})
    assert adding.totals["canary"].requests is None


def test_one_that_started_anew_counts_from_zero() -> None:
    adding = Adding()
    adding.add({"a": ("canary", told(100, 0))})
    adding.add({"a": ("canary", told(20, 5))})
    assert (adding.totals["canary"].requests, adding.totals["canary"].failed) == (20, 5)


def test_all_of_what_started_anew_counts_from_zero_also_what_is_above_what_it_was() -> None:
    adding = Adding()
    adding.add({"a": ("canary", told(100, 2))})
    adding.add({"a": ("canary", told(60, 30))})
    assert (adding.totals["canary"].requests, adding.totals["canary"].failed) == (60, 30)


def test_what_one_that_started_anew_no_longer_tells_is_not_what_it_told_before() -> None:
    adding = Adding()
    adding.add({"a": ("canary", Counted(100, 0, {"/a": (50, 0), "/b": (50, 0)}))})
    adding.add({"a": ("canary", Counted(5, 0, {"/a": (5, 0)}))})
    adding.add({"a": ("canary", Counted(75, 0, {"/a": (15, 0), "/b": (60, 0)}))})
    assert adding.totals["canary"].kinds == {"/a": [15, 0], "/b": [60, 0]}


def test_one_that_is_not_seen_for_a_while_is_waited_for() -> None:
    adding = Adding()
    adding.add({"a": ("stable", told(10))})
    adding.add({})
    adding.add({"a": ("stable", told(30))})
    assert adding.totals["stable"].requests == 20


def test_a_phase_begins_at_what_was_counted_last() -> None:
    adding = Adding()
    adding.add({"a": ("canary", told(10))})
    adding.begin()
    assert adding.totals["canary"].requests is None
    adding.add({"a": ("canary", told(13))})
    assert adding.totals["canary"].requests == 3


@dataclass
class Pod:
    """A pod of the model: what it has counted since its start, and what it had when it started anew."""

    side: str
    young: bool
    requests: float = 0.0
    failed: float = 0.0
    seen: bool = False
    since: list[float] = field(default_factory=lambda: [0.0, 0.0])  # what is to count of it


class Looks(RuleBasedStateMachine):
    """Pods come, answer, start anew and go, and are looked at now and then, by one process and then by another."""

    @initialize()
    def begin(self) -> None:
        self.adding = Adding()
        self.pods: dict[str, Pod] = {}
        self.gone: list[Pod] = []
        self.number = 0
        self.before = {"stable": (0.0, 0.0), "canary": (0.0, 0.0)}

    @rule(side=st.sampled_from(["stable", "canary"]), young=st.booleans(), had=st.integers(0, 50))
    def comes(self, side: str, young: bool, had: int) -> None:
        self.number += 1
        pod = Pod(side, young, requests=0.0 if young else float(had))
        self.pods[f"pod-{self.number}"] = pod

    @precondition(lambda self: self.pods)
    @rule(data=st.data(), good=st.integers(0, 20), bad=st.integers(0, 5))
    def answers(self, data: st.DataObject, good: int, bad: int) -> None:
        pod = self.pods[data.draw(st.sampled_from(sorted(self.pods)))]
        pod.requests += good + bad
        pod.failed += bad
        if pod.seen or pod.young:
            pod.since[0] += good + bad
            pod.since[1] += bad

    @precondition(lambda self: any(pod.seen and pod.requests for pod in self.pods.values()))
    @rule(data=st.data())
    def starts_anew_and_is_seen_at_once(self, data: st.DataObject) -> None:
        names = sorted(name for name, pod in self.pods.items() if pod.seen and pod.requests)
        pod = self.pods[data.draw(st.sampled_from(names))]
        self.look()  # what is between the last look and the restart nobody can know
        pod.requests = pod.failed = 0.0
        self.look()

    @precondition(lambda self: self.pods)
    @rule(data=st.data())
    def goes(self, data: st.DataObject) -> None:
        self.look()
        self.gone.append(self.pods.pop(data.draw(st.sampled_from(sorted(self.pods)))))

    @rule(random=st.randoms(use_true_random=False), hidden=st.booleans())
    def looked_at(self, random: object, hidden: bool) -> None:
        assert hasattr(random, "choice")
        self.look(random.choice(sorted(self.pods)) if hidden and self.pods else "")

    @rule()
    def another_one_goes_on(self) -> None:
        self.adding = Adding(json.loads(json.dumps(self.adding.state)))

    def look(self, hidden: str = "") -> None:
        seen = {name: (pod.side, told(pod.requests, pod.failed)) for name, pod in self.pods.items() if name != hidden}
        self.adding.add(seen, new_since=frozenset(name for name, pod in self.pods.items() if pod.young))
        for name in seen:
            self.pods[name].seen = True

    @invariant()
    def what_is_added_up_is_what_was_done(self) -> None:
        for side in ("stable", "canary"):
            total = self.adding.totals[side]
            now = total.requests or 0.0, total.failed or 0.0
            assert now[0] >= self.before[side][0] and now[1] >= self.before[side][1], "it went back"
            assert now[1] <= now[0]
            self.before[side] = now

    def teardown(self) -> None:
        if not hasattr(self, "pods"):
            return
        self.look()
        for side in ("stable", "canary"):
            wanted = [pod.since for pod in (*self.pods.values(), *self.gone) if pod.side == side]
            total = self.adding.totals[side]
            assert (total.requests or 0.0) == pytest.approx(sum(one[0] for one in wanted))
            assert (total.failed or 0.0) == pytest.approx(sum(one[1] for one in wanted))
            assert sum(every for every, _ in total.kinds.values()) == pytest.approx(total.requests or 0.0)


TestLooks = Looks.TestCase
TestLooks.settings = settings(max_examples=60, stateful_step_count=30)


def kinds(numbers: range, every: float) -> Counted:
    return Counted(every * len(numbers), 0.0, {f"/items/{number}": (every + number, 1.0) for number in numbers})


def test_of_very_many_kinds_the_most_asked_are_told_apart_and_the_others_are_one() -> None:
    adding = Adding()
    adding.add({"a": ("canary", kinds(range(200), 0))}, new_since=frozenset({"a"}))
    told = adding.totals["canary"].kinds
    assert set(told) == {OTHER, *(f"/items/{number}" for number in range(200 - MOST_KINDS, 200))}
    assert told[OTHER] == [sum(range(200 - MOST_KINDS)), 200 - MOST_KINDS]
    later = Adding(json.loads(json.dumps(adding.state)))
    later.add({"a": ("canary", kinds(range(300), 1000))})
    grown = later.totals["canary"].kinds
    assert set(grown) == set(told), "which are told apart would change, and with it what each counts"
    assert all(grown[kind][0] > told[kind][0] for kind in told)


def test_a_kind_that_comes_later_is_told_apart_while_there_is_room() -> None:
    adding = Adding()
    adding.add({"a": ("canary", kinds(range(1), 5))}, new_since=frozenset({"a"}))
    adding.add({"a": ("canary", kinds(range(3), 7))})
    assert adding.totals["canary"].kinds == {"/items/0": [7, 1], "/items/1": [8, 1], "/items/2": [9, 1]}


def test_what_is_known_of_many_pods_and_kinds_fits_into_an_object_of_the_cluster() -> None:
    adding = Adding()
    counted = Counted(1e7, 1e5, {f"/api/v1/things/{kind} GET": (1e6 + kind, 1e5) for kind in range(200)}, 1e7)
    adding.add({f"web-7d4b9c6f5-{number:05d}": (("stable", "canary")[number % 2], counted) for number in range(100)})
    assert len(json.dumps(adding.state, indent=1)) < 600_000  # of 1 MiB


@given(st.permutations(range(6)))
def test_pods_may_be_seen_in_any_order(order: list[int]) -> None:
    adding = Adding()
    for count in (10.0, 20.0):
        for number in order:
            adding.add({f"pod-{number}": ("stable", told(count * number))})
    assert adding.totals["stable"].requests == 150
