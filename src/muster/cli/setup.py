"""`muster setup`: what must stand before an emergency."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import click

from muster.base.errors import UsageError
from muster.cli.noting import where
from muster.cli.project import find_project
from muster.cli.shared import CONTEXT, SYSTEM, connected, definition_if_any

SIGNS = {"fine": "✓", "failed": "✗", "unknown": "?"}
WIDTH, INDENT = 80, 16


@click.command(short_help="Set up what an emergency needs, and try it once.")
@SYSTEM
@CONTEXT
@click.option("--history", "address", metavar="URL", help="a store other than the environment's (MUSTER_HISTORY)")
@click.option("--send-test", is_flag=True, help="send a test to every channel")
@click.option("--plan", is_flag=True, help="only look: write nothing, send nothing")
@click.option("--json", "as_json", is_flag=True, help="as JSON (muster/setup/v1)")
def setup(
    *, system: Path | None, kube_context: str | None, address: str | None, send_test: bool, plan: bool, as_json: bool
) -> None:
    """Look at everything that an emergency needs, make what is missing and can be made, and try it once on a scratch
    copy: programs, system.yaml, settings, the store, cluster and rights, monitoring, channels, the key for backups.

    What is there already is left as it is: run it again at any time. Written are muster.env, in which every setting is
    explained, and the store. Exit 0 if all is fine, 1 if something is wrong, 2 if something could not be told.
    """
    from muster.setup import Subject, report_of, set_up

    definition, wrong = None, ""
    try:
        definition = definition_if_any(system)
    except UsageError as error:
        wrong = str(error)
    subject = Subject(
        root=find_project(Path.cwd()).root,
        system=definition,
        wrong=wrong,
        connect=lambda: connected(kube_context),
        store=where(address)[0],
        environment=os.environ,
        acting=not plan,
        send_test=send_test,
    )
    findings = []
    try:
        for finding in set_up(subject):
            findings.append(finding)
            if not as_json:
                _say(finding.state, finding.name, finding.seen, finding.mend)
    finally:
        subject.close()
    report = report_of(subject, findings)
    if as_json:
        click.echo(report.model_dump_json(by_alias=True, indent=2))
    else:
        click.echo(_sum(report.outcome))
    sys.exit(report.exit_code)


def _say(state: str, name: str, seen: str, mend: str) -> None:
    hanging = " " * INDENT
    click.echo(textwrap.fill(f"{SIGNS[state]} {name:<{INDENT - 2}}{seen}", WIDTH, subsequent_indent=hanging,
                             break_long_words=False, break_on_hyphens=False))  # fmt: skip
    if not mend:
        return
    what, mark, command = mend.rpartition(": ")
    line = f"{hanging}-> {mend}"
    if mark and len(line) > WIDTH:  # a command is never broken: it is there to be copied
        click.echo(f"{hanging}-> {what}:\n{hanging}   {command}")
    else:
        click.echo(line)


def _sum(outcome: str) -> str:
    return {
        "fine": "All is set up. Run it again after every change.",
        "failed": "Something is wrong: mend what is marked ✗, and run it again.",
        "unknown": "Nothing is wrong, but what is marked ? could not be told.",
    }[outcome]
