"""Completion of what is typed, in bash, zsh and fish: names of contexts, procedures, checks, channels and more.

Whatever cannot be told completes to nothing: a shell that is asked for a name must not be told of an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from muster.base.errors import MusterError

if TYPE_CHECKING:
    from muster.system import SystemDefinition

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_MUSTER_COMPLETE"
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@click.command(short_help="Print what completes commands in a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what completes commands and names in SHELL, to be read at its start: in ~/.bashrc, for one,
    eval "$(muster completion bash)"."""
    from muster.cli.main import commands

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"nothing is known of '{shell}' (there are: {', '.join(SHELLS)})")
    click.echo(found(commands, {}, "muster", VARIABLE).source())


def _completes(names: Callable[[click.Context], Iterable[tuple[str, str]]]) -> Complete:
    """A completion by names, each with what it is."""

    def complete(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(name, help=what) for name, what in names(ctx) if name.startswith(begun)]
        except (MusterError, OSError):
            return []

    return complete


def _system(ctx: click.Context) -> SystemDefinition | None:
    from muster.cli.shared import definition_if_any

    named: Any = ctx.params.get("system")
    return definition_if_any(Path(named) if named else None)


def _contexts(_ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.kube import contexts

    return ((name, "") for name in contexts())


def _procedures(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.recovery import procedures

    return ((one.name, one.summary) for one in procedures(_system(ctx)))


def _arguments(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.recovery import find_procedure

    procedure = find_procedure(str(ctx.params.get("procedure")), _system(ctx))
    return ((f"{name}=", what) for name, what in procedure.parameters.items())


def _checks(_ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.checks.registry import checks

    return ((one.name, one.summary) for one in checks())


def _channels(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.cli.posting import post_of

    return ((route.name, route.kind) for route in post_of(_system(ctx)).routes.values())


def _templates(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.cli.posting import post_of

    return ((name, "") for name in dict.fromkeys(one.name for one in post_of(_system(ctx)).templates.found()))


def _languages(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.cli.posting import post_of

    return ((name, "") for name in dict.fromkeys(one.language for one in post_of(_system(ctx)).templates.found()))


def _incidents(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from muster.cli.noting import where
    from muster.incidents import Book

    with Book.open(*where(ctx.params.get("address"))) as book:
        return [("latest", ""), *((one.id, one.title) for one in book.incidents())]


CONTEXTS, PROCEDURES, ARGUMENTS, CHECKS = map(_completes, (_contexts, _procedures, _arguments, _checks))
CHANNELS, TEMPLATES, LANGUAGES, INCIDENTS = map(_completes, (_channels, _templates, _languages, _incidents))
