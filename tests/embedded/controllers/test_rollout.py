"""The arithmetic of rolling updates: whatever happens on the way, the limits hold and the end is reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.embedded.controllers import rollout
from muster.embedded.controllers.rollout import Limits, Old


def deployment(replicas: int, surge: int | str, unavailable: int | str) -> dict:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "limits"),
    [
        (10, "25%", "25%", Limits(3, 2)),
        (1, "25%", "25%", Limits(1, 0)),
        (3, 1, 0, Limits(1, 0)),
        (4, "0%", "10%", Limits(0, 1)),
        (2, 0, 5, Limits(0, 2)),
    ],
)
def test_limits_round_as_kubernetes_does(replicas, surge, unavailable, limits: Limits) -> None:
    assert rollout.limits(deployment(replicas, surge, unavailable)) == limits


@given(
    wanted=st.integers(1, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    old=st.integers(0, 14),
    readiness=st.lists(st.booleans(), min_size=80, max_size=80),
)
def test_a_rollout_keeps_its_limits_and_comes_to_its_end(wanted, surge, unavailable, old, readiness) -> None:
    if surge == 0 and unavailable == 0:
        unavailable = 1
    unavailable = min(unavailable, wanted)
    old, new, new_available = min(old, wanted), 0, 0
    started_with = old
    for is_ready in readiness:
        new = rollout.new_size(wanted=wanted, new=new, total=old + new, surge=surge)
        assert old + new <= wanted + surge
        sizes = rollout.old_sizes(
            [Old("old", old, old)] if old else [],
            wanted=wanted,
            unavailable=unavailable,
            new=new,
            new_available=new_available,
        )
        old = sizes.get("old", old)
        assert old + new_available >= min(wanted - unavailable, started_with), "too few pods are available"
        if is_ready and new_available < new:
            new_available += 1
    if sum(readiness) > 4 * wanted:
        assert (old, new) == (0, wanted)


def test_broken_old_pods_go_first() -> None:
    olds = [Old("broken", 2, 0), Old("good", 3, 3)]
    assert rollout.old_sizes(olds, wanted=4, unavailable=1, new=1, new_available=1)["broken"] == 0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 40))
def test_shares_add_up(sizes: list[int], wanted: int) -> None:
    shares = rollout.proportions(sizes, wanted)
    assert sum(shares) == wanted
    assert all(abs(share - size * wanted / sum(sizes)) < 1 for share, size in zip(shares, sizes, strict=True))
