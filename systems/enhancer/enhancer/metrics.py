"""All metrics of both programs, for Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

REQUESTS = Counter("enhancer_requests", "Requests answered", ["method", "route", "status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram(
    "enhancer_request_seconds",
    "Time to answer an admitted request",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
    registry=REGISTRY,
)
SHED = Counter("enhancer_shed_requests", "Requests refused by the admission limit", registry=REGISTRY)
INDETERMINATE = Counter("enhancer_indeterminate_writes", "Writes whose durability could not be told", registry=REGISTRY)
CONNECTIONS = Gauge("enhancer_database_connections", "Open database connections", ["pool"], registry=REGISTRY)
REPOINTS = Counter(
    "enhancer_database_repoints", "Times that another database was found behind the address", registry=REGISTRY
)
SETTINGS = Info("enhancer_settings", "Version of the settings in force", registry=REGISTRY)
SETTINGS_REFUSED = Gauge(
    "enhancer_settings_refused", "1 while the settings file is broken and older ones are in force", registry=REGISTRY
)
AGENTS_AVAILABLE = Gauge(
    "enhancer_agents_available", "Agents with a fresh heart-beat, NaN if the database does not tell", registry=REGISTRY
)
AGENTS_RELEASED = Counter(
    "enhancer_agents_released", "Agents of silent workers that an operator released", registry=REGISTRY
)
WORKFLOWS_STUCK = Gauge(
    "enhancer_workflows_stuck",
    "Workflows that do not get on, counted to 1000, NaN if the database does not tell",
    registry=REGISTRY,
)
WORKFLOWS_RESUMED = Counter(
    "enhancer_workflows_resumed", "Times that an operator made a workflow's next phase due", registry=REGISTRY
)
AGENTS_HELD = Gauge("enhancer_agents_held", "Agents at work in this process", registry=REGISTRY)
AGENTS_FAILED = Gauge(
    "enhancer_agents_failed", "Agents at work here that failed at their last phase", registry=REGISTRY
)
AGENTS_INCOMPATIBLE = Gauge(
    "enhancer_agents_incompatible",
    "Workers whose protocol this process does not speak, NaN if the database does not tell",
    registry=REGISTRY,
)
PHASES_DONE = Counter("enhancer_phases", "Phases recorded by this process", ["phase"], registry=REGISTRY)
PHASE_FAILURES = Counter("enhancer_phase_failures", "Phases that failed or could not be recorded", registry=REGISTRY)


def settings(version: str, *, failed: bool) -> None:
    """Publish which settings are in force."""
    SETTINGS.info({"version": version})
    SETTINGS_REFUSED.set(1 if failed else 0)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
