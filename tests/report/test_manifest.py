"""What was changed after a run had ended is noticed, whatever was changed, and nothing of it is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from muster.cli.main import commands
from muster.report import Summary
from muster.report.manifest import write_manifest
from muster.verdict import judge
from muster.verdict.testing import DrillStory

Change = Callable[[Path], object]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory of a run with one drill, which was met."""
    run = tmp_path / "reports" / "20260101T000000Z-0123456789ab"
    (run / "told.d").mkdir(parents=True)
    (run / "allure-results").mkdir()
    story = DrillStory()
    (run / "told.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in story.events()))
    (run / "told.d/journal.json").write_text("{}")
    summary = Summary(run, system="enhancer", cluster="embedded", evidence="rehearsal")
    summary.update(judge(story.events()).model_copy(update={"timeline": f"reports/{run.name}/told.jsonl"}))
    summary.finish()
    write_manifest(run)
    return run


def muster(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def test_a_run_that_is_as_it_was_written_is_believed(run: Path) -> None:
    assert muster("verdict", run).exit_code == 0
    assert muster("verdict", run / "summary.json").exit_code == 0
    assert muster("analyse", run / "told.jsonl").exit_code == 0


def replace(name: str, old: str, new: str) -> Change:
    def change(run: Path) -> None:
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new))

    return change


def leave_out(*names: str) -> Change:
    """Take files out of the manifest, as who changes them might."""

    def change(run: Path) -> None:
        manifest = json.loads((run / "manifest.json").read_text())
        manifest["files"] = {name: digest for name, digest in manifest["files"].items() if name not in names}
        (run / "manifest.json").write_text(json.dumps(manifest))

    return change


CHANGES: dict[str, tuple[Change, str]] = {
    "summary": (replace("summary.json", '"lost_writes": 0', '"lost_writes": 1'), "summary.json was changed since"),
    "timeline": (replace("told.jsonl", '"refused"', '"ok"'), "told.jsonl was changed since the run wrote it"),
    "a file of the drill's": (replace("told.d/journal.json", "{}", "[]"), "told.d/journal.json was changed since"),
    "timeline gone": (lambda run: (run / "told.jsonl").unlink(), "told.jsonl is gone"),
    "manifest gone": (lambda run: (run / "manifest.json").unlink(), "the run has no manifest"),
    "manifest broken": (
        lambda run: (run / "manifest.json").write_text("{"),
        "the manifest (manifest.json) was changed",
    ),
    "manifest without the summary": (leave_out("summary.json"), "summary.json is none of the files"),
    "manifest without the timeline": (leave_out("told.jsonl"), "told.jsonl is none of the files"),
    "manifest without files": (leave_out("summary.json", "told.jsonl", "told.d/journal.json"), "and 1 more"),
    "manifest empty": (lambda run: (run / "manifest.json").write_text("{}"), "is none of schema 'muster/manifest/v1'"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_a_run_that_was_changed_is_unknown(run: Path, change: Change, said: str) -> None:
    change(run)
    done = muster("verdict", run)
    assert (done.exit_code, done.output.splitlines()[-1][: len("unknown: ")]) == (2, "unknown: ")
    assert said in done.output.splitlines()[-1]
    assert "UNKNOWN" in muster("summary", run, "--format", "markdown").output
    assert json.loads(muster("summary", run, "--format", "json").output)["verdict"] == "unknown"


def test_a_miss_that_was_changed_is_believed_no_more_than_a_green(run: Path) -> None:
    replace("summary.json", '"verdict": "met"', '"verdict": "missed"')(run)
    assert muster("verdict", run).exit_code == 2


def test_a_summary_of_another_name_is_none_of_the_run(run: Path) -> None:
    (run / "other.json").write_bytes((run / "summary.json").read_bytes())
    done = muster("verdict", run / "other.json")
    assert (done.exit_code, "other.json is none of the files that the run wrote" in done.output) == (2, True)


def test_what_is_made_again_of_a_run_is_no_change(run: Path) -> None:
    (run / "allure-results/more-result.json").write_text("{}")
    (run / "kubeconfig").write_text("gone tomorrow")
    assert muster("verdict", run).exit_code == 0


def test_a_timeline_that_was_changed_proves_nothing(run: Path) -> None:
    replace("told.jsonl", '"refused"', '"ok"')(run)
    done = muster("analyse", run / "told.jsonl")
    assert done.exit_code == 2
    entry = json.loads(done.stdout)
    assert (entry["verdict"], entry["why"]) == ("unknown", "told.jsonl was changed since the run wrote it")


def test_a_timeline_that_was_put_beside_others_is_none_of_the_run(run: Path) -> None:
    (run / "more.jsonl").write_bytes((run / "told.jsonl").read_bytes())
    assert muster("analyse", run / "more.jsonl").exit_code == 2
    assert muster("verdict", run).exit_code == 0


def test_a_timeline_without_its_run_is_judged_and_told_to_be_unsealed(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "told.jsonl"
    alone.write_bytes((run / "told.jsonl").read_bytes())
    done = muster("analyse", alone)
    assert (done.exit_code, "no manifest beside the timeline" in done.stderr) == (0, True)
