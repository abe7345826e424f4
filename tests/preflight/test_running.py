"""All checks together take no longer than the slowest may, whatever hangs; what broke or hung is unknown."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.plugin.check_text import WIDTH, lines
from muster.preflight import CHECKS, Report, Subject, checks_for, outcome_of, run_checks
from muster.preflight.checks import Check
from muster.preflight.finding import Result, failed, fine, unknown

from .preparing import ELSEWHERE, subject


def test_what_hangs_or_breaks_is_unknown_and_holds_up_nothing(tmp_path: Path) -> None:
    for_ever = threading.Event()

    def hangs(_: Subject) -> Result:
        for_ever.wait()
        return fine("never")

    def breaks(_: Subject) -> Result:
        raise TypeError("no such thing")

    def unanswered(_: Subject) -> Result:
        raise ClusterError("it does not answer")

    checks = [Check(one.__name__, one, "project", limit_s=0.3) for one in (hangs, breaks, unanswered)]
    checks += [Check(f"hangs {number}", hangs, "project", limit_s=0.3) for number in range(20)]
    checks.append(Check("well", lambda _: fine("well"), "project"))
    began = now()
    found = {one.name: one for one in run_checks(subject(tmp_path), checks)}
    assert now() - began < 5
    for_ever.set()
    assert [one.name for one in found.values() if one.state == "fine"] == ["well"]
    assert found["hangs"].seen == "it was not told within 0.3 s"
    assert found["breaks"].seen == "the check itself broke: TypeError: no such thing"
    assert found["unanswered"].seen == "it does not answer"


def test_no_check_may_take_so_long_that_nobody_waits_for_all() -> None:
    assert max(check.limit_s for check in CHECKS) <= 10
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_without_a_cluster_it_is_said_that_none_was_asked(tmp_path: Path) -> None:
    names = [check.name for check in checks_for(subject(tmp_path))]
    assert "rights" not in names
    assert names.count("cluster") == 1
    (found,) = run_checks(
        subject(tmp_path), [check for check in checks_for(subject(tmp_path)) if check.name == "cluster"]
    )
    assert (found.state, found.seen.partition(":")[0]) == ("unknown", "no cluster was named")
    assert {"rights", "guard"} <= {check.name for check in checks_for(subject(tmp_path, cluster=ELSEWHERE))}


@pytest.mark.parametrize(
    ("results", "outcome", "code"),
    [
        ([fine("a")], "fine", 0),
        ([fine("a"), unknown("b")], "unknown", 2),
        ([unknown("b"), failed("c", "mend"), fine("a")], "failed", 1),
    ],
)
def test_a_failure_decides_and_what_is_unknown_is_never_fine(
    tmp_path: Path, results: list[Result], outcome: str, code: int
) -> None:
    checks = [Check(str(number), lambda _, one=one: one, "project") for number, one in enumerate(results)]
    found = run_checks(subject(tmp_path), checks)
    report = Report(
        system="shop", namespace="shop", context=None, asked="none", drills=[], outcome=outcome_of(found), took_s=0.1,
        checks=found,
    )  # fmt: skip
    assert (report.outcome, report.exit_code) == (outcome, code)


def test_a_report_is_read_in_80_columns(tmp_path: Path) -> None:
    long = failed("https://checkout.staging.example " * 8, "see to it " * 20)
    found = run_checks(subject(tmp_path), [Check("stop conditions", lambda _: long, "project")])
    report = Report(
        system="shop", namespace="shop", context="staging", asked="context", drills=["a"], outcome="failed",
        took_s=0.1, checks=found,
    )  # fmt: skip
    told = list(lines(report))
    assert max(map(len, told)) <= WIDTH
    assert told[0] == "check: shop in namespace 'shop', context 'staging', for 1 drill"
    assert told[-1] == "1 failed, 0.1 s"
