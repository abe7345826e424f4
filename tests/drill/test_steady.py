"""What keeps a system from being taken for steady."""

from __future__ import annotations

import pytest

from muster.base.errors import ClusterError
from muster.drill.checks import SteadyCheck
from muster.kube import ApiError


def looking(monkeypatch: pytest.MonkeyPatch, *answers: ClusterError | None) -> SteadyCheck:
    """A check to whose slower questions these are the answers, one after the other."""
    left = iter(answers)

    def objects(_self: SteadyCheck) -> str | None:
        answer = next(left)
        if answer is not None:
            raise answer
        return None

    monkeypatch.setattr(SteadyCheck, "__init__", lambda _self: None)
    for name, look in (("_requests", lambda _self: None), ("_objects", objects), ("_beside", lambda _self: "")):
        monkeypatch.setattr(SteadyCheck, name, look)
    return SteadyCheck()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "error",
    [ClusterError("it does not answer"), ApiError("it does not answer", code=503, reason="ServiceUnavailable")],
)
def test_a_cluster_that_does_not_answer_once_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, error: ClusterError
) -> None:
    check = looking(monkeypatch, error, None)
    assert not check.holds()
    assert check.trouble == "it does not answer"
    assert check.holds()


def test_one_that_refuses_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiError):
        looking(monkeypatch, ApiError("forbidden", code=403, reason="Forbidden")).holds()
