"""Spans of drills at a collector that speaks OTLP over HTTP: what arrives, and what is said where none does."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from muster.report.allure import read_tale
from muster.report.otlp import SpansError, is_wanted, send
from muster.report.spans import Span, span_of, walk
from muster.report.testing import told_run


class Collector:
    """A collector on loopback; `status` is what it answers."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[ExportTraceServiceRequest]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                outer.got.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def spans(self) -> list[Any]:
        scopes = [scope for one in self.got for resource in one.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("TRACEPARENT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    with Collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
        yield running


def drill(tmp_path: Path, story: str = "met", **changes: Any) -> Span:
    directory = tmp_path / "reports" / "20200101T000000Z-a"
    (entry,) = told_run(directory, {story: changes})
    span = span_of(read_tale(entry, directory, tmp_path), {"muster.system": "enhancer"})
    assert span is not None
    return span


def test_a_drill_holds_its_phases_and_they_its_steps(tmp_path: Path, collector: Collector) -> None:
    told = drill(tmp_path)
    assert send([told]) == len(list(walk(told))) == len(collector.spans)
    by_name = {span.name: span for span in collector.spans}
    root = by_name["drill met"]
    told_of = {one.key: one.value for one in root.attributes}
    assert told_of["muster.verdict"].string_value == "met"
    assert told_of["muster.rto_s"].double_value == pytest.approx(6.6, abs=0.2)
    for span in collector.spans:
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
        assert span.trace_id == root.trace_id
    (resource,) = {one.resource_spans[0].resource.SerializeToString() for one in collector.got}
    assert b"muster" in resource


def test_a_pipeline_that_is_traced_itself_finds_the_drill_in_its_own_trace(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", f"00-{'ab' * 16}-{'cd' * 8}-01")
    send([drill(tmp_path)])
    assert {span.trace_id.hex() for span in collector.spans} == {"ab" * 16}
    assert [span.name for span in collector.spans if span.parent_span_id.hex() == "cd" * 8] == ["drill met"]


def test_a_drill_that_is_not_met_is_an_error(tmp_path: Path, collector: Collector) -> None:
    send([drill(tmp_path, "missed", declared={"rto_budget_s": 5.0})])
    assert {span.status.code for span in collector.spans if span.name == "drill missed"} == {2}


def test_a_collector_that_refuses_is_one_sentence(tmp_path: Path, collector: Collector) -> None:
    collector.status = 400
    with pytest.raises(SpansError, match="the collector that OTEL_EXPORTER_OTLP_ENDPOINT names did not take"):
        send([drill(tmp_path)])


def test_nothing_is_sent_where_nobody_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert not is_wanted()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert is_wanted()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not is_wanted()
