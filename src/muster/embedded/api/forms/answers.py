"""In what form a client wants its answer, and the answer in that form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import yaml
from aiohttp import web

from muster.embedded.api.forms.bodies import JSON, PROTOBUF, YAML, header
from muster.embedded.objects import Object
from muster.embedded.schema import protobuf
from muster.embedded.status import StatusError

_MEDIA = {JSON: JSON, YAML: YAML, PROTOBUF: PROTOBUF, "*/*": JSON, "application/*": JSON}
_KINDS = {"Table": "Table", "PartialObjectMetadata": "PartialObjectMetadata"}
_KINDS |= {"PartialObjectMetadataList": "PartialObjectMetadata"}


@dataclass(frozen=True, slots=True)
class Form:
    """How to answer: the media type, and `kind`: `Table`, `PartialObjectMetadata`, or empty for objects as they are."""

    media: str = JSON
    kind: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is what the store holds: whole objects in JSON."""
        return self.media == JSON and not self.kind

    def encode(self, obj: Any) -> bytes:
        """An object in this form's media type; one that protobuf does not know, in JSON."""
        if self.media_of(obj) == PROTOBUF:
            return protobuf.encode(obj)
        if self.media == YAML:
            return yaml.dump(obj, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True).encode()
        return orjson.dumps(obj)

    def media_of(self, obj: Any) -> str:
        """The media type in which `encode` writes this object."""
        if self.media == PROTOBUF and not protobuf.is_known(obj.get("kind", "")):
            return JSON
        return self.media

    def event(self, kind: str, obj: Object) -> bytes:
        """One event of a watch, which has no YAML."""
        if self.media == PROTOBUF:
            return protobuf.encode_event(kind, obj)
        return orjson.dumps({"type": kind, "object": obj}) + b"\n"

    @property
    def stream(self) -> str:
        """The content type of a watch."""
        return f"{PROTOBUF};stream=watch" if self.media == PROTOBUF else JSON


def negotiate(request: web.Request, *, protobuf: bool = True) -> Form:
    """The first form of `Accept` that can be served, among them `protobuf` or not.

    Raises `StatusError` 406 where there is none.
    """
    accept = header(request, "Accept").strip()
    if not accept:
        return Form()
    for media, parameters in _choices(accept):
        kind = parameters.get("as", "")
        if media not in _MEDIA or (kind and (parameters.get("g"), parameters.get("v")) != ("meta.k8s.io", "v1")):
            continue
        if kind not in ("", *_KINDS) or (media == PROTOBUF and (kind == "Table" or not protobuf)):
            continue
        return Form(_MEDIA[media], _KINDS.get(kind, ""))
    served = ", ".join((JSON, YAML, PROTOBUF) if protobuf else (JSON, YAML))
    text = f"only the following media types are accepted: {served}"
    raise StatusError(406, "NotAcceptable", text, {})


def _choices(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The media types of an `Accept` with their parameters, the best liked first."""
    found = []
    for choice in accept.split(","):
        media, *rest = (part.strip() for part in choice.split(";"))
        parameters = dict(part.partition("=")[::2] for part in rest)
        found.append((media.lower(), parameters))
    return iter(sorted(found, key=lambda choice: -_liking(choice[1].get("q", "1"))))


def _liking(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def answer(form: Form, obj: Any, code: int = 200) -> web.Response:
    """An object as an answer."""
    return web.Response(body=form.encode(obj), status=code, content_type=form.media_of(obj))


def refusal(request: web.Request, error: StatusError) -> web.Response:
    """A refusal in the form that the client asked for, or in JSON where that cannot be served."""
    try:
        form = negotiate(request)
    except StatusError:
        form = Form()
    return answer(Form(form.media), error.to_object(), error.code)
