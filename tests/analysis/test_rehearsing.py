"""A rehearsal is watched as its plan says, as far as looks and samples can be had so soon."""

from __future__ import annotations

import pytest

from muster.analysis.rehearsing import scaled
from muster.system.release_analysis import TRIGGERS, ReleaseAnalysis


def test_in_earnest_nothing_is_other_than_system_yaml_says() -> None:
    settings = ReleaseAnalysis()
    assert scaled(settings, 1) is settings


def test_a_rehearsal_asks_for_fewer_samples_and_never_for_next_to_none() -> None:
    found = scaled(ReleaseAnalysis(), 60)
    assert found.error_rate is not None
    assert found.failed_agents is not None
    assert (found.error_rate.least, found.error_rate.limit, found.failed_agents.least) == (30, 0.005, 1)
    slower = scaled(ReleaseAnalysis(), 2)
    assert slower.error_rate is not None
    assert slower.error_rate.least == 150


@pytest.mark.parametrize("scale", [60.0, 600.0])
def test_looks_and_holds_are_no_shorter_than_they_can_be(scale: float) -> None:
    settings = ReleaseAnalysis()
    found = scaled(settings, scale)
    assert found.every_s / scale >= 1
    assert found.hold_s / scale >= 10 or found.hold_s == settings.hold_s
    assert found.alpha == settings.alpha
    assert found.names() == settings.names() == TRIGGERS
