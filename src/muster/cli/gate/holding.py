"""Holding the gate from the command line: gathering, asking people, judging, signing, and saying what it came to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from muster.base.clock import utc
from muster.base.errors import MusterError, UsageError
from muster.base.files import write_atomically
from muster.cli.gate.printing import lines_of_gate
from muster.cli.noting import cluster_name
from muster.cli.project import find_project
from muster.cli.shared import connected, planned_drills
from muster.gate.answers import Answers
from muster.gate.envelope import seal
from muster.gate.gathering import gather
from muster.gate.holding import LOOKS, WORKFLOW, NothingToSignError, items_of, statement_of
from muster.gate.judging import Judgement, judge
from muster.gate.keys import KEY_VARIABLE, signer_of
from muster.gate.statement import Item, Outcome, Purpose, Statement, Waiver
from muster.gate.subject import Found, Subject
from muster.gate.trial import workflow
from muster.gate.waivers import FILE as WAIVERS
from muster.gate.waivers import read_waivers
from muster.kube import Cluster
from muster.probes.http.address import service_url
from muster.safety.audit import who
from muster.system import SystemDefinition
from muster.system.trust import trust

FILE = "acceptance.json"


@dataclass(frozen=True)
class Given:
    """What the command was told; `asks` is whether somebody is there who can answer."""

    release: str
    system: SystemDefinition
    kube_context: str | None
    store: tuple[str, Path]
    purpose: Purpose
    key: Path | None
    out: Path | None
    keep_baseline: bool
    within: float
    asks: bool


@dataclass(frozen=True)
class Held:
    """What came of it: `file` is where it was signed to, None where `unsigned` says why it was not."""

    subject: Subject
    items: list[Item]
    judgement: Judgement
    statement: Statement | None
    file: Path | None
    unsigned: str


def held(given: Given, *, as_json: bool) -> Outcome:
    """Hold the gate, and print what it came to; returns the verdict.

    Raises:
        UsageError: there is no such release, key, waivers or store, or no cluster is up.
        ClusterError: the cluster cannot be asked what runs.
    """
    signer = signer_of(given.key, os.environ)
    if signer is None and given.out is not None:
        raise UsageError(f"--out names a file, and there is no key to sign it with: {KEY_VARIABLE}, or --sign FILE")
    waivers = read_waivers(given.system.directory / WAIVERS, utc())
    file = _out(given)
    with _writable(file):
        if given.out is None:
            file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)  # what was found last time is no answer of this time
    trust(given.system)
    with connected(given.kube_context) as cluster:
        subject = _gathered(given, cluster)
        trial = _trial(cluster, given.system)
    if given.asks and _ask(given, subject):
        subject = _with_answers(given, subject)
    items = items_of(subject, trial, given.purpose)
    statement, judgement, unsigned = _stated(given, subject, items, waivers)
    if statement is not None and signer is None:
        unsigned = f"not signed, so that nobody can rely on it: set {KEY_VARIABLE}, or name a key with --sign"
    elif statement is not None and signer is not None:
        with _writable(file):
            write_atomically(file, seal(statement.payload(), signer))
    if statement is not None and subject.wanted.id is not None:
        with Answers.open(*given.store, create=True) as store:
            store.keep(statement, version=subject.wanted.id, baseline=given.keep_baseline)
    result = Held(subject, items, judgement, statement, None if unsigned else file, unsigned)
    if as_json:
        click.echo(json.dumps(_document(given, result), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines_of_gate(result, given.purpose, waivers)))
    return judgement.verdict


def _gathered(given: Given, cluster: Cluster) -> Subject:
    return gather(
        given.release,
        cluster,
        given.system,
        store=given.store,
        plan=lambda: planned_drills(None),
        cluster_name=cluster_name(given.kube_context),
        within=given.within,
        now=utc(),
    )


def _trial(cluster: Cluster, system: SystemDefinition) -> Found | None:
    if system.release.acceptance.workflow is None:
        return None
    try:
        return workflow(service_url(cluster, system), system)
    except MusterError as error:
        return Found("unknown", f"no work could be handed in: {error}")


def _stated(
    given: Given, subject: Subject, items: list[Item], waivers: list[Waiver]
) -> tuple[Statement | None, Judgement, str]:
    days = given.system.release.acceptance.valid_days
    try:
        statement, judgement = statement_of(subject, items, waivers, purpose=given.purpose, days=days, by=who())
    except NothingToSignError as error:
        return None, judge(items, waivers, subject.now), str(error)
    return statement, judgement, ""


def _ask(given: Given, subject: Subject) -> bool:
    """Ask on the terminal what nobody has answered yet; whether anything was answered."""
    if subject.wanted.id is None:
        return False
    known = {one.question for one in subject.proven.answers}
    left = {name: text for name, text in given.system.release.acceptance.manual.items() if name not in known}
    answered = False
    for name, text in left.items():
        said = click.prompt(f"{name}: {text}", type=click.Choice(["yes", "no", "skip"]), default="skip")
        if said == "skip":
            continue
        by, why = click.prompt("  who says so", default=who()), click.prompt("  what was looked at")
        with Answers.open(*given.store, create=True) as store:
            store.record(
                system=given.system.name,
                version=subject.wanted.id,
                question=name,
                said="yes" if said == "yes" else "no",
                by=by,
                why=why,
            )
        answered = True
    return answered


def _with_answers(given: Given, subject: Subject) -> Subject:
    from dataclasses import replace

    assert subject.wanted.id is not None, "else nothing was asked"
    with Answers.open(*given.store) as store:
        answers = store.answers(given.system.name, subject.wanted.id)
    return replace(subject, now=utc(), proven=replace(subject.proven, answers=answers))


def _out(given: Given) -> Path:
    return given.out or find_project(Path.cwd()).reports / FILE


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; name another file with --out") from error


def _document(given: Given, result: Held) -> dict[str, Any]:
    return {
        "schema": "muster/gate/v1",
        "system": given.system.name,
        "release": result.subject.release,
        "for": given.purpose,
        "cluster": result.subject.cluster,
        "version": result.subject.wanted.to_json(),
        "verdict": result.judgement.verdict,
        "why": list(result.judgement.why),
        "items": [one.model_dump() for one in result.items],
        "waivers": [one.model_dump() for one in result.judgement.applied],
        "file": None if result.file is None else str(result.file),
        "unsigned": result.unsigned,
    }


def planned(given: Given, *, as_json: bool) -> str:
    """What holding the gate would look at, ask and write; nothing of it is done."""
    acceptance = given.system.release.acceptance
    looks = [name for name, _ in LOOKS]
    drills = [one.name for one in planned_drills(None).values() if one.severity in acceptance.severities]
    writes = list(_writes(given))
    if as_json:
        told = {"schema": "muster/gate-plan/v1", "for": given.purpose, "looks": looks, "drills": drills}
        return json.dumps({**told, "asks": list(acceptance.manual), "writes": writes}, indent=2)
    lines = [f"would hold the gate of {given.system.name} for {given.purpose}:", f"  looks at  {', '.join(looks)}"]
    lines.append(f"  drills    {', '.join(drills) or 'none'} (severity {', '.join(acceptance.severities)})")
    lines.append(f"  asks      {', '.join(acceptance.manual) or 'nobody'}")
    return "\n".join([*lines, *(f"  writes    {line}" for line in writes)])


def _writes(given: Given) -> Iterator[str]:
    if given.system.release.acceptance.workflow is not None:
        yield f"one piece of work into the service ({WORKFLOW}), by the ledger's create"
    yield "the store: that the gate was held, and what people answer"
    if signer_of(given.key, os.environ) is not None:
        yield f"{_out(given)}, signed"
