"""Exit codes, the same for every command: an answer is 0, 1 or 2, and what is no answer never looks like one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from muster.base.errors import MissingProgramError, MusterError, UsageError

FINE = 0  # met, fine, done
FINDING = 1  # missed, a finding, failed
UNKNOWN = 2
USED_WRONGLY = 64  # or impossible: nothing was looked at, nothing was done

P = ParamSpec("P")
R = TypeVar("R")


class Group(click.Group):
    """A group of commands whose wrong use is USED_WRONGLY: click itself makes it 2, which is an answer here."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _no_answer():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _no_answer():
            return super().invoke(ctx)


@contextmanager
def _no_answer() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.exit_code = USED_WRONGLY  # type: ignore[misc]  # each class of click has one
        raise


def otherwise(code: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a command that was used rightly, and still comes to no end of its own, exit with `code`: UNKNOWN where it
    was to tell something, FINDING where it was to do something and may have done a part of it."""

    def telling(command: Callable[P, R]) -> Callable[P, R]:
        @wraps(command)
        def told(*arguments: P.args, **named: P.kwargs) -> R:
            try:
                return command(*arguments, **named)
            except (UsageError, MissingProgramError):
                raise
            except MusterError as error:
                click.echo(f"muster: {error}", err=True)
                sys.exit(code)

        return told

    return telling
