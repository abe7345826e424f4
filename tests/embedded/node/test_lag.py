"""A running pod is shown a changed ConfigMap as late as was asked for, and a new pod what is there."""

from __future__ import annotations

import pytest

from muster.base.errors import UsageError
from muster.embedded.node import lag


def test_nothing_is_late_unless_asked_for() -> None:
    assert lag.from_environment({}) == lag.from_environment({lag.VARIABLE: ""}) == 0
    assert lag.of_pod("uid", 0) == 0


@pytest.mark.parametrize("said", ["soon", "-1", "inf", "nan"])
def test_what_is_no_time_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match=r"MUSTER_EMBEDDED_CONFIG_LAG_S is '.*'; right would be a number of seconds"):
        lag.from_environment({lag.VARIABLE: said})


def test_each_pod_has_a_share_of_its_own_that_stays() -> None:
    shares = [lag.of_pod(f"uid-{number}", 90) for number in range(200)]
    assert shares == [lag.of_pod(f"uid-{number}", 90) for number in range(200)]
    assert min(shares) < 10
    assert max(shares) > 80
    assert all(0 <= share <= 90 for share in shares)
