"""HTTP requests as system.yaml names them, and the places in them and in their answers that something stands at."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from muster.system.headers import Headers
from muster.system.schema import Strict

PLACE = re.compile(r"\{(\w+)\}")  # where a value is filled in
PLACES = ("id", "content", "key", "prefix", "next")
READING = ("GET", "POST")  # a search is often asked for by POST

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Status = Annotated[int, Field(ge=200, le=599)]
UrlPath = Annotated[str, Field(pattern=r"^/")]


class Request(Strict):
    """One HTTP request; `{id}` and `{content}` in path and body are filled in where a write is made.

    `headers` come on top of those of the whole system.
    """

    method: Method = "GET"
    path: UrlPath
    body: Any = None
    headers: Headers = {}
    status: Annotated[list[Status], Field(min_length=1)] = [200]

    def holds(self, name: str) -> bool:
        """Whether `{name}` is to be filled in somewhere in path or body."""
        return name in PLACE.findall(self.path) or name in _in_body(self.body)


def check_places(asked: Request, key: str, *places: str) -> None:
    """Check that no other places than these would be filled in.

    In a path any other is a mistake, as braces have no meaning in a URL; a body may hold what looks like one.

    Raises:
        ValueError: there is another one; the message names it and `key`, the request's own.
    """
    known = set(_in_body(asked.body)).intersection(PLACES)
    for name in [*PLACE.findall(asked.path), *sorted(known)]:
        if name not in places:
            right = f"only {_and([f'{{{place}}}' for place in places])}" if places else "nothing"
            raise ValueError(f"'{key}' holds {{{name}}}, and {right} is filled in there")


def check_reads(asked: Request, key: str) -> None:
    """Check that a request only reads.

    Raises:
        ValueError: its method would change what it asks for.
    """
    if asked.method not in READING:
        raise ValueError(f"'{key}' must not change anything: its method is one of {_and(READING)}, not {asked.method}")


def check_changes(asked: Request, key: str) -> None:
    """Check that a request may change something.

    Raises:
        ValueError: its method promises that it does not.
    """
    if asked.method == "GET":
        raise ValueError(f"'{key}' must change something, and GET does not: say its 'method', such as POST or DELETE")


def _in_body(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield from PLACE.findall(body)
    elif isinstance(body, dict):
        for value in body.values():
            yield from _in_body(value)
    elif isinstance(body, list):
        for value in body:
            yield from _in_body(value)


def _and(words: Collection[str]) -> str:
    return " and ".join(words)
