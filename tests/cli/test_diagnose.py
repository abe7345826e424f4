"""`muster diagnose` as a person and a program meet it: what it prints, how wide, and how it exits."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.diagnosis.saved import BLIND, ILL, WELL, save

from muster.cli.main import commands
from muster.schemas import DIRECTORY
from muster.snapshot import Missing, Snapshot, read_snapshot

MUSTER = str(Path(sys.executable).parent / "muster")
RECORDED = Path(__file__).parents[1] / "diagnosis/data/recorded.json"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody's project and nobody's kubeconfig."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("MUSTER_KUBE_CONTEXT", raising=False)
    yield


def diagnose(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["diagnose", *arguments])


def checked(schema: str, text: str) -> Any:
    content = json.loads(text)
    Draft202012Validator(json.loads((DIRECTORY / schema).read_text())).validate(content)
    return content


@pytest.mark.parametrize(("snapshot", "code"), [(WELL, 0), (ILL, 1), (BLIND, 2)], ids=["well", "ill", "blind"])
def test_the_exit_code_says_what_was_found(snapshot: Snapshot, code: int, tmp_path: Path) -> None:
    path = save(snapshot, tmp_path)
    assert diagnose("--from", path).exit_code == code
    said = diagnose("--from", path, "--json")
    assert said.exit_code == code
    content = checked("diagnosis-v1.json", said.output)
    assert (bool(content["findings"]), bool(content["unknown"])) == (code == 1, code == 2)


def test_the_cause_is_the_first_line_and_the_command_the_second(tmp_path: Path) -> None:
    lines = diagnose("--from", save(ILL, tmp_path)).output.splitlines()
    assert lines[0] == "P1  Database db: has no primary; db-b could be promoted"
    assert lines[1] == "    $ muster recover promote-standby"


def test_a_front_that_is_gone_is_found_although_it_cannot_be_asked(tmp_path: Path) -> None:
    left = tuple(item for item in WELL.objects if (item["kind"], item["metadata"]["name"]) != ("Service", "shop"))
    answers = {name: answer for name, answer in WELL.answers.items() if name != "service"}
    missing = (Missing("service", "there is no Service 'shop' in namespace 'shop' of 'staging'"),)
    gone = replace(WELL, objects=left, answers=answers, missing=missing)
    said = diagnose("--from", save(gone, tmp_path))
    assert said.exit_code == 1
    assert said.output.startswith("P1  Service shop: is missing, clients come in by it\n")


def test_the_command_acts_where_was_looked(tmp_path: Path) -> None:
    system = tmp_path / "my system.yaml"
    lines = diagnose("--from", save(ILL, tmp_path), "--system", str(system)).output.splitlines()
    assert lines[1] == f"    $ muster recover promote-standby --system '{system}'"


def test_what_could_not_be_seen_is_told_once_for_each_reason(tmp_path: Path) -> None:
    said = diagnose("--from", save(BLIND, tmp_path)).output
    assert said.startswith("nothing found in what could be seen\n\ncould not be seen:\n")
    assert (said.count("forbidden"), said.count("no answer in time")) == (1, 1)
    assert "so not checked: faults, procedures, pods" in said


def test_a_snapshot_that_was_saved_is_diagnosed_as_it_was(tmp_path: Path) -> None:
    path, copy = save(ILL, tmp_path), tmp_path / "copy.json"
    first, second = diagnose("--from", path, "--save", str(copy)), diagnose("--from", str(copy))
    assert (first.output, first.exit_code) == (second.output, second.exit_code)
    assert read_snapshot(copy) == ILL
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_list_of_checks_is_one() -> None:
    content = checked("checks-v1.json", diagnose("--list", "--json").output)
    told = diagnose("--list").output
    assert all(f"  {check['name']:<18} {check['summary']}" in told for check in content["checks"])
    assert len(content["checks"]) > 20
    assert max(map(len, told.splitlines())) <= 120


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is no system.yaml that names a namespace; right would be -n NAME or --all-namespaces"),
        (("-n", "shop"), "no cluster is up; start one with 'muster up', or name a real one with --kube-context"),
        (("-n", "shop", "--kube-context", "there"), "kube context 'there' not found"),
        (("-n", "shop", "-A"), "-n and --all-namespaces contradict each other"),
        (("-n", "shop", "--within", "31"), "'--within 31' is no time for a diagnosis; right would be up to 30 seconds"),
        (("-n", "shop", "--within", "0"), "'--within 0' is no time for a diagnosis; right would be up to 30 seconds"),
        (("-n", "shop", "--within", "soon"), "'soon' is not a valid float"),
        (("--from", "nothing.json"), "snapshot nothing.json cannot be read: No such file or directory"),
        (("--from", "x", "-n", "shop"), "--from looks at a file: a namespace or a context is none of it"),
        (("--from", str(RECORDED)), "name one with --scenario (there are: "),
        (("--scenario", "x"), "right would be --from FILE --scenario NAME"),
        (("--check", "luck"), "check 'luck' not known (there are: faults, "),
        (("--from", __file__), "is no JSON"),
    ],
)
def test_wrong_use_is_one_sentence_and_64(arguments: tuple[str, ...], message: str) -> None:
    done = diagnose(*arguments)
    assert done.exit_code == 64
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_check_may_be_chosen(tmp_path: Path) -> None:
    assert diagnose("--from", save(ILL, tmp_path), "--check", "pods", "--check", "services").exit_code == 0


@pytest.mark.parametrize("columns", ["80", "200"])
def test_it_fits_a_terminal_of_80_columns_and_reads_the_same_in_a_pipe(tmp_path: Path, columns: str) -> None:
    scenario = next(
        one["name"] for one in json.loads(RECORDED.read_text())["scenarios"] if one["expected"].get("cause")
    )
    command = [MUSTER, "diagnose", "--from", str(RECORDED), "--scenario", scenario]
    piped = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    ours, its = pty.openpty()
    process = subprocess.Popen(command, stdout=its, stderr=its, env={**os.environ, "COLUMNS": columns, "TERM": "xterm"})
    os.close(its)
    shown = b""
    while chunk := read(ours):
        shown += chunk
    os.close(ours)
    assert process.wait(60) == piped.returncode == 1
    assert shown.decode().replace("\r\n", "\n") == piped.stdout
    assert max(map(len, piped.stdout.splitlines())) <= 80
    assert "\x1b" not in piped.stdout


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # how Linux tells the end of a terminal
        return b""
