"""What the SDK of OpenTelemetry does with spans that are over; it needs the extra `otel`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from muster.report.spans import Span

NS_OF_MS = 1_000_000


def export(spans: Iterable[Span]) -> tuple[bool, int]:
    """Send spans, and say whether the collector took them, and how many they were."""
    made = _made(spans)
    exporter = OTLPSpanExporter()
    try:
        return not made or exporter.export(made) is SpanExportResult.SUCCESS, len(made)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


def _made(spans: Iterable[Span]) -> Sequence[ReadableSpan]:
    name = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "muster"}
    provider, kept = TracerProvider(resource=Resource.create(name)), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    carrier = {"traceparent": parent} if (parent := os.environ.get("TRACEPARENT")) else {}
    above = TraceContextTextMapPropagator().extract(carrier)
    for span in spans:
        _add(provider.get_tracer("muster"), span, above)
    return kept.get_finished_spans()


def _add(tracer: Tracer, span: Span, above: Context) -> None:
    attributes: dict[str, Any] = dict(span.attributes)
    one = tracer.start_span(span.name, above, attributes=attributes, start_time=span.start_ms * NS_OF_MS)
    for at, what in span.events:
        one.add_event(what, timestamp=at * NS_OF_MS)
    one.set_status(Status(StatusCode.OK if span.fine else StatusCode.ERROR))
    for child in span.children:
        _add(tracer, child, set_span_in_context(one, above))
    one.end(span.end_ms * NS_OF_MS)
