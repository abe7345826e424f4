"""What a request brings: bytes that are read as the value they stand for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import orjson
import yaml
from aiohttp import web

from muster.embedded.schema import protobuf
from muster.embedded.status import StatusError, bad_request

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
_MOST_VALUES = 100_000  # of one YAML document: aliases make much out of little
_DEEPEST = 200  # levels of one document


def header(request: web.Request, name: str, default: str = "") -> str:
    """A header as text; bytes that are not UTF-8 are shown as such."""
    return request.headers.get(name, default).encode(errors="surrogateescape").decode(errors="replace")


def content_type(request: web.Request) -> str:
    """The media type of the body in small letters, without its parameters; JSON where nothing is said."""
    return header(request, "Content-Type").partition(";")[0].strip().lower() or JSON


def parse(body: bytes, kind: str) -> Any:
    """A body as JSON, YAML or protobuf. Raises `StatusError`: 400 it cannot be read, 415 another type of content."""
    if kind == JSON or kind.endswith("+json"):
        return _parse_json(body)
    if kind in (YAML, "application/apply-patch+yaml"):
        return _parse_yaml(body)
    if kind == PROTOBUF:
        return _parse_protobuf(body)
    raise unsupported_media_type(kind, f"{JSON}, {YAML}, {PROTOBUF}")


def _parse_json(body: bytes) -> Any:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the object provided is unrecognized (must be JSON): {error}") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Raises `StatusError` 400 for a value that is nested too deeply to be written again."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [item for outer in level for item in _items(outer)]
        if not level:
            return
    raise bad_request(f"the object provided is unrecognized: it has more than {_DEEPEST} levels")


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _parse_yaml(body: bytes) -> Any:
    try:
        _check_events(body)
        value = _Plain(yaml.load(body, _Loader)).value  # noqa: S506 - the loader knows nothing but plain values
        return orjson.loads(orjson.dumps(value))
    except (yaml.YAMLError, orjson.JSONEncodeError, UnicodeError, ValueError) as error:
        raise bad_request(f"error parsing YAML: {error}") from None


def _parse_protobuf(body: bytes) -> Any:
    try:
        value = protobuf.decode(body)
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized (must be protobuf): {error}") from None
    check_depth(value)
    return value


def _check_events(body: bytes) -> None:
    """Raises `ValueError` for a document on which a parser that goes down level by level would fall."""
    depth = 0
    for event in yaml.parse(body, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")


def unsupported_media_type(found: str, accepted: str) -> StatusError:
    """415, with what would be taken."""
    text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return StatusError(415, "UnsupportedMediaType", f"{text} (not {found})", {})


class _Loader(yaml.CSafeLoader):
    """YAML with the values of JSON alone: what looks like a time is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - of the class that this one extends
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Plain:
    """A loaded YAML document as JSON has it. Raises `ValueError` for what JSON cannot say."""

    def __init__(self, loaded: Any) -> None:
        self._left = _MOST_VALUES
        self.value = self._plain(loaded, 0)

    def _plain(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise ValueError("it is too large once its aliases are followed, or nested too deeply")
        if isinstance(value, dict):
            return {self._key(key): self._plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item, depth + 1) for item in value]
        if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        raise ValueError(f"a value of type {type(value).__name__} has no place in JSON")

    @staticmethod
    def _key(key: Any) -> str:
        if isinstance(key, str):
            return key
        if isinstance(key, bool | int | float):
            return str(key).lower()
        raise ValueError(f"a key of type {type(key).__name__} has no place in JSON")
