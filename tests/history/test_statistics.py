"""The statistics against their definitions, not against other code."""

from __future__ import annotations

import pytest

from muster.history.statistics import spread


def test_one_outlier_moves_neither_median_nor_spread_much() -> None:
    calm = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02]
    middle, width = spread([*calm, 500.0])
    assert middle == pytest.approx(1.01, abs=0.03)
    assert width < 0.2
