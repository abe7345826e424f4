"""`muster gate`: hold it, answer what only people know, and check a signed file anywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.cli.codes import FINDING, FINE, UNKNOWN, Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from muster.gate.verifying import Verified, Wanted

PURPOSE = click.option(
    "--for",
    "purpose",
    type=click.Choice(["production", "rehearsal"]),
    default=None,
    help="what it is let in to (default: production)",
)
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
@PURPOSE
@JSON
def verify(
    *,
    file: Path,
    keys: tuple[Path, ...],
    images: tuple[str, ...],
    configuration: str | None,
    system: str | None,
    purpose: str | None,
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
        purpose=purpose or "production",  # type: ignore[arg-type]  # click knows the choices
        images=_images(images),
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
