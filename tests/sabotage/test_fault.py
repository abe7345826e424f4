"""A fault that did not strike, or healed before it could hurt, proves nothing about a recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .holding import Sabotaged

# Which of them depends on how long it lasted; each says that the recovery had nothing to do.
HEALED = "(fault 'agent-failure-heals' (landed and healed at once|was undone|was taken back)|the platform healed alone)"


@pytest.mark.sabotage("silent_db_failure", drill="db_failure")
def test_an_injection_that_silently_fails_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends(
        "unknown", ".*fault 'db-failure-silent' did not land within 5 s: pod db-a-0 of primary db-a is ready"
    )
    assert sabotaged.entry["fault"]["landed"] is not True


@pytest.mark.sabotage("silent_pod_crash", drill="pod_crash")
def test_an_injection_without_its_effect_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", ".*fault 'pod-crash-silent' did not land within 10 s: no container of app=api crashes")
    assert sabotaged.entry["fault"]["landed"] is not True


@pytest.mark.sabotage("heals_at_once", drill="config_corruption")
def test_a_fault_that_lands_and_heals_at_once_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", HEALED)


@pytest.mark.sabotage("experiment_gives_up", drill="agent_failure")
def test_a_fault_that_its_own_experiment_takes_back_proves_no_recovery(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "fault 'agent-failure' was (undone|taken back)")
