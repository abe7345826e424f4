"""`release.analysis` of system.yaml: defaults, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from muster.system.release_analysis import TRIGGERS, Memory, ReleaseAnalysis


def test_the_defaults_are_the_triggers_of_the_plan() -> None:
    found = ReleaseAnalysis()
    assert found.names() == TRIGGERS
    assert found.error_rate is not None
    assert found.latency is not None
    assert (found.error_rate.limit, found.latency.limit_s, found.latency.slower) == (0.005, 1.0, 0.05)
    limits = [getattr(found, name).limit for name in ("failed_agents", "workflow_errors", "cpu", "memory")]
    assert limits == [5, 10, 0.9, 0.9]


def test_the_docs_show_the_defaults() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/releasing.md").read_text()
    (shown,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "\n  analysis:" in block]
    assert ReleaseAnalysis.model_validate(yaml.safe_load(shown)["release"]["analysis"]) == ReleaseAnalysis()


def test_a_trigger_is_switched_off_by_null_and_the_others_stay() -> None:
    found = ReleaseAnalysis.model_validate({"failed_agents": None, "memory": {"limit": 0.8}})
    assert "failed_agents" not in found.names()
    assert found.memory == Memory(limit=0.8, compare="both", times=1.5, margin=0.2, looks=6, least=6)
    assert found.without("memory", "cpu").names() == ("error_rate", "latency", "workflow_errors")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (dict.fromkeys(TRIGGERS), "any release would do"),
        ({"alpha": 0.5}, "less than or equal to 0.2"),
        ({"error_rate": {"limit": 5}}, "less than 1"),
        ({"error_rate": {"compare": "nothing"}}, "'limit', 'stable' or 'both'"),
        ({"latency": {"times": 0.5}}, "greater than or equal to 1"),
        ({"eror_rate": {}}, "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ReleaseAnalysis.model_validate(wrong)
