"""What is wrong in a system.yaml, in one sentence with key, line and, where a word is nearly right, the right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from muster.base.documents import Document
from muster.base.lines import key_of

# What stands below these may be a secret, and is not quoted.
UNQUOTED = ("headers", "env", "options", "token_env", "body")

Place = Sequence[int | str]


def explain(document: Document, error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem in one sentence; how many more there are at its end.

    A word that is not known comes first: what is missing is often what it was meant to be.
    """
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first = problems[0]
    # pydantic puts the names of union members into locations; only keys and indices of the document are of use.
    place = first["loc"]
    key = key_of(place) or "(document)"
    quoted = "" if set(UNQUOTED) & set(place) else f", not {first['input']!r}"
    wrong = {
        "missing": "is missing",
        "extra_forbidden": f"is not a key that is known here{_meant(place, model)}",
        "value_error": f"is wrong: {first['msg'].removeprefix('Value error, ')}",  # a sentence of our own
    }.get(first["type"], f"is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}{quoted}")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{document.where(place)}: '{key}' {wrong}{more}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The word that was probably meant, as the end of a sentence; all that there are where none is near."""
    there = sorted(known)
    near = difflib.get_close_matches(word, there, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f" (there are: {', '.join(there) or 'none'})"


def _meant(place: Place, model: type[BaseModel]) -> str:
    if not place:  # it is no mapping at all
        return ""
    kinds = [model]
    for part in place[:-1]:
        # A place in a list and a key of the user's own lead to no other kind than the field above them.
        kinds = [inner for kind in kinds for inner in _of_field(kind, part)] or kinds
    known = {field.alias or name for kind in kinds for name, field in kind.model_fields.items()}
    return nearest(str(place[-1]), known)


def _of_field(kind: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    found = (field for name, field in kind.model_fields.items() if part in (name, field.alias))
    return [model for field in found for model in _models(field.annotation)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
