"""What keeps a system from being taken for steady."""

from __future__ import annotations

import pytest

from muster.base.errors import ClusterError
from muster.drill.checks import SteadyCheck


def test_a_cluster_that_does_not_answer_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([ClusterError("the cluster does not answer"), None])

    def objects(_self: SteadyCheck) -> str | None:
        answer = next(answers)
        if answer is not None:
            raise answer
        return answer

    monkeypatch.setattr(SteadyCheck, "__init__", lambda _self: None)
    for name, look in (("_requests", lambda _self: None), ("_objects", objects), ("_beside", lambda _self: "")):
        monkeypatch.setattr(SteadyCheck, name, look)
    check = SteadyCheck()  # type: ignore[call-arg]
    assert not check.holds()
    assert check.trouble == "the cluster does not answer"
    assert check.holds()
