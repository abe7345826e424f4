"""The part `monitoring` of system.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from muster.base.errors import UsageError
from muster.system.monitoring import Monitoring

URL = "http://alertmanager.example:9093"


def test_what_is_left_out_has_a_default() -> None:
    monitoring = Monitoring.model_validate({"alertmanager": {"url": f"{URL}/"}})
    assert (monitoring.kind, monitoring.server.url) == ("alertmanager", URL)
    assert (monitoring.server.every_s, monitoring.server.limit_s, monitoring.server.matchers) == (0.5, 2.0, {})
    assert Monitoring.model_validate({"prometheus": {"url": URL}}).kind == "prometheus"


def test_the_documented_examples_fit() -> None:
    text = (Path(__file__).parents[2] / "docs/detection.md").read_text()
    examples = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    kinds = [Monitoring.model_validate(example["monitoring"]).kind for example in examples]
    assert kinds == ["alertmanager", "prometheus"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "one of 'alertmanager' and 'prometheus'"),
        ({"alertmanager": {"url": URL}, "prometheus": {"url": URL}}, "one of 'alertmanager' and 'prometheus'"),
        ({"alertmanager": {}}, "url"),
        ({"alertmanager": {"url": "alertmanager:9093"}}, "url"),
        ({"alertmanager": {"url": "http://"}}, "what stands before '/api'"),
        ({"alertmanager": {"url": f"{URL}/?x=1"}}, "what stands before '/api'"),
        ({"alertmanager": {"url": "http://host:99999"}}, "Port out of range"),
        ({"alertmanager": {"url": "http://me:secret@alertmanager.example"}}, "a secret does not belong here"),
        ({"alertmanager": {"url": URL, "matchers": {"alertname": "X"}}}, "each drill names its alert itself"),
        ({"alertmanager": {"url": URL, "matchers": {"a-b": "X"}}}, "matchers"),
        ({"alertmanager": {"url": URL, "matchers": {"severity": 1}}}, "matchers"),
        ({"alertmanager": {"url": URL, "every_s": 0.01}}, "every_s"),
        ({"alertmanager": {"url": URL, "every_s": 60}}, "every_s"),
        ({"alertmanager": {"url": URL, "limit_s": 0}}, "limit_s"),
        ({"alertmanager": {"url": URL, "token": "s3cret"}}, "token"),
        ({"alertmanager": {"url": URL, "token_env": "Bearer x"}}, "token_env"),
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Monitoring.model_validate(said)


def test_an_address_may_be_what_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monitoring = Monitoring.model_validate({"alertmanager": {"url": {"env": "OUR_ALERTMANAGER"}}})
    monkeypatch.delenv("OUR_ALERTMANAGER", raising=False)
    assert not monitoring.server.is_there
    assert monitoring.server.named == "$OUR_ALERTMANAGER"
    assert monitoring.resolved() == monitoring
    with pytest.raises(UsageError, match="environment variable OUR_ALERTMANAGER holds, which is not set"):
        _ = monitoring.server.address
    monkeypatch.setenv("OUR_ALERTMANAGER", f"{URL}/")
    assert (monitoring.server.is_there, monitoring.server.address) == (True, URL)
    assert monitoring.resolved().server.url == URL
    monkeypatch.setenv("OUR_ALERTMANAGER", "http://me:secret@x")
    with pytest.raises(UsageError) as error:
        _ = monitoring.server.address
    assert "secret" not in str(error.value)
