"""What is wrong must be so for a while, and a refusal of excess load is no fault of the pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.clock import VirtualClock
from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.recovery.seen_by_clients import LOOKS, lasting, unanswered
from muster.safety import AuditLog
from muster.steps import Context
from muster.system import read_system

ROOT = Path(__file__).resolve().parents[2]
Answer = tuple[int, str]
GOOD, EMPTY, BROKEN, SHED = (200, '{"workflows": []}'), (200, "{}"), (500, "{}"), (503, "{}")


class _Service(ThreadingHTTPServer):
    answers: list[Answer]


class _Handler(BaseHTTPRequestHandler):
    server: _Service

    def do_GET(self) -> None:
        status, body = self.server.answers[0] if len(self.server.answers) == 1 else self.server.answers.pop(0)
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """What clients of a service see that gives these answers, the last one for ever."""
    with _Service(("127.0.0.1", 0), _Handler) as service:
        thread = Thread(target=service.serve_forever, args=(0.05,))
        thread.start()
        cluster = cast("Cluster", SimpleNamespace(context="none"))  # not asked
        url = f"http://127.0.0.1:{service.server_address[1]}"
        system = read_system(ROOT / "systems" / "enhancer")
        context = Context(cluster, system, system.namespace, None, AuditLog(tmp_path / "audit.jsonl"), url)

        def ask(*answers: Answer) -> str:
            service.answers = list(answers)
            return unanswered(context)

        yield ask
        service.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([GOOD], ""),
        ([SHED, GOOD], ""),
        ([GOOD, BROKEN, GOOD], f"1 of {LOOKS} requests /workflows?limit=3 failed, the last one with error: 500"),
        ([GOOD, EMPTY], "2 of 3 requests /workflows?limit=3 failed, the last one with wrong: 'workflows' is not there"),
        ([BROKEN, SHED], f"1 of {LOOKS} requests /workflows?limit=3 failed, the last one with error: 500"),
    ],
    ids=["well", "some are refused for overload", "one fails", "answered wrongly", "one fails, others are refused"],
)
def test_each_answer_must_be_right(seen: Callable[..., str], answers: list[Answer], said: str) -> None:
    assert seen(*answers).startswith(said)
    assert bool(seen(*answers)) is bool(said)


def test_where_all_are_refused_for_overload_it_says_what_would_help(seen: Callable[..., str]) -> None:
    with pytest.raises(RefusedError, match=f"each of {LOOKS} requests was refused for overload; .* add-capacity"):
        seen(SHED)


@given(st.lists(st.sampled_from(["", "down", "slow"]), min_size=3, max_size=3))
def test_only_what_every_look_finds_is_wrong(looks: list[str]) -> None:
    clock, left = VirtualClock(), list(looks)
    began = clock.now()
    said = lasting(lambda: left.pop(0), clock=clock)
    assert said == (looks[-1] if all(looks) else "")
    assert clock.now() - began == min([2.0, *(float(index) for index, look in enumerate(looks) if not look)])
