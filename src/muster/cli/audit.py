"""`muster audit`: who did what to which cluster, and whether the log of it is whole."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from muster.base.errors import MusterError, UsageError
from muster.cli.codes import UNKNOWN, Group, otherwise

if TYPE_CHECKING:
    from muster.safety.audit import AuditLog, Verification
    from muster.safety.audit.entry import Entry

OUTCOMES = {0: "fine", 1: "finding", 2: "unknown"}
VERIFICATION_SCHEMA = "muster/audit-verification/v1"
F = TypeVar("F", bound=Callable[..., Any])

LOG = click.option(
    "--log",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="the audit log (default: audit.jsonl in the project's reports/)",
)
JSON = click.option("--json", "as_json", is_flag=True, help="JSON")
_FILTERS = (
    LOG,
    click.option("--since", metavar="TIME", help="from then on, UTC: 2026-03-01, or so long ago: 36h, 30d, 8w, 1y"),
    click.option("--run", "run", metavar="ID", help="entries of that run; its id may be cut short"),
    click.option("--act", metavar="PATTERN", help="acts of that name; recovery* is a pattern"),
    click.option("--target", metavar="PATTERN", help="what was done to CONTEXT/NAMESPACE; staging/* is a pattern"),
)


def filtered(command: F) -> F:
    """Give a command the filters that all have in common."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(cls=Group, short_help="Who did what to which cluster.")
def audit() -> None:
    """Who did what, from where, to which objects, and how it ended; and whether the log of that is whole."""


@audit.command(short_help="Show what was done; exit 2 if there is no log.")
@filtered
@JSON
@otherwise(UNKNOWN)
def show(as_json: bool, **said: Any) -> None:
    """Show what was done, the latest last."""
    found = [entry for _, entry in _sifted(**said)]
    if as_json:
        click.echo(json.dumps([entry.content for entry in found], indent=2))
        return
    if not found:
        click.echo("no entry of the audit log fits")
        return
    for entry in found:
        for line in _lines(entry):
            click.echo(line)


@audit.command(short_help="Print entries as JSON lines.")
@filtered
@click.option("--json", is_flag=True, expose_value=False, help="as JSON lines, which it is in any case")
@otherwise(UNKNOWN)
def export(**said: Any) -> None:
    """Print entries as JSON lines, as they stand in the log, each with its own hash and that of the one before."""
    for line, _ in _sifted(**said):
        click.echo(line)


@audit.command(short_help="Tell whether the log is whole; exit 0, 1 or 2.")
@LOG
@click.option(
    "--anchor",
    "anchors",
    metavar="ENTRIES:HASH|MANIFEST",
    multiple=True,
    help="how long the log was once, as a run printed it, or the manifest.json of a run that was kept elsewhere",
)
@JSON
@otherwise(UNKNOWN)
def verify(log: Path | None, anchors: tuple[str, ...], as_json: bool) -> None:
    """Tell whether the log is as it was written; exit 0 if it is, 1 if something was done to it, 2 if that is unknown.

    An edit, a deletion, an insertion and a change of order show in the chain of entries; that entries are gone from the
    end shows by anchors: the file beside the log, the manifests of the runs in reports/, and those given with --anchor.
    """
    from muster.safety.audit import anchors_beside
    from muster.safety.audit import verify as verify_bytes

    opened = _log(log)
    known = [*anchors_beside(opened.path), *map(_given, anchors)]
    try:
        data = opened.path.read_bytes()
    except FileNotFoundError:
        if not known:
            raise MusterError(f"there is no audit log {_shown(opened.path)}") from None
        data = b""
    except OSError as error:
        raise MusterError(f"audit log {_shown(opened.path)} cannot be read: {error.strerror}") from error
    found = verify_bytes(data, known)
    names = [f"{anchor} ({anchor.where})" for anchor in known]
    if as_json:
        click.echo(json.dumps(_as_json(opened.path, found, names), indent=2))
    else:
        for line in _told(opened.path, found, len(known)):
            click.echo(line)
    sys.exit(found.exit_code)


def _told(path: Path, found: Verification, anchors: int) -> Iterator[str]:
    for finding in found.findings:
        yield f"{finding.kind:<10}  {finding.why}"
    for why in found.unknown:
        yield f"{'unknown':<10}  {why}"
    for note in found.notes:
        yield f"{'note':<10}  {note}"
    known = f"{anchors} anchor{'s' * (anchors != 1)}"
    yield f"{OUTCOMES[found.exit_code]}: {_shown(path)}, {found.entries} entries, head {found.head[:16]}, {known}"


def _as_json(path: Path, found: Verification, anchors: list[str]) -> dict[str, Any]:
    return {
        "schema": VERIFICATION_SCHEMA,
        "log": _shown(path),
        "outcome": OUTCOMES[found.exit_code],
        "entries": found.entries,
        "head": found.head,
        "anchors": anchors,
        "findings": [finding._asdict() for finding in found.findings],
        "unknown": list(found.unknown),
        "notes": list(found.notes),
    }


def _given(text: str) -> Any:
    """An anchor from the command line, or of a manifest that it names."""
    from muster.safety.audit import parse_anchor

    path = Path(text)
    if not path.is_file():
        return parse_anchor(text, "--anchor")
    try:
        said = json.loads(path.read_bytes())["audit"]
        return parse_anchor(f"{said['entries']}:{said['head']}", text)
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{text} says nothing of an audit log; right would be the manifest.json of a run") from None


def _log(named: Path | None) -> AuditLog:
    from muster.cli.project import find_project
    from muster.safety.audit import FILE_NAME, AuditLog

    return AuditLog(named or find_project(Path.cwd()).reports / FILE_NAME)


def _sifted(
    log: Path | None, since: str | None, run: str | None, act: str | None, target: str | None
) -> Iterator[tuple[bytes, Entry]]:
    from datetime import datetime

    from muster.base.clock import utc
    from muster.history.query import read_moment

    begin = read_moment(since, utc()) if since else None
    for line, entry in _log(log).entries():
        said = entry.content
        if begin is not None and datetime.fromisoformat(str(said["when"])) < begin:
            continue
        if run is not None and not str(said.get("run")).startswith(run):
            continue
        if act is not None and not fnmatchcase(str(said["act"]), act):
            continue
        if target is not None and not fnmatchcase(str(said["target"]), target):
            continue
        yield line, entry


def _lines(entry: Entry) -> Iterator[str]:
    """An entry on a terminal: when, who and to what; below it the act, how it ended, on which objects and why."""
    said = entry.content
    when = str(said["when"])[:19].replace("T", " ")
    yield from _wrapped(f"{when}  {said['who']} on {said['host']}  {said['target']}", f"{entry.number:>6}  ")
    more = [str(said[key]) for key in ("experiment", "activity", "report") if said.get(key)]
    what = " ".join([str(said["act"]), *(f"'{one}'" for one in more)])
    parts = [f"{what}: {said['outcome']}", ", ".join(said["objects"]), str(said.get("why") or said.get("detail") or "")]
    yield from _wrapped("; ".join(part for part in parts if part), " " * 8)


def _wrapped(text: str, head: str) -> list[str]:
    width = min(shutil.get_terminal_size((80, 24)).columns, 120)
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * len(head))


def _shown(path: Path) -> str:
    return os.path.relpath(path)
