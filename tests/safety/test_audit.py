"""Every act is in the log, or it is not done; and whatever is done to the log afterwards is found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from muster.base.waiting import wait_for
from muster.safety import AuditLog
from muster.safety.audit import Anchor, AuditError, Verification, parse_anchor, verify
from muster.safety.audit import log as audit_log
from muster.safety.audit.entry import GENESIS, read_entry, seal
from muster.safety.audit.origin import ci_job, fit

ROOT = Path(__file__).resolve().parents[2]


def written(count: int) -> tuple[list[bytes], Anchor]:
    """The lines of a log with so many entries, and what its head file says."""
    lines, previous = list[bytes](), GENESIS
    for number in range(1, count + 1):
        lines.append(seal({"act": f"act {number}", "target": "embedded/shop"}, number=number, previous=previous))
        entry = read_entry(lines[-1])
        assert entry is not None
        previous = entry.hash
    return lines, Anchor(count, previous, "the head file")


def file_of(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def kinds(found: Verification) -> set[str]:
    return {finding.kind for finding in found.findings}


LOGS = st.integers(2, 12).map(written)


@given(LOGS)
def test_a_log_as_it_was_written_is_fine(log: tuple[list[bytes], Anchor]) -> None:
    lines, anchor = log
    found = verify(file_of(lines), [anchor])
    assert (found.exit_code, found.entries, found.head) == (0, len(lines), anchor.head)


@given(LOGS, st.data())
def test_any_edit_is_found_and_named_with_its_line(log: tuple[list[bytes], Anchor], data: st.DataObject) -> None:
    lines, anchor = log
    at = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (lines[at][place], 10)))
    changed = [*lines]
    changed[at] = lines[at][:place] + bytes([byte]) + lines[at][place + 1 :]
    found = verify(file_of(changed), [anchor])
    assert [(one.kind, one.lines, one.entries) for one in found.findings] == [
        ("edit", (at + 1, at + 1), (at + 1, at + 1))
    ], found


@given(LOGS, st.data())
def test_an_edit_with_a_new_digest_is_found_and_named(log: tuple[list[bytes], Anchor], data: st.DataObject) -> None:
    lines, anchor = log
    at = data.draw(st.integers(0, len(lines) - 1))
    entry = read_entry(lines[at])
    assert entry is not None
    changed = [*lines]
    changed[at] = seal({"act": "nothing at all"}, number=entry.number, previous=entry.previous)
    found = verify(file_of(changed), [anchor])
    assert [(one.kind, one.lines) for one in found.findings] == [("edit", (at + 1, at + 1))], found


@given(LOGS, st.data())
def test_a_log_that_is_rewritten_from_an_entry_on_is_found_by_an_anchor(
    log: tuple[list[bytes], Anchor], data: st.DataObject
) -> None:
    lines, anchor = log
    at = data.draw(st.integers(0, len(lines) - 1))
    changed, previous = lines[:at], GENESIS
    if at and (entry := read_entry(lines[at - 1])):
        previous = entry.hash
    for number in range(at + 1, len(lines) + 1):
        changed.append(seal({"act": "nothing at all"}, number=number, previous=previous))
        entry = read_entry(changed[-1])
        assert entry is not None
        previous = entry.hash
    assert verify(file_of(changed)).findings == (), "the chain alone does not tell"
    found = verify(file_of(changed), [anchor])
    assert kinds(found) == {"edit"}
    assert "rewritten" in found.findings[0].why


@given(LOGS, st.data())
def test_any_deletion_is_found_and_named_with_what_is_gone(
    log: tuple[list[bytes], Anchor], data: st.DataObject
) -> None:
    lines, anchor = log
    gone = data.draw(st.sets(st.integers(1, len(lines) - 1), min_size=1))  # numbers, never the last one
    found = verify(file_of([line for number, line in enumerate(lines, 1) if number not in gone]), [anchor])
    assert kinds(found) == {"deletion"}
    told = {number for one in found.findings if one.entries for number in range(one.entries[0], one.entries[1] + 1)}
    assert told == gone


@given(LOGS, st.data())
def test_any_truncation_is_found_and_named(log: tuple[list[bytes], Anchor], data: st.DataObject) -> None:
    lines, anchor = log
    whole = file_of(lines)
    found = verify(whole[: data.draw(st.integers(0, len(whole) - 1))], [anchor])
    assert [one.kind for one in found.findings] == ["truncation"], found
    assert found.findings[0].entries is not None
    assert found.findings[0].entries[1] == len(lines)


@given(LOGS, st.data())
def test_without_an_anchor_the_end_is_unknown_and_never_fine(
    log: tuple[list[bytes], Anchor], data: st.DataObject
) -> None:
    whole = file_of(log[0])
    found = verify(whole[: data.draw(st.integers(0, len(whole)))])
    assert (found.exit_code, found.findings) == (2, ())


@given(LOGS, st.data())
def test_any_swap_is_found_and_named(log: tuple[list[bytes], Anchor], data: st.DataObject) -> None:
    lines, anchor = log
    one, other = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=2, max_size=2)))
    changed = [*lines]
    changed[one], changed[other] = lines[other], lines[one]
    found = verify(file_of(changed), [anchor])
    assert kinds(found) == {"order"}
    assert {line for finding in found.findings for line in finding.lines} <= {*range(one + 1, other + 2)}


GARBAGE = st.binary(max_size=40).filter(lambda line: b"\n" not in line)


@given(LOGS, st.data())
def test_any_insertion_is_found_and_named(log: tuple[list[bytes], Anchor], data: st.DataObject) -> None:
    """Of a line that is none, of one that stands there already, and of one that was made up and sealed."""
    lines, anchor = log
    at = data.draw(st.integers(0, len(lines)))
    number = data.draw(st.integers(1, len(lines)))
    forged = seal({"act": "it was me"}, number=number, previous=data.draw(st.sampled_from([GENESIS, anchor.head])))
    line = data.draw(GARBAGE | st.sampled_from([*lines, forged]))
    found = verify(file_of([*lines[:at], line, *lines[at:]]), [anchor])
    assert kinds(found) == {"insertion"}, found


@given(LOGS, st.binary(min_size=1, max_size=30), st.data())
def test_whatever_is_written_over_it_is_found(
    log: tuple[list[bytes], Anchor], scrawl: bytes, data: st.DataObject
) -> None:
    lines, anchor = log
    whole = file_of(lines)
    at = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(at, len(whole)))
    changed = whole[:at] + scrawl + whole[end:]
    assume(changed != whole)
    found = verify(changed, [anchor])
    # Remains after the last entry are what a process leaves that dies; nothing that was written is missing then.
    assert found.exit_code == 1 or (changed.startswith(whole) and found.notes), found


def test_acts_are_appended_with_who_from_where_and_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "sam")
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    monkeypatch.setenv("CI_JOB_URL", "https://bot:hunter2@git.example/shop/-/jobs/7?token=abc")
    log = AuditLog(tmp_path / "deep" / "audit.jsonl")
    log.record("undo", target="embedded/shop", outcome="done", objects=["Deployment/api"], undone=["x"])
    log.record("strike", target="embedded/shop", outcome="begun")
    first, second = (json.loads(line) for line in log.path.read_text().splitlines())
    assert first["who"] == "sam (CI)"
    assert first["host"] == os.uname().nodename
    assert first["ci"] == "https://git.example/shop/-/jobs/7"
    said = {key: first[key] for key in ("act", "target", "outcome", "objects", "undone")}
    assert said == {
        "act": "undo",
        "target": "embedded/shop",
        "outcome": "done",
        "objects": ["Deployment/api"],
        "undone": ["x"],
    }
    assert second["act"] == "strike"
    assert second["when"].endswith("Z")
    assert (first["number"], second["number"], second["previous"]) == (1, 2, first["hash"])


@pytest.mark.parametrize(
    ("environment", "job"),
    [
        ({}, None),
        (
            {"GITHUB_SERVER_URL": "https://g.example", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
            "https://g.example/a/b/actions/runs/7",
        ),
        ({"BUILD_URL": "https://ci.example/job/3/"}, "https://ci.example/job/3/"),
        ({"BUILD_URL": "https://[broken"}, "https://[broken"),
    ],
)
def test_the_environment_tells_the_job(environment: dict[str, str], job: str | None) -> None:
    assert ci_job(environment) == job


@pytest.mark.parametrize(
    "text",
    [
        "Deployment api spec.template.spec.containers[name=api].env[name=DB_PASSWORD]: 'canary' put back to 'canary'",
        "line 3: api_token: canary -> canary",
        "GET http://me:canary@db.example/ failed",
        "Authorization: Bearer canary-canary",
        '{"name": "CLIENT_SECRET", "value": "canary"}',
        "PGPASSWORD=canary psql",
    ],
)
def test_what_looks_like_a_secret_is_masked(tmp_path: Path, text: str) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.record("recovery x", target="t", outcome="failed", why=text, undone=[{"deep": text}])
    assert "canary" not in log.path.read_text()


def test_what_looks_like_none_stays() -> None:
    for text in ("ConfigMap settings data: put back, line 1: rate: [ -> 100 # requests/s", "pod api-1: exit code 1"):
        assert fit(text) == text
    assert fit({"a": ("b\udcff", 1, None, Path("x"))}) == {"a": ["b\\udcff", 1, None, "x"]}


def test_the_environment_names_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_AUDIT", str(tmp_path / "elsewhere.jsonl"))
    assert AuditLog.of_run(tmp_path).path == tmp_path / "elsewhere.jsonl"
    monkeypatch.delenv("MUSTER_AUDIT")
    assert AuditLog.of_run(tmp_path).path == tmp_path / "audit.jsonl"


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="cannot be written"):
        AuditLog(tmp_path / "file" / "audit.jsonl").record("strike", target="t", outcome="begun")


def test_a_process_that_is_stopped_in_the_middle_keeps_nobody_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "LOCK_WITHIN_S", 0.05)
    log = AuditLog(tmp_path / "audit.jsonl")
    log.record("a", target="t", outcome="done")
    with log._alone(), pytest.raises(AuditError, match="other processes to be done with it"):
        log.record("b", target="t", outcome="done")


def checked(log: AuditLog) -> Verification:
    anchor = parse_anchor(log.path.with_name("audit.jsonl.head").read_text(), "the head file")
    return verify(log.path.read_bytes(), [anchor])


@given(st.integers(0, 400), st.booleans())
def test_a_write_that_is_cut_anywhere_breaks_no_chain(
    tmp_path_factory: pytest.TempPathFactory, cut: int, twice: bool
) -> None:
    log = AuditLog(tmp_path_factory.mktemp("log") / "audit.jsonl")
    log.record("first", target="t", outcome="done")
    for _ in range(1 + twice):
        whole = log.path.read_bytes()
        head = log.path.with_name("audit.jsonl.head").read_bytes()
        log.record("cut", target="t", outcome="done")
        written = log.path.read_bytes()[len(whole) :]
        log.path.write_bytes(whole + written[: min(cut, len(written))])
        log.path.with_name("audit.jsonl.head").write_bytes(head)  # it is written after the line
    log.record("next", target="t", outcome="done")
    found = checked(log)
    assert (found.exit_code, found.findings) == (0, ()), found
    assert json.loads(log.path.read_bytes().splitlines()[-1])["act"] == "next"


def garbled(data: bytes) -> bytes:
    return data[:-10] + b"xxxxxxxxx\n"


def without_last(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-1])


@pytest.mark.parametrize(
    ("damage", "kind"),
    [(garbled, "edit"), (without_last, "deletion"), (lambda data: data[:-30], "edit"), (lambda _: b"", "deletion")],
)
def test_what_is_appended_hides_nothing_that_was_done_to_the_end(
    tmp_path: Path, damage: Callable[[bytes], bytes], kind: str
) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    for act in ("a", "b", "c"):
        log.record(act, target="t", outcome="done")
    log.path.write_bytes(damage(log.path.read_bytes()))
    log.record("d", target="t", outcome="done")
    log.record("e", target="t", outcome="done")
    found = checked(log)
    assert kinds(found) == {kind}, found


APPEND = """
import sys
from pathlib import Path
from muster.safety import AuditLog
log = AuditLog(Path(sys.argv[1]))
print(flush=True)
for number in range(int(sys.argv[2])):
    log.record(f"act {number}", target="t", outcome="done", why="x" * 3000)
"""


def appending(log: Path, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", APPEND, str(log), str(count)], stdout=subprocess.PIPE)


def test_processes_append_side_by_side(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    processes = [appending(log.path, 30) for _ in range(3)]
    assert [process.communicate() and process.returncode for process in processes] == [0, 0, 0]
    found = checked(log)
    assert (found.exit_code, found.entries) == (0, 90)


def test_a_process_that_is_killed_while_it_writes_breaks_nothing(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    for _ in range(3):
        process = appending(log.path, 10**6)
        assert process.stdout is not None
        process.stdout.readline()
        before = log.path.stat().st_size if log.path.exists() else 0
        wait_for(
            lambda before=before: log.path.exists() and log.path.stat().st_size > before + 20_000,  # type: ignore[misc]
            within=60,
            every=0.001,
            reason="some entries",
        )
        process.send_signal(signal.SIGKILL)
        process.communicate()
    log.record("after", target="t", outcome="done")
    found = checked(log)
    assert (found.exit_code, found.findings) == (0, ())
