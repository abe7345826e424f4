"""The embedded cluster is a part of the harness: where it dies, nothing is proved, for or against the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .holding import Sabotaged

ALONE = True  # with its cluster other drills of the session would die


@pytest.mark.sabotage("cluster_dies", drill="pod_crash")
def test_a_cluster_of_musters_own_that_dies_is_unknown_and_not_missed(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the embedded cluster does not answer")
    assert sabotaged.entry["rto"]["value_s"] is None
