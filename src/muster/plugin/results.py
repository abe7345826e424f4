"""The drill's result in the Allure report. Whatever goes wrong here is a warning: it changes no verdict."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.files import write_atomically
from muster.plugin.declare import drill_name
from muster.plugin.errors import unforeseen
from muster.plugin.harmless import harmless
from muster.plugin.run import RUN, Run

if TYPE_CHECKING:
    from allure_commons.model2 import TestResult

    from muster.drill import Drill
    from muster.verdict import DrillVerdict


def keep_results(config: pytest.Config) -> None:
    """Have Allure's results written below the run's directory, unless the command line says where.

    So no run's results mix with another's, and `reports/allure-results` leads to the latest ones.
    """
    from muster.report.allure import RESULTS, describe_run, forgive_full_disks, note_run, point

    forgive_full_disks()
    run = config.stash[RUN]
    if getattr(config.option, "allure_report_dir", "") is None:
        config.option.allure_report_dir = str(run.directory / RESULTS)
    with harmless("the circumstances of the run cannot be noted"):
        facts = describe_run(
            config.rootpath,
            cluster=run.cluster_name,
            evidence=run.evidence,
            system=run.system,
            seed=run.options.seed,
        )
        note_run(run.directory, config.rootpath, facts)
        point(run.options.reports / RESULTS, Path(run.directory.name) / RESULTS)


def tell_drill(item: pytest.Item, drill: Drill, verdict: DrillVerdict, error: BaseException | None) -> None:
    """Fill in the result of the drill that has just been judged."""
    from muster.plugin.gather import gather
    from muster.report.allure import Cause, Store, decorate, read_tale

    with harmless(f"what the cluster says of {verdict.name} cannot be kept"):
        gather(drill, verdict)
    result = _result(item.config)
    if result is None:
        return
    with harmless(f"{verdict.name} cannot be told to Allure"):
        tale = read_tale(verdict, drill.directory, drill.project.root)
        store = Store(Path(item.config.option.allure_report_dir))
        docstring = inspect.getdoc(getattr(item, "function", None)) or ""
        decorate(result, tale, store, cause=Cause.of(verdict, harness=unforeseen(error)), docstring=docstring)


def settle(item: pytest.Item, entry: dict[str, Any], call: pytest.CallInfo[None], trace: str) -> None:
    """Give the result the verdict's own status and message, whatever pytest, `xfail` or `skip` made of the drill."""
    from muster.report.allure import Cause, conclude, label
    from muster.verdict import DrillVerdict

    result = _result(item.config)
    if result is None:
        return
    with harmless(f"{drill_name(item)} cannot be told to Allure"):
        verdict = DrillVerdict.model_validate(entry)
        # What fails while the drill's things are put away is nobody's recovery.
        harness = call.when == "teardown" or unforeseen(call.excinfo.value if call.excinfo else None)
        cause = Cause.of(verdict, harness=harness)
        label(result, verdict, system=item.config.stash[RUN].system, cause=cause)
        conclude(result, verdict, trace=trace if harness else None)


def label_skipped(item: pytest.Item, entry: dict[str, Any]) -> None:
    """Sort a drill that was skipped among those that did not run."""
    from muster.report.allure import Cause, label
    from muster.verdict import DrillVerdict

    result = _result(item.config)
    if result is None:
        return
    with harmless(f"{drill_name(item)} cannot be told to Allure"):
        verdict = DrillVerdict.model_validate(entry)
        label(result, verdict, system=item.config.stash[RUN].system, cause=Cause.NOT_RUN)


def finish_results(run: Run) -> None:
    """Put what is known of the run's circumstances beside its results, for any tool that reads them."""
    from muster.report.allure import RESULTS, write_environment

    if (run.directory / RESULTS).is_dir():
        with harmless("the circumstances of the run cannot be told to Allure"):
            write_environment(run.directory / RESULTS, run.directory)


def send_spans(run: Run, root: Path) -> None:
    """Send the phases of the run's drills to a collector, where the environment names one (`muster.report.otlp`)."""
    from muster.report import otlp

    if run.summary is None or not otlp.is_wanted():
        return
    with harmless("the spans of the run cannot be sent"):
        from muster.report.allure import read_tale
        from muster.report.spans import span_of

        model = run.summary.model
        about = {"muster.run": run.id, "muster.system": model.system, "muster.cluster": model.cluster}
        about["muster.evidence"] = model.evidence
        tales = [read_tale(entry, run.directory, root) for entry in model.drills]
        otlp.send(span for tale in tales if (span := span_of(tale, about)))


def seal(run: Run) -> None:
    """Write the digests of what the run left, when nobody writes to it any more; its acts in the audit log, as they
    stand there, are among it.

    Raises:
        SummaryError: they cannot be written; the run is not believed then.
        AuditError: the audit log cannot be written.
    """
    from muster.report.manifest import write_manifest
    from muster.safety.audit import FILE_NAME, AuditLog

    if run.summary is None:
        return
    log, verdict = AuditLog(run.audit_log), run.summary.model.verdict.value
    log.record("run", target=run.target, outcome=verdict, report=run.directory.name)
    try:
        write_atomically(run.directory / FILE_NAME, log.lines_of(run.id))
    finally:
        write_manifest(run.directory, log.anchor())


def _result(config: pytest.Config) -> TestResult | None:
    """The result that allure-pytest is filling in; None where Allure was told to write nothing."""
    listener = config.pluginmanager.get_plugin("allure_listener")
    if listener is None:
        return None
    result: TestResult | None = listener.allure_logger.get_test(None)
    return result
