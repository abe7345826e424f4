"""`muster manual`: the incident manual and the runbook, of what the code does and system.yaml declares."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.base.errors import UsageError
from muster.cli.codes import FINDING, Group
from muster.cli.shared import SYSTEM, definition_of, planned_drills

if TYPE_CHECKING:
    from collections.abc import Callable

    from muster.manual import Manual
    from muster.manual.writing import Text

DIRECTORY = "docs"
SCHEMA = "muster/manual/v1"


def _where(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which manual is meant."""
    options = [
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="manual/ and runbook/ lie in it (default: docs/ of the project)",
        ),
        click.option("--language", metavar="NAME", help="en or zh-CN (default: both)"),
        SYSTEM,
        click.option(
            "--drills",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="which drills there are: a directory, or what muster plan --json printed (default: drills/)",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=Group, short_help="Write the incident manual and the runbook.")
def manual() -> None:
    """Write the incident manual and the runbook of a system, in English and Chinese, and see whether they drift.

    What they tell comes from the code, from system.yaml and from the drills; what a system does not have is left out.
    """


@manual.command(short_help="Write the files.")
@_where
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="also as one page; needs --language")
@click.option("--plan", "planning", is_flag=True, help="say which files would be written, and write none")
def write(
    *,
    out: Path | None,
    language: str | None,
    system: Path | None,
    drills: Path | None,
    html: Path | None,
    planning: bool,
) -> None:
    """Write manual/LANGUAGE/*.md and runbook/LANGUAGE/*.md, and one HTML page where that is asked for.

    All is written to the side first. Pages of an earlier writing that are none any more are removed; files without its
    mark are left alone.
    """
    from muster.manual import drift, page, write

    directory = _directory(out)
    if html is not None and language is None:
        raise UsageError("--html is one page in one language; name it with --language (there are: en, zh-CN)")
    if html is not None and not html.parent.is_dir():
        raise UsageError(f"there is no directory {html.parent}; make it, or name another file with --html")
    told, written = _written(system, drills, language)
    changed = drift(directory, written)
    if not planning:
        write(directory, written, {html: page(told.system, written)} if html is not None else {})
    for one in changed:
        verb = "remove" if one.why == "left over" else "write"
        click.echo(f"{'would ' if planning else ''}{verb} {one.path}")
    if html is not None:
        click.echo(f"{'would write' if planning else 'write'} {html}")
    if not changed:
        click.echo(f"the manual in {directory} is up to date: {len(written)} files")


@manual.command(short_help="See whether the files are as they would be written.")
@_where
@click.option("--json", "as_json", is_flag=True, help=f"as JSON ({SCHEMA})")
def check(*, out: Path | None, language: str | None, system: Path | None, drills: Path | None, as_json: bool) -> None:
    """See whether the files are as they would be written now; nothing is changed.

    Exit code: 0 they are; 1 some are not, and are named.
    """
    from muster.manual import drift

    directory = _directory(out)
    told, written = _written(system, drills, language)
    drifted = drift(directory, written)
    if as_json:
        import orjson

        files = [{"file": str(one.path), "why": one.why} for one in drifted]
        content = {"schema": SCHEMA, "system": told.system, "files": len(written), "drift": files}
        click.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    elif drifted:
        for one in drifted:
            click.echo(f"{one.path}: {one.why}")
        click.echo("write them again: muster manual write")
    else:
        click.echo(f"the manual in {directory} is up to date: {len(written)} files")
    if drifted:
        sys.exit(FINDING)


def _directory(out: Path | None) -> Path:
    from muster.cli.project import find_project

    if out is None:
        out = Path(os.path.relpath(find_project(Path.cwd()).root / DIRECTORY))
    in_the_way = next((path for path in (out, *out.parents) if path.exists() and not path.is_dir()), None)
    if in_the_way is not None:
        raise UsageError(
            f"{in_the_way} is a file; right would be a directory, in which manual/ and runbook/ are to lie"
        )
    return out


def _written(system: Path | None, drills: Path | None, language: str | None) -> tuple[Manual, list[Text]]:
    """What is told, and every page of it in each language that is wanted."""
    from muster.manual import LANGUAGES, texts
    from muster.manual import manual as gathered
    from muster.manual.words import words

    wanted = LANGUAGES if language is None else (words(language).language,)
    commands = click.get_current_context().find_root().command
    names = set(commands.commands) if isinstance(commands, click.Group) else set[str]()
    told = gathered(definition_of(system), planned_drills(drills), names)
    return told, [text for one in wanted for text in texts(told, one)]
