"""A procedure that was cut is gone on with by whoever comes next: what it did is done once, and by one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.steps.rehearsed import Bench, Rehearsal

from muster.base.clock import utc_iso
from muster.base.errors import ClusterError, RefusedError
from muster.kube import Cluster
from muster.safety.locks import PROCEDURE_NAME, ProcedureLock
from muster.safety.procedures import put_on_record
from muster.steps import NO_PARAMETERS, Context, Step


class CutError(BaseException):
    """The process is gone."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class Letters:
    """Sends a letter in each of three steps, by a token that is kept before: whoever gets one twice opens one."""

    name, summary = "letters", "for tests"
    parameters = NO_PARAMETERS

    def __init__(self, cut_at: int = -1) -> None:
        self.sent: list[str] = []
        self._tokens = 0
        self._moments = 0
        self._cut_at = cut_at

    def passes(self) -> None:
        """A moment at which it may be cut."""
        self._moments += 1
        if self._moments - 1 == self._cut_at:
            raise CutError

    def again(self, cut_at: int) -> None:
        self._moments, self._cut_at = 0, cut_at

    def steps(self, context: Context) -> Iterable[Step]:
        for number in range(3):
            yield Step(f"step {number}", lambda: True, lambda number=number: self._send(context, number), lambda: True)

    def _send(self, context: Context, number: int) -> str:
        self.passes()
        token = context.progress.once(f"letter {number}", self._make)
        self.passes()
        self.sent.append(token)
        self.passes()
        return token

    def _make(self) -> str:
        self._tokens += 1
        return f"token {self._tokens}"


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 9), max_size=6))
def test_however_often_it_is_cut_each_thing_is_done_under_one_token(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    bench, letters = Bench(tmp_path_factory.mktemp("letters")), Letters()
    for moment in cuts:
        letters.again(moment)
        try:
            bench.hold(letters)
        except CutError:
            assert [record.procedure for record in bench.cluster.begun()] == ["letters"]
        bench.path.unlink(missing_ok=True)
    letters.again(-1)
    before = len(bench.cluster.begun())
    assert bench.hold(letters).ok
    assert bench.cluster.begun() == []
    finished = sum(moment >= 9 for moment in cuts)  # runs that came to their end
    assert len(set(letters.sent)) == 3 * (finished + 1), (before, letters.sent)


def cut(bench: Bench, *steps: Step) -> None:
    def killed() -> str:
        raise CutError

    with pytest.raises(CutError):
        bench.run(*steps, Step("fence", lambda: True, killed, lambda: True))
    bench.path.unlink()


def test_what_was_done_is_on_record_with_who_did_it(bench: Bench) -> None:
    cut(bench, bench.step("stop"))
    (record,) = bench.cluster.begun()
    assert [(done.step, done.did) for done in record.done] == [("stop", "did stop")]
    assert record.done[0].by == record.by
    assert bench.run(bench.step("stop", needed=False), bench.step("fence")).ok


def test_one_that_was_cut_is_not_gone_on_with_under_other_arguments(bench: Bench) -> None:
    bench.arguments = {"pace": "slow"}
    cut(bench)
    bench.arguments = {"pace": "quick"}
    outcome = bench.run(bench.step("act"))
    assert outcome.why.startswith("refused: procedure 'rehearse' of ")
    assert "muster recover rehearse pace=slow --kube-context bench" in outcome.why
    assert bench.traces == []


def test_one_that_failed_is_tried_anew_and_keeps_what_it_knew(bench: Bench) -> None:
    tokens: list[str] = []
    held: list[Any] = []

    class Retried(Rehearsal):
        def steps(self, context: Context) -> Iterable[Step]:
            def do() -> str:
                held.append((context.progress.resumed, context.progress.failed, context.progress.get("volume")))
                context.progress.keep(volume="laid out")
                tokens.append(context.progress.once("token", lambda: f"token {len(tokens)}"))
                if len(tokens) == 1:
                    raise ClusterError("no answer")
                return "did it"

            yield Step("act", lambda: True, do, lambda: True)

    assert not bench.hold(Retried()).ok
    bench.path.unlink()
    assert bench.hold(Retried()).ok
    assert tokens == ["token 0", "token 1"], "what has failed is done again, not taken for done"
    assert held == [(False, False, None), (True, True, "laid out")]


def test_whoever_was_taken_for_dead_acts_no_more(bench: Bench) -> None:
    def taken_over() -> str:
        """Another goes on with it, as one does whose Lease has run out."""
        (record,) = bench.cluster.begun()
        put_on_record(cast("Cluster", bench.cluster), record, in_place_of=record)
        return "did it"

    outcome = bench.run(Step("first", lambda: True, taken_over, lambda: True), bench.step("second"))
    assert outcome.why.startswith("step 'second' failed: refused: somebody else has gone on with procedure 'rehearse'")
    assert bench.traces == []
    assert len(bench.cluster.begun()) == 1, "the record is the other's"


def test_only_one_runs_at_a_time(bench: Bench) -> None:
    other = ProcedureLock(cast("Cluster", bench.cluster), "shop", "full-restart (kim on desk, 1)")

    def beside() -> str:
        with other:
            raise AssertionError("a second one had its turn")

    outcome = bench.run(Step("act", lambda: True, lambda: renewing(bench) or beside(), lambda: True))
    assert (
        "refused: another recovery procedure is at work in namespace 'shop' of context 'bench': rehearse ("
        in outcome.why
    )
    assert ("Lease", PROCEDURE_NAME) not in bench.cluster.items


def renewing(bench: Bench) -> str:
    """The holder renews, whenever somebody looks."""
    find = bench.cluster.find

    def renewed(kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        found = find(kind, name, namespace)
        if found is not None and kind == "Lease":
            found["spec"]["renewTime"] = utc_iso(timespec="microseconds")
        return found

    bench.cluster.find = renewed  # type: ignore[method-assign]
    return ""


def test_it_is_taken_back_from_its_last_step_on(bench: Bench) -> None:
    back: list[str] = []

    def undo(name: str) -> Any:
        return lambda: back.append(name) or f"{name} is as before"

    steps = [
        bench.step("scale", undo=undo("scale")),
        bench.step("restart"),
        bench.step("repoint", undo=undo("repoint"), raises="no answer"),
    ]
    assert not bench.run(*steps).ok
    outcome = bench.take_back(Rehearsal(*steps))
    assert outcome.ok
    assert [(one.name, one.state, one.detail) for one in outcome.steps] == [
        ("repoint", "done", "repoint is as before"),
        ("restart", "skipped", "has no way back"),
        ("scale", "done", "scale is as before"),
    ]
    assert back == ["repoint", "scale"]
    assert bench.cluster.begun() == []


def test_what_cannot_be_taken_back_stays_on_record(bench: Bench) -> None:
    def cannot() -> str:
        raise RefusedError("its volume was written")

    steps = [bench.step("stop", undo=cannot), bench.step("start", raises="no answer")]
    bench.run(*steps)
    outcome = bench.take_back(Rehearsal(*steps))
    assert outcome.why == "step 'stop' cannot be taken back: its volume was written"
    assert [record.failed for record in bench.cluster.begun()] == ["its volume was written"]
    assert [step.name for step in bench.take_back(Rehearsal(*steps)).steps] == ["start", "stop"], "and can be again"


def test_nothing_is_taken_back_of_one_that_is_not_on_record(bench: Bench) -> None:
    outcome = bench.take_back(Rehearsal(bench.step("act")))
    assert outcome.why == "procedure 'rehearse' is not on record with these arguments, so nothing is taken back"


def test_a_plan_does_nothing(bench: Bench) -> None:
    planned = bench.plan(
        bench.step("idle", needed=False),
        bench.step("look", acts=False),
        bench.step("act", would=lambda: "Deployment a: 1 replica to 2"),
        bench.step("look again", acts=False),
        bench.step("if need be"),
        bench.step("not this time", would=str),
        bench.step("last", would=lambda: "Service b leads to c"),
    )
    assert [(step.name, step.state, step.detail) for step in planned] == [
        ("idle", "skipped", "nothing to do"),
        ("look", "looks", "did look"),
        ("act", "would", "Deployment a: 1 replica to 2"),
        ("if need be", "then", "if it is needed by then"),
        ("last", "then", "Service b leads to c"),
    ]
    assert bench.noted == ["look"]
    assert bench.cluster.items == {}


def test_a_plan_says_why_it_would_not_begin(bench: Bench) -> None:
    planned = bench.plan(bench.step("look", acts=False, raises="two primaries"), bench.step("act"))
    assert [(step.name, step.state, step.detail) for step in planned] == [("look", "refused", "two primaries")]
    cut(bench)
    bench.arguments = {"pace": "quick"}
    with pytest.raises(RefusedError, match="unless it runs still, end it: muster recover rehearse --kube-context"):
        bench.plan(bench.step("act"))
