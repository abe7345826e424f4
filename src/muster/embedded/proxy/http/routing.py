"""Which rule a request meets, and which of its backends it gets."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from muster.embedded.proxy.http.heads import Fields, Modifier
from muster.embedded.proxy.relay import Endpoint


@dataclass(slots=True)
class Request:
    """The head of a request. `target` is as the client wrote it."""

    method: bytes
    target: bytes
    fields: Fields

    @property
    def size(self) -> int:
        """How many bytes it has, about."""
        return len(self.target) + self.fields.size

    @property
    def host(self) -> str:
        """The name that is asked for, in small letters, without the port."""
        name = (self.fields.get(b"host") or b"").decode("latin-1").lower()
        return name if name.endswith("]") else name.rpartition(":")[0] or name

    @property
    def path(self) -> str:
        """The path alone."""
        return self.target.partition(b"?")[0].decode("latin-1")


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a share of the requests goes; `endpoints` is None where the reference leads nowhere."""

    endpoints: list[Endpoint] | None
    request: tuple[Modifier, ...] = ()
    response: tuple[Modifier, ...] = ()

    def pick(self) -> Endpoint | None:
        """One of the endpoints by chance; None where there is none."""
        return random.choice(self.endpoints) if self.endpoints else None


class Rule:
    """What a request must be like, and the backends with their weights.

    Described by a dict: `match` (`host`, `path`: [type, value], `method`, `headers` and `query`: [[type, name,
    value]]), each left out where it does not matter; `backends`: [{`weight`, `endpoints`: ["address:port"] or None,
    `request` and `response`: [modifier]}].
    """

    def __init__(self, described: dict[str, Any]) -> None:
        self._conditions = _conditions(described.get("match") or {})
        self._backends = [_backend(found) for found in described["backends"]]
        self._sums = list(itertools.accumulate(found["weight"] for found in described["backends"]))

    def meets(self, request: Request) -> bool:
        return all(condition(request) for condition in self._conditions)

    @property
    def addresses(self) -> set[str]:
        return {address for backend in self._backends for address, _ in backend.endpoints or ()}

    def draw(self) -> Backend | None:
        """A backend by chance and weight; None where all weights are 0."""
        if not self._sums or not self._sums[-1]:
            return None
        return random.choices(self._backends, cum_weights=self._sums)[0]


class Router:
    """The rules of one port, the first that fits counts."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self._rules = [Rule(described) for described in rules]

    @property
    def addresses(self) -> set[str]:
        """The addresses of all endpoints."""
        return {address for rule in self._rules for address in rule.addresses}

    def route(self, request: Request) -> Backend | int:
        """The backend of a request, or with which status it is refused: 404 no rule fits, 500 no backend is there."""
        for rule in self._rules:
            if rule.meets(request):
                backend = rule.draw()
                return 500 if backend is None or backend.endpoints is None else backend
        return 404


def split_place(place: str) -> Endpoint:
    """The address and the port of `address:port`."""
    address, _, port = place.rpartition(":")
    return address, int(port)


def _backend(described: dict[str, Any]) -> Backend:
    places = described["endpoints"]
    return Backend(
        None if places is None else [split_place(place) for place in places],
        tuple(Modifier(found) for found in described.get("request") or ()),
        tuple(Modifier(found) for found in described.get("response") or ()),
    )


Condition = Callable[[Request], bool]


def _conditions(match: dict[str, Any]) -> list[Condition]:
    found: list[Condition] = []
    if "host" in match:
        found.append(_host(match["host"]))
    if "path" in match and match["path"] != ["PathPrefix", "/"]:
        found.append(_path(*match["path"]))
    if "method" in match:
        method = match["method"].encode()
        found.append(lambda request: request.method == method)
    found += [_header(*condition) for condition in match.get("headers") or ()]
    found += [_query(*condition) for condition in match.get("query") or ()]
    return found


def _host(pattern: str) -> Condition:
    if pattern.startswith("*."):
        return lambda request: request.host.endswith(pattern[1:])
    return lambda request: request.host == pattern


def _path(kind: str, value: str) -> Condition:
    if kind == "Exact":
        return lambda request: request.path == value
    if kind == "RegularExpression":
        expression = re.compile(value)
        return lambda request: expression.fullmatch(request.path) is not None
    stem = value.rstrip("/")
    return lambda request: request.path == stem or request.path.startswith(f"{stem}/")


def _fits(kind: str, wanted: str) -> Callable[[str], bool]:
    if kind == "RegularExpression":
        expression = re.compile(wanted)
        return lambda value: expression.fullmatch(value) is not None
    return lambda value: value == wanted


def _header(kind: str, name: str, wanted: str) -> Condition:
    fits, field = _fits(kind, wanted), name.lower().encode("latin-1", "replace")

    def condition(request: Request) -> bool:
        value = request.fields.find(field)
        return value is not None and fits(value.decode("latin-1"))

    return condition


def _query(kind: str, name: str, wanted: str) -> Condition:
    fits = _fits(kind, wanted)

    def condition(request: Request) -> bool:
        text = request.target.partition(b"?")[2].decode("latin-1")
        value = next((value for key, value in parse_qsl(text, keep_blank_values=True) if key == name), None)
        return value is not None and fits(value)

    return condition
