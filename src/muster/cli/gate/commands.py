"""`muster gate`: hold it, answer what only people know, and check a signed file anywhere."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.cli.codes import FINDING, FINE, UNKNOWN, Group
from muster.cli.noting import where
from muster.cli.shared import CONTEXT, HISTORY, SYSTEM, connected, definition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from muster.gate.statement import Purpose
    from muster.gate.verifying import Verified, Wanted

FILE = "acceptance.json"
PURPOSES = click.Choice(["production", "rehearsal"])
JSON = click.option("--json", "as_json", is_flag=True, help="as JSON")
CODES = {"met": FINE, "missed": FINDING, "unknown": UNKNOWN}
MOST = 16 * 1024 * 1024


class Gate(Group):
    """Takes what is no command of its own for the release that the gate is held for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["hold", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Gate, short_help="Whether a release may be let in, as a signed file.")
def gate() -> None:
    """Say whether a release may be let in, and sign it: `muster gate RELEASE`, which is short for `muster gate hold`.

    Exit code: 0 met, 1 missed or refused, 2 unknown, 64 used wrongly.
    """


@gate.command("verify", short_help="Check a signed file, anywhere.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "keys",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    envvar="MUSTER_GATE_PUBLIC_KEY",
    help="a public key that is believed (PEM); may be given again",
)
@click.option(
    "--image", "images", multiple=True, metavar="NAME=DIGEST", help="what is to be let in; may be given again"
)
@click.option("--configuration", metavar="DIGEST", help="the configuration that is to be let in")
@click.option("--system", metavar="NAME", help="which system it is to be about")
@click.option("--for", "purpose", type=PURPOSES, default="production", show_default=True, help="what it is to open")
@click.option("--release", type=click.Path(path_type=Path), metavar="DIR", help="manifests that are to be let in")
@JSON
def verify(
    *,
    file: Path,
    keys: tuple[Path, ...],
    images: tuple[str, ...],
    configuration: str | None,
    system: str | None,
    purpose: Purpose,
    release: Path | None,
    as_json: bool,
) -> None:
    """Check a file of `muster gate`: its signature, what it is about, its time, and its verdict.

    Needs no cluster, no project and no network: the file and a public key.
    """
    from muster.gate.envelope import NotAcceptedError
    from muster.gate.keys import trusted_key
    from muster.gate.statement import sha256_of
    from muster.gate.verifying import Wanted
    from muster.gate.verifying import verify as verified

    if not keys:
        raise UsageError("no key is given, and a file that anybody may have signed proves nothing; name one with --key")
    wanted = Wanted(
        purpose=purpose,
        images=_images(images) | (_of_manifests(release) if release else {}),
        whole=release is not None,
        configuration=sha256_of(configuration) if configuration else None,
        system=system,
    )
    trusted = [trusted_key(path) for path in keys]
    try:
        found = verified(_read(file), trusted, wanted, utc())
    except NotAcceptedError as error:
        if as_json:
            click.echo(json.dumps(_document(None, str(error)), indent=2))
        else:
            click.echo(f"refused: {error}")
        sys.exit(FINDING)
    if as_json:
        click.echo(json.dumps(_document(found, None), indent=2, ensure_ascii=False))
    else:
        _print(found, wanted)
    sys.exit(CODES[found.judgement.verdict])


@gate.command("hold", short_help="Gather the evidence, judge it, sign it.")
@click.argument("release")
@CONTEXT
@SYSTEM
@HISTORY
@click.option("--for", "purpose", type=PURPOSES, help="what it is let in to (default: system.yaml, production)")
@click.option("--sign", "key", type=click.Path(path_type=Path), metavar="FILE", help="key (default: MUSTER_GATE_KEY)")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help=f"default: {FILE} in reports/")
@click.option("--keep-baseline", is_flag=True, help="hold later versions against this one, whatever the verdict")
@click.option(
    "--within", type=click.FloatRange(1, 30), default=15.0, show_default=True, metavar="S", help="to look for"
)
@click.option("--plan", is_flag=True, help="say what it would look at and write, and do nothing")
@JSON
def hold(
    *,
    release: str,
    kube_context: str | None,
    system: Path | None,
    address: str | None,
    purpose: Purpose | None,
    key: Path | None,
    out: Path | None,
    keep_baseline: bool,
    within: float,
    plan: bool,
    as_json: bool,
) -> None:
    """Hold the gate for RELEASE, a directory of manifests or an image, which the cluster runs already: on staging, or
    as a canary.

    What is demanded stands in system.yaml, at release.acceptance; what is waived in waivers.yaml beside it. Questions
    to people are asked on a terminal, once for each version. Where there is a key, the result is signed.
    """
    from muster.cli.gate.holding import Given, held, planned

    definition = definition_of(system)
    given = Given(
        release=release,
        system=definition,
        kube_context=kube_context,
        store=where(address),
        purpose=purpose or definition.release.acceptance.purpose,
        key=key,
        out=out,
        keep_baseline=keep_baseline,
        within=within,
        asks=not as_json and sys.stdin.isatty() and sys.stdout.isatty(),
    )
    if plan:
        click.echo(planned(given, as_json=as_json))
        return
    sys.exit(CODES[held(given, as_json=as_json)])


@gate.command("answer", short_help="Answer what only people know.")
@click.argument("question")
@click.argument("said", type=click.Choice(["yes", "no"]))
@click.option("--by", required=True, metavar="NAME", help="who says so")
@click.option("--why", required=True, metavar="TEXT", help="what was looked at")
@click.option("--release", metavar="RELEASE", help="of which release (default: what the cluster runs)")
@CONTEXT
@SYSTEM
@HISTORY
@click.option("--plan", is_flag=True, help="say what would be kept, and keep nothing")
@JSON
def answer(
    *,
    question: str,
    said: Literal["yes", "no"],
    by: str,
    why: str,
    release: str | None,
    kube_context: str | None,
    system: Path | None,
    address: str | None,
    plan: bool,
    as_json: bool,
) -> None:
    """Keep an answer to a QUESTION of release.acceptance.manual, of this version and no other; the last one counts."""
    from muster.gate.answers import Answers
    from muster.gate.gathering import asked_version
    from muster.system.explaining import nearest

    definition = definition_of(system)
    questions = definition.release.acceptance.manual
    if question not in questions:
        raise UsageError(f"'{question}' is no question of {definition.name}{nearest(question, questions)}")
    with connected(kube_context) as cluster:
        version = asked_version(release, cluster, definition)
    assert version.id is not None, "it is known by content"
    about = f"{question}: {said}, says {by}, of version {version.short}"
    if plan:
        click.echo(f"would keep {about}")
        return
    with Answers.open(*where(address), create=True) as answers:
        kept = answers.record(system=definition.name, version=version.id, question=question, said=said, by=by, why=why)
    if as_json:
        click.echo(json.dumps({"schema": "muster/gate-answer/v1", **asdict(kept)}, indent=2, ensure_ascii=False))
    else:
        click.echo(f"kept: {about}")


def _of_manifests(directory: Path) -> dict[str, str]:
    from muster.gate.release import images_of

    return images_of(directory)


def _images(said: Sequence[str]) -> dict[str, str]:
    from muster.gate.statement import sha256_of

    found = dict[str, str]()
    for text in said:
        name, sign, digest = text.partition("=")
        if not sign or not name:
            raise UsageError(f"'--image {text}' is no NAME=DIGEST; right would be --image shop:5.2=sha256:...")
        if found.setdefault(name, sha256_of(digest)) != sha256_of(digest):
            raise UsageError(f"--image {name} is given with two digests")
    return found


def _read(path: Path) -> bytes:
    """A file, and no more of it than any acceptance has."""
    try:
        with path.open("rb") as file:
            return file.read(MOST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _document(found: Verified | None, refused: str | None) -> dict[str, Any]:
    return {
        "schema": "muster/gate-verification/v1",
        "verdict": found.judgement.verdict if found else "missed",
        "refused": refused,
        "why": list(found.judgement.why) if found else [],
        "key": found.key if found else None,
        "statement": found.statement.model_dump(mode="json", by_alias=True) if found else None,
    }


def _print(found: Verified, wanted: Wanted) -> None:
    from muster.cli.gate.printing import lines_of_acceptance

    click.echo("\n".join(lines_of_acceptance(found)))
    if not wanted.images and not wanted.configuration:
        click.echo("muster: it was held against no image: name what is let in with --image", err=True)
