"""A file of OpenSLO v1 becomes the objectives of a drill; what is wrong in it is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.base.errors import UsageError
from muster.objectives import Objective
from muster.objectives.openslo import ServiceLevels, read_openslo
from muster.objectives.openslo.schema import seconds

FILE = Path(__file__).with_name("slo.yaml")
DAY = 86_400


@pytest.fixture(scope="module")
def levels() -> ServiceLevels:
    return read_openslo(FILE)


def objective(levels: ServiceLevels, name: str) -> Objective:
    return next(one for one in levels.objectives if one.name == name)


def test_a_ratio_by_reference_is_an_availability_with_a_budget(levels: ServiceLevels) -> None:
    found = objective(levels, "api-availability")
    assert (found.measure, found.target, found.period_s) == ("availability", 0.9995, 28 * DAY)
    assert found.samples_needed == 2000
    assert found.budget_share == 0.1
    assert found.windows == ("before", "after")
    assert found.source == "slo.yaml, document 4"
    assert not found.each_second


def test_conditions_of_a_policy_are_lookbacks_of_one_alert(levels: ServiceLevels) -> None:
    fast, slow = objective(levels, "api-availability").burn_alerts
    assert (fast.name, fast.threshold, fast.lookbacks_s, fast.windows) == ("fast-burn", 14.4, (3600, 300), ("after",))
    assert (slow.name, slow.threshold, slow.lookbacks_s, slow.windows) == ("slow-burn", 6, (21_600, 1800), ())
    assert (fast.alert_after_s, slow.alert_after_s) == (0, 120)


def test_a_threshold_on_latency_is_a_ratio_of_fast_answers(levels: ServiceLevels) -> None:
    found = objective(levels, "reads-fast")
    assert (found.measure, found.target, found.threshold_s) == ("fast_answers", 0.95, 1.0)
    assert found.requests == ("GET /items*",)
    assert found.windows == ("after",)
    assert found.period_s == 30 * DAY


def test_several_targets_of_one_service_level_are_objectives_of_their_own(levels: ServiceLevels) -> None:
    agreed, own = objective(levels, "orders.agreed-with-shops"), objective(levels, "orders.our-own")
    assert (agreed.measure, agreed.threshold_s, agreed.target) == ("fast_requests", 0.5, 0.99)
    assert own.target == 0.999
    assert own.period_s is None


def test_what_a_drill_cannot_measure_is_left_out_and_told(levels: ServiceLevels) -> None:
    why = {one.name: one.why for one in levels.unmeasured}
    assert why["queue-length"].startswith("its metric is of type Prometheus, which a drill cannot ask")
    assert why["minutes"].startswith("its budgeting method Timeslices counts slices of minutes")
    assert len(why) == 2


def test_an_objective_survives_the_timeline(levels: ServiceLevels) -> None:
    for one in levels.objectives:
        assert Objective.model_validate(one.model_dump(mode="json")) == one


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("5m", 300),
        ("1h", 3600),
        ("28d", 28 * DAY),
        ("4w", 28 * DAY),
        ("1M", 30 * DAY),
        ("1Q", 91 * DAY),
        ("1Y", 365 * DAY),
    ],
)
def test_durations(told: str, expected: float) -> None:
    assert seconds(told) == expected


@pytest.mark.parametrize("told", ["", "5", "m", "5s", "1.5h", "-1d", "1 h", "5m\n", "99999999d"])
def test_what_is_no_duration_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="right would be a whole number"):
        seconds(told)


WRONG = [
    # what is changed, into what, and what is said: document, line, key
    ("kind: Service\n", "kind: Servise\n", "document 1, line 3: 'kind' is 'Servise', which openslo/v1 does not know"),
    (
        "apiVersion: openslo/v1\nkind: Service",
        "apiVersion: openslo/v1alpha\nkind: Service",
        "document 1, line 2: 'apiVersion' is 'openslo/v1alpha'; right would be openslo/v1",
    ),
    ("targetPercent: 99.95", "targetPercent: 100", "document 4, line 34: 'spec.objectives.0.targetPercent' is wrong"),
    ("targetPercent: 99.95", "target: 99.95", "document 4, line 34: 'spec.objectives.0.target' is wrong"),
    ("targetPercent: 99.95", "goal: 99.95", "document 4, line 34: 'spec.objectives.0.goal' is not a key"),
    (", targetPercent: 99.95", "", "line 34: 'spec.objectives.0' must hold either 'target' or 'targetPercent'"),
    (
        "indicatorRef: answered\n  timeWindow: [{duration: 28d",
        "indicatorRef: told\n  timeWindow: [{duration: 28d",
        "document 4, line 31: 'spec.indicatorRef' names SLI 'told', which is not in this file (there are: answered)",
    ),
    (
        "duration: 28d",
        "duration: 28 days",
        "document 4, line 32: 'spec.timeWindow.0.duration' is '28 days'; right would be",
    ),
    ("28d, isRolling: true", "28d", "line 32: 'spec.timeWindow.0' must be rolling"),
    (
        "alertPolicyRef: fast-burn",
        "alertPolicyRef: slow",
        "line 36: 'spec.alertPolicies.0.alertPolicyRef' names AlertPolicy 'slow'",
    ),
    (
        "threshold: 6, lookbackWindow: 30m",
        "threshold: 3, lookbackWindow: 30m",
        "'spec.alertPolicies.1.spec.conditions.1' has the threshold 3, not 6 as the first condition",
    ),
    ("threshold: 14.4", "threshold: high", "document 6, line 65: 'spec.condition.threshold' is wrong"),
    ("kind: burnrate, op: gt,", "kind: average, op: gt,", "document 6, line 65: 'spec.condition.kind' is wrong"),
    (
        "short-window: 5m",
        "short-window: 2h",
        "line 62: 'metadata.annotations.muster.dev/short-window' is 2h; right would be",
    ),
    ("short-window: 5m", "short: 5m", "'metadata.annotations.muster.dev/short' is not known to muster"),
    (
        "muster.dev/windows: after",
        "muster.dev/windows: later",
        "'metadata.annotations.muster.dev/windows' says 'later'",
    ),
    ('budget-share: "0.1"', 'budget-share: "10 %"', "is '10 %'; right would be a ratio"),
    (
        "measure: successes",
        "measure: beauty",
        "document 3, line 18: 'spec.ratioMetric.good.metricSource.spec.measure' is wrong",
    ),
    ("measure: successes", "measure: slow", "makes no ratio (good: slow, total: requests)"),
    ("within_s: 0.5, ", "", "'spec.indicator.spec.ratioMetric.good.metricSource.spec.within_s' is missing"),
    (
        "measure: requests, requests: [POST /orders]",
        "measure: requests",
        "metricSource.spec.requests' counts other requests than",
    ),
    ("op: lt, value: 1000", "op: gt, value: 1000", "'spec.objectives.0.op' is gt, which would find slow answers good"),
    ("op: lt, value: 1000, ", "op: lt, ", "'spec.objectives.0.value' is missing: a threshold metric needs it"),
    ("value: 1000", "value: 0", "'spec.objectives.0.value' is 0; right would be a time"),
    (
        "{name: orders}",
        "{name: api-availability}",
        "'metadata.name' is 'api-availability', as is the SLO of document 4",
    ),
    ("{name: orders}", "{name: over all}", "'metadata.name' is wrong"),
    ("budgetingMethod: Timeslices", "budgetingMethod: Slices", "'spec.budgetingMethod' is wrong"),
    (
        "service: shop\n  indicatorRef",
        "service: shop\n  service: shop\n  indicatorRef",
        "line 31: 'service' stands here for the second",
    ),
    ("kind: Service\n", "kind: [Service\n", "not YAML"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG, ids=[said[:60] for _, _, said in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "slo.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError) as raised:
        read_openslo(path)
    told = str(raised.value)
    assert told.startswith(str(path))
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no service level"),
        ("# nothing\n---\n---\n", "holds no service level"),
        ("- a\n", "document 1, line 1: an OpenSLO document is a mapping"),
        ("kind: SLO\n", "document 1, line 1: 'apiVersion' is missing"),
        ("apiVersion: 1\nkind: SLO\nmetadata: {name: a}\nspec: {}\n", "line 1: 'apiVersion' is wrong"),
        ("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n", "line 4: 'spec' is wrong"),
        ("---\n---\nkind: SLO\n", "document 2, line 3"),
    ],
)
def test_files_that_hold_nothing_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"slo\.yaml") as raised:
        read_openslo(path)
    assert said in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read: No such file"):
        read_openslo(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"kind: \xff\n")
    with pytest.raises(UsageError, match="is not UTF-8"):
        read_openslo(tmp_path / "bytes.yaml")


JUNK = st.sampled_from([None, True, 0, -1, 1.5, "", "x", "a b", [], ["x"], {}, {"x": 1}, [{}], [None], float("nan")])


def places(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in nested dictionaries and lists something stands."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    found = [at] if at else []
    for key, value in items:
        found += places(value, (*at, key))
    return found


@settings(max_examples=40)
@given(st.data())
def test_whatever_stands_in_a_file_is_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    documents = list(yaml.safe_load_all(FILE.read_text()))
    *way, last = data.draw(st.sampled_from(places(documents)))
    parent = documents
    for key in way:
        parent = parent[key]
    if data.draw(st.booleans()):
        parent[last] = data.draw(JUNK)
    else:
        del parent[last]
    path = tmp_path_factory.mktemp("junk") / "slo.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    try:
        read_openslo(path)
    except UsageError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)


def test_an_alert_that_can_never_fire_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text(FILE.read_text().replace("targetPercent: 99.95", "targetPercent: 90"))
    levels = read_openslo(path)
    left_out = next(one for one in levels.unmeasured if one.name == "api-availability/fast-burn")
    assert left_out.why == "it can never fire: with every request bad the burn rate is 10"
    assert [alert.name for alert in objective(levels, "api-availability").burn_alerts] == ["slow-burn"]


def test_a_policy_that_does_not_alert_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text(FILE.read_text().replace("alertWhenBreaching: true", "alertWhenBreaching: false"))
    unmeasured = [one.name for one in read_openslo(path).unmeasured]
    assert "api-availability/slow-burn" in unmeasured
