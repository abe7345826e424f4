"""What clients of a struck Service see, compared with what they saw on a real Kubernetes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conformance.datapath import STRIKES, Stretch, difference, phases, recorded, strike

RECORDING = json.loads((Path(__file__).parent / "conformance" / "datapath.json").read_text())["cases"]
REAL = {name: recorded(case) for name, case in RECORDING.items()}
RATE = 50.0
ATTEMPTS = 3
LATE_S = 0.05
TOGETHER = (
    (
        "forced deletion of the only pod",
        "SIGKILL of the only container's process",
        "SIGSTOP of the only container's process for 3 s",
        "SIGKILL of one container's process of three",
    ),
    ("forced deletion of one pod of three", "rollout restart of two"),
    # Alone: when rules are written is the same for all Services, and here it is what clients feel.
    ("graceful deletion of the only pod (2 s)",),
    ("scale to none",),
)


def test_every_strike_of_the_recording_is_struck() -> None:
    assert set(REAL) == set(STRIKES) == {name for names in TOGETHER for name in names}


@pytest.mark.parametrize("names", TOGETHER, ids=["killed and stopped", "replaced", "deleted", "scaled"])
def test_clients_see_what_they_see_on_a_real_cluster(cluster, names: tuple[str, ...]) -> None:
    """A run is one draw of many, on a machine that has other work: each strike has a few, of which one must fit."""
    told: dict[str, list[str]] = {name: [] for name in names}
    left, calm = list(names), 0
    for _ in range(ATTEMPTS):
        watched = strike(cluster, left, rate=RATE)
        for name in left:
            told[name].append(difference(watched[name].stretches, RATE, REAL[name]))
        left = [name for name in left if told[name][-1]]
        if not left:
            return
        calm += all(watched[name].late_s < LATE_S for name in left)
    if calm < 2:
        pytest.skip("this machine is too busy to watch by the hundredth of a second")
    pytest.fail("\n".join(f"{name}: {told[name]}" for name in left))


@pytest.mark.parametrize("name", REAL)
def test_each_run_of_the_recording_could_be_one_of_the_others(name: str) -> None:
    for run in REAL[name]:
        assert difference(run, 100, REAL[name]) == ""


def stretches(*rows: tuple[str, float, float, int]) -> list[Stretch]:
    return [Stretch(*row) for row in rows]


@pytest.mark.parametrize(
    ("name", "seen", "why"),
    [
        ("scale to none", [], "order: nobody is hurt"),
        ("scale to none", stretches(("refused", 2.1, 6, 390)), "order: refused, on a real cluster"),
        ("rollout restart of two", stretches(("refused", 1, 1.2, 20)), "order: refused, on a real cluster nobody is"),
        ("SIGKILL of the only container's process", stretches(("reset", 0, 1.5, 150)), "kinds: 150 were reset"),
        ("SIGKILL of the only container's process", stretches(("refused", 0, 0.9, 90)), "refused until 0.90 s"),
        ("SIGKILL of the only container's process", stretches(("refused", 2, 3, 90)), "refused from 2.00 s"),
        ("graceful deletion of the only pod (2 s)", stretches(("refused", 2.1, 2.2, 3)), "it flatters"),
    ],
)
def test_a_run_that_could_not_be_one_of_them_is_told(name: str, seen: list[Stretch], why: str) -> None:
    assert why in difference(seen, 100, REAL[name])


def test_phases_join_what_belongs_together() -> None:
    seen = stretches(
        ("timeout", -0.1, -0.1, 1),
        ("reset", 0, 0, 1),
        ("refused", 0, 1, 90),
        ("timeout", 1, 1, 2),
        ("refused", 1, 2, 9),
    )
    assert phases(seen, 100) == stretches(("refused", 0, 2, 100))
