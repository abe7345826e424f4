"""Dashboards for Grafana: how the service is, what `muster monitor` sees of the system, how a release does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, ReduceDataOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, Row, ThresholdsConfig
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from muster.alerting.series import BUDGET, RATIO, Watched, of_level, ratio, span
from muster.objectives.openslo import WatchedLevel
from muster.system.metrics import Metrics, selector

_HEIGHT = 7
_WIDTH = 24  # columns of a dashboard
_SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
_GREEN, _YELLOW, _RED, _GREY = "green", "yellow", "red", "text"


def dashboards(watched: Watched) -> dict[str, str]:
    """Each dashboard as JSON, by the name of its file.

    Raises:
        UsageError: the OpenSLO file cannot be read or is wrong.
    """
    found = {"service.json": _service(watched), "monitor.json": _monitor(watched)}
    if watched.system.metrics is not None:
        found["release.json"] = _release(watched, watched.system.metrics)
    return {name: _text(dashboard) for name, dashboard in found.items()}


def _text(dashboard: Dashboard) -> str:
    return json.dumps(dashboard.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _begun(watched: Watched, what: str) -> Dashboard:
    name = watched.system.name
    return (
        Dashboard(f"{name}: {what}")
        .uid(f"muster-{name}-{what}"[:40])
        .tags(["muster", name])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("utc")
        .with_variable(DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )


def _service(watched: Watched) -> Dashboard:
    """Service levels first, then who answers, then what fires."""
    made = _begun(watched, "service")
    if watched.levels:
        made.with_row(Row("Service levels"))
    for level in watched.levels:
        made.with_panel(_budget_left(watched, level)).with_panel(_burn_rate(watched, level))
    metrics = watched.system.metrics
    if metrics is not None:
        made.with_row(Row("Requests and pods"))
        panels = []
        if metrics.requests is not None and metrics.errors is not None:
            panels.append(
                _lines(
                    "Requests",
                    "Answered by all pods, and those of them that were answered badly.",
                    [(f"sum(rate({metrics.requests}[1m]))", "all"), (f"sum(rate({metrics.errors}[1m]))", "bad")],
                    unit="reqps",
                )
            )
        panels.append(
            _lines(
                "Pods that answer Prometheus",
                "By workload.",
                [(f"sum({watched.up(name)}) or vector(0)", name) for name in metrics.targets],
            )
        )
        for panel in panels:
            made.with_panel(panel.span(_WIDTH // len(panels)))
    made.with_row(Row("Alerts"))
    query = f'ALERTS{{alertstate="firing", system="{watched.system.name}", severity!="none"}}'
    made.with_panel(
        statetimeline.Panel()
        .title("Alerts that fire")
        .datasource(_SOURCE)
        .height(_HEIGHT)
        .span(_WIDTH)
        .with_target(_query(query, "{{severity}} {{alertname}} {{slo}}{{workload}}", "A"))
        .thresholds(_steps([(None, _RED)]))
        .no_value("none fires")
    )
    return made


def _budget_left(watched: Watched, level: WatchedLevel) -> stat.Panel:
    days = f" of {level.period_s / 86400:g} days" if level.period_s else ""
    return (
        stat.Panel()
        .title(f"{level.title}: error budget left")
        .description(f"Target {level.target:.6g}{days}. Below 0 more was bad than may be.")
        .datasource(_SOURCE)
        .height(_HEIGHT)
        .span(6)
        .unit("percentunit")
        .with_target(_query(of_level(watched, level, BUDGET), "left", "A"))
        .thresholds(_steps([(None, _RED), (0.0, _YELLOW), (0.25, _GREEN)]))
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("unknown")
    )


def _burn_rate(watched: Watched, level: WatchedLevel) -> timeseries.Panel:
    allowed = 1 - level.target
    windows = dict.fromkeys(span(seconds) for alert in level.alerts for seconds in alert.lookbacks_s)
    names = [(ratio(window), f"over {window}") for window in windows] or [(RATIO, "over 5m")]
    queries = [(f"{of_level(watched, level, name)} / {allowed:.6g}", legend) for name, legend in names]
    levels = sorted({alert.threshold for alert in level.alerts})
    shown = [(None, _GREEN), *((one, _YELLOW) for one in levels[:-1]), *((one, _RED) for one in levels[-1:])]
    panel = _lines(
        f"{level.title}: burn rate",
        "How many times as fast as it may the error budget burns. The lines are where somebody is told.",
        queries,
    )
    return panel.span(18).thresholds(_steps(shown)).thresholds_style(_dashed())


def _monitor(watched: Watched) -> Dashboard:
    """What `muster monitor` sees, and whether it looks at all."""
    of = watched.of_monitor
    made = _begun(watched, "monitor")
    made.with_row(Row("At a glance"))
    for title, query, unit, steps in (
        (
            "Last look",
            f"time() - {of('muster_monitor_look_timestamp_seconds')}",
            "s",
            [(None, _GREEN), (60.0, _YELLOW), (120.0, _RED)],
        ),
        ("The service, as clients see it", of("muster_service_up"), "", [(None, _RED), (1.0, _GREEN)]),
        ("Alerts of the monitor", f"sum({of('muster_alerts')})", "", [(None, _GREEN), (1.0, _RED)]),
        ("Cannot be seen", of("muster_monitor_blind"), "", [(None, _GREEN), (1.0, _YELLOW)]),
        ("Faults of drills in force", of("muster_faults_in_force"), "", [(None, _GREY), (1.0, _YELLOW)]),
        ("Not told yet", of("muster_monitor_untold"), "", [(None, _GREEN), (1.0, _RED)]),
    ):
        panel = (
            stat.Panel()
            .title(title)
            .datasource(_SOURCE)
            .height(5)
            .span(4)
            .unit(unit)
            .with_target(_query(query, "", "A"))
            .thresholds(_steps(steps))
            .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
            .no_value("unknown")
        )
        if title.startswith("The service"):
            panel = panel.mappings(
                [ValueMap(options={"1": ValueMappingResult(text="answers"), "0": ValueMappingResult(text="fails")})]
            )
        made.with_panel(panel)
    made.with_row(Row("Checks"))
    made.with_panel(
        statetimeline.Panel()
        .title("Checks: fine, finding, unknown")
        .datasource(_SOURCE)
        .height(16)
        .span(_WIDTH)
        .with_target(_query(of("muster_check"), "{{check}}", "A"))
        .thresholds(_steps([(None, _GREEN), (1.0, _RED), (2.0, _YELLOW)]))
        .mappings(
            [
                ValueMap(
                    options={
                        "0": ValueMappingResult(text="fine"),
                        "1": ValueMappingResult(text="finding"),
                        "2": ValueMappingResult(text="unknown"),
                    }
                )
            ]
        )
    )
    made.with_panel(_lines("Findings", "By severity.", [(of("muster_findings"), "{{severity}}")]).span(12)).with_panel(
        _lines("How long a look takes", "", [(of("muster_monitor_look_seconds"), "a look")], unit="s").span(12)
    )
    return made


def _release(watched: Watched, metrics: Metrics) -> Dashboard:
    """The version that is being released beside the one that is there, by what their pods count."""
    made = _begun(watched, "release").time("now-3h", "now").refresh("10s")
    per_track = "{{track}}"
    panels = []
    if metrics.requests is not None and metrics.errors is not None:
        every, bad = (f"sum by (track) (rate({one}[1m]))" for one in (metrics.requests, metrics.errors))
        panels += [
            _lines("Requests", "Answered by the pods of each version.", [(every, per_track)], unit="reqps"),
            _lines(
                "Share that is answered badly",
                "A version without requests has none.",
                # A counter that has not begun is none: nothing was bad yet.
                [(f"({bad} or 0 * {every}) / ({every} > 0)", per_track)],
                unit="percentunit",
            ),
        ]
    if metrics.seconds is not None:
        buckets = selector(metrics.seconds).promql("_bucket")
        slowest = f"histogram_quantile(0.95, sum by (le, track) (rate({buckets}[1m])))"
        panels.append(
            _lines("95 % are answered within", "Of the answers of each version.", [(slowest, per_track)], unit="s")
        )
    if panels:
        made.with_row(Row("What clients get"))
    for panel in panels:
        made.with_panel(panel.span(_WIDTH // len(panels)))
    made.with_row(Row("Pods"))
    each, per_workload = "by (workload, track)", "{{workload}} {{track}}"
    up, memory = watched.of_pods("up"), watched.of_pods("process_resident_memory_bytes")
    cpu = f"max {each} (rate({watched.of_pods('process_cpu_seconds_total')}[1m]))"
    for title, description, query, unit in (
        ("Pods that answer Prometheus", "By workload and version.", f"sum {each} ({up})", "short"),
        ("Memory", "Of the pod that uses most.", f"max {each} ({memory})", "bytes"),
        ("Processors", "Of the pod that uses most.", cpu, "short"),
    ):
        made.with_panel(_lines(title, description, [(query, per_workload)], unit=unit).span(_WIDTH // 3))
    return made


def _lines(
    title: str, description: str, queries: Sequence[tuple[str, str]], *, unit: str = "short"
) -> timeseries.Panel:
    panel = (
        timeseries.Panel().title(title).description(description).datasource(_SOURCE).height(_HEIGHT).unit(unit).min(0)
    )
    for number, (query, legend) in enumerate(queries):
        panel = panel.with_target(_query(query, legend, chr(ord("A") + number)))
    return panel


def _query(expr: str, legend: str, name: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(name).datasource(_SOURCE)


def _steps(steps: Iterable[tuple[float | None, str]]) -> ThresholdsConfig:
    made = [Threshold(value=value, color=colour) for value, colour in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def _dashed() -> GraphThresholdsStyleConfig:
    return GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
