"""Spans on their way to a collector, by OTLP over HTTP: what OpenTelemetry's own environment variables name.

Needs the extra `otel` (`pip install 'pytest-muster[otel]'`). Nothing is sent where neither OTEL_EXPORTER_OTLP_ENDPOINT
nor OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set; headers, timeout and certificates are OpenTelemetry's to read.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable

from muster.base.errors import MusterError
from muster.report.spans import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class SpansError(MusterError):
    """The spans did not reach the collector."""


def is_wanted() -> bool:
    """Whether a collector is named."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(os.environ.get(name) for name in ENDPOINTS)


def send(spans: Iterable[Span]) -> int:
    """Send spans with all that is in them, and return how many that were.

    Where TRACEPARENT is set, as a pipeline that is traced itself does, they belong to that trace.

    Raises:
        SpansError: the extra is not installed, or the collector did not take them in time.
    """
    try:
        exporting = importlib.import_module("muster.report.otlp_export")  # which needs the extra, and takes its time
    except ModuleNotFoundError as error:
        missing = "OpenTelemetry is not installed; install it with: pip install 'pytest-muster[otel]'"
        raise SpansError(missing) from error
    try:
        taken, number = exporting.export(spans)
    except Exception as error:
        raise SpansError(f"spans cannot be sent: {type(error).__name__}: {error}") from error
    if not taken:
        named = next(name for name in ENDPOINTS if os.environ.get(name))
        raise SpansError(f"the collector that {named} names did not take {number} spans")
    return int(number)
