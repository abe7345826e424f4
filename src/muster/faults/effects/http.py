"""The effect that a request is answered in another way than before, or not at all."""

from __future__ import annotations

import ssl
from typing import Annotated, Any, Literal, NamedTuple, Self

import httpx
import orjson
from pydantic import Field, model_validator

from muster.base.clock import now
from muster.faults.effects.comparison import Compared, show
from muster.faults.effects.observation import Observation, Scene, Strict, refuse_if_there
from muster.probes.answers.content import values_at
from muster.probes.http.address import service_address
from muster.system.schema import DottedPath, Seconds
from muster.system.trust import believing

WAYS = ("status", "not_status", "no_answer", "contains", "lacks", "field", "header", "slower_than_s")
MOST_BYTES = 2**20


class FieldIs(Compared):
    """What stands at a dotted path of a JSON answer."""

    path: DottedPath


class HeaderIs(Compared):
    """A header of an answer; one that is missing is the empty text."""

    name: str


class HttpAnswer(Strict):
    """A request is answered as wanted, in one of these ways: with a `status` of a list, or with none of `not_status`;
    not at all (`no_answer`); with a body that `contains` or `lacks` a text; with a JSON `field` or `header` as wanted;
    later than `slower_than_s`. It is put `looks` times, each on a connection of its own, and once is enough unless
    `of_all`. It goes to the system's service, or to another `service` of the namespace at `port`.
    """

    kind: Literal["http"]
    path: Annotated[str, Field(pattern=r"^/")] = "/"
    method: Literal["GET", "HEAD", "OPTIONS"] = "GET"
    service: str | None = None
    port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    limit_s: Annotated[Seconds, Field(le=10)] = 1.0
    looks: Annotated[int, Field(ge=1, le=20)] = 3
    of_all: bool = False

    status: Annotated[list[int], Field(min_length=1)] | None = None
    not_status: Annotated[list[int], Field(min_length=1)] | None = None
    no_answer: bool = False
    contains: Annotated[str, Field(min_length=1)] | None = None
    lacks: Annotated[str, Field(min_length=1)] | None = None
    field: FieldIs | None = None
    header: HeaderIs | None = None
    slower_than_s: Seconds | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        said = [way for way in WAYS if way != "no_answer" and getattr(self, way) is not None]
        if len(said) + self.no_answer != 1:
            raise ValueError(f"right would be one of {', '.join(WAYS)}")
        if (self.service is None) != (self.port is None):
            raise ValueError("'service' and 'port' belong together")
        if self.slower_than_s is not None and self.slower_than_s >= self.limit_s:
            raise ValueError("'slower_than_s' must be below 'limit_s', after which no answer is waited for")
        return self


class _Heard(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class SeesHttpAnswer:
    """Looks for an `HttpAnswer`."""

    def __init__(self, effect: HttpAnswer, scene: Scene) -> None:
        self._effect = effect
        url = scene.url
        if effect.service is not None and effect.port is not None:
            url = service_address(scene.cluster, scene.namespace, effect.service, effect.port)
        self._url = f"{url.rstrip('/')}{effect.path}"
        self._before: Any = None
        first = self._answer()
        self._before = self._value(first) if isinstance(first, _Heard) else None
        if not self._asks_for_change():
            refuse_if_there(self)

    def look(self) -> Observation:
        said = [self._judge() for _ in range(self._effect.looks)]
        hits = [evidence for hit, evidence in said if hit]
        there = len(hits) == len(said) if self._effect.of_all else bool(hits)
        shown = hits[0] if hits else said[0][1]
        return Observation(
            there, f"{self._effect.method} {self._url}: {shown}, {len(hits)} of {len(said)} times as wanted"
        )

    def _asks_for_change(self) -> bool:
        compared = self._effect.field or self._effect.header
        return compared is not None and compared.changed

    def _judge(self) -> tuple[bool, str]:
        effect, began = self._effect, now()
        answer = self._answer()
        took = now() - began
        if not isinstance(answer, _Heard):
            late = effect.slower_than_s is not None and took >= effect.limit_s
            return effect.no_answer or late, f"no answer ({answer})"
        if effect.no_answer:
            return False, f"answered {answer.status}"
        if effect.slower_than_s is not None:
            return took > effect.slower_than_s, f"answered {answer.status} after {took:.3f} s"
        return self._is_it(answer), f"answered {answer.status}{self._shown(answer)}"

    def _is_it(self, answer: _Heard) -> bool:
        effect = self._effect
        if effect.status is not None:
            return answer.status in effect.status
        if effect.not_status is not None:
            return answer.status not in effect.not_status
        if effect.contains is not None:
            return effect.contains in answer.text
        if effect.lacks is not None:
            return effect.lacks not in answer.text
        compared = effect.field or effect.header
        assert compared is not None
        return compared.holds(self._value(answer), self._before)

    def _value(self, answer: _Heard) -> Any:
        if self._effect.header is not None:
            return answer.headers.get(self._effect.header.name, "")
        if self._effect.field is None:
            return None
        try:
            found = values_at(orjson.loads(answer.body), self._effect.field.path)
        except orjson.JSONDecodeError:
            return None
        return found[0] if len(found) == 1 else found or None

    def _shown(self, answer: _Heard) -> str:
        compared = self._effect.field or self._effect.header
        if compared is None:
            return ""
        return f" with {getattr(compared, 'path', None) or getattr(compared, 'name', '')} {show(self._value(answer))}"

    def _answer(self) -> _Heard | str:
        """The answer with its body, or why there was none; redirects are not followed, and no proxy is asked."""
        limit = httpx.Timeout(self._effect.limit_s)
        try:
            with (
                httpx.Client(timeout=limit, trust_env=False, verify=believing(ssl.create_default_context())) as client,
                client.stream(self._effect.method, self._url) as answer,
            ):
                body = _body(answer, now() + self._effect.limit_s)
                return _Heard(answer.status_code, answer.headers, body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or type(error).__name__


def _body(answer: httpx.Response, deadline: float) -> bytes:
    """A body, bounded in time and size: the client's own limit is for each piece of it."""
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            break
        if now() > deadline:
            raise httpx.ReadTimeout("its body went on for too long", request=answer.request)
    return bytes(body)
