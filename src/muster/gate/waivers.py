"""What is not demanded for a while: `waivers.yaml` beside a system's system.yaml (docs/gate.md).

A waiver says what (the name of an item), who decided it, why, and until when. It runs out by itself, at the latest a
year from now: what is never demanded is no waiver, but something that the gate does not ask.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from muster.base.documents import Document, read_document
from muster.base.errors import UsageError
from muster.base.texts import one_line
from muster.gate.statement import Waiver
from muster.system.explaining import explain
from muster.system.schema import Strict

FILE = "waivers.yaml"
LONGEST = timedelta(days=366)
MOST = 500  # characters of a text


def _names(what: str) -> AfterValidator:
    def checked(text: str) -> str:
        if not re.search(r"\w", text):
            raise ValueError(f"a waiver names {what}, and this one does not")
        if len(text) > MOST or text != one_line(text):
            raise ValueError(f"right would be one line of at most {MOST} characters")
        return text

    return AfterValidator(checked)


class WrittenWaiver(Strict):
    """A waiver as people write it. `until` is a day, which counts to its end, or a time; UTC where it says nothing."""

    what: Annotated[str, _names("what is waived")]
    who: Annotated[str, _names("who decided it")]
    why: Annotated[str, _names("a reason")]
    until: str


class WaiverFile(Strict):
    """Everything that `waivers.yaml` says."""

    schema_: Literal["muster/waivers/v1"] = Field(alias="schema")
    waivers: list[WrittenWaiver] = []


def read_waivers(path: Path, now: datetime) -> list[Waiver]:
    """The waivers of a file, those that have run out among them; none where there is no file.

    Raises:
        UsageError: it cannot be read, or a waiver does not say what, who, why and until when, or lasts too long; also
            where that one has run out.
    """
    if not path.exists():
        return []
    document = read_document(path, "waivers")
    if not isinstance(document.content, dict):
        raise UsageError(f"{document.where()}: waivers are a mapping that begins with 'schema: muster/waivers/v1'")
    try:
        written = WaiverFile.model_validate(document.content)
    except ValidationError as error:
        raise UsageError(explain(document, error, WaiverFile)) from None
    found = [_waiver(one, document, number, now) for number, one in enumerate(written.waivers)]
    _refuse_twice(found, document)
    return found


def _waiver(written: WrittenWaiver, document: Document, number: int, now: datetime) -> Waiver:
    where = document.where(["waivers", number, "until"])
    try:
        until = _end(written.until)
    except ValueError:
        raise UsageError(f"{where}: '{written.until}' is no day; right would be 2026-12-31, or a time") from None
    if until > now + LONGEST:
        raise UsageError(f"{where}: a waiver ends within a year, and this one in {until.year}")
    stamp = until.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Waiver(what=written.what, who=written.who, why=written.why, until=stamp)


def _end(text: str) -> datetime:
    if len(text) == len("2026-12-31"):
        return datetime.combine(datetime.fromisoformat(text).date(), time(23, 59, 59), UTC)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _refuse_twice(waivers: list[Waiver], document: Document) -> None:
    names = [one.what for one in waivers]
    for number, name in enumerate(names):
        if name in names[:number]:
            where = document.where(["waivers", number, "what"])
            raise UsageError(f"{where}: '{name}' is waived for the second time; right would be one waiver an item")
