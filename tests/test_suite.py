"""What all tests rely on: no property is held against the clock."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def test_a_slow_machine_fails_no_property() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
