"""What a notice says: templates by name and language, a project's own before those of the package.

A file `<name>.<language>.j2` begins with `Subject: ...` and an empty line; what follows is the text. A field that is
missing, or holds nothing, is an error wherever a template would show it: nobody is told a blank.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    Undefined,
    UndefinedError,
)

from muster.base.packaged import NOTICES
from muster.base.texts import one_line
from muster.notices.notice import NoticeError

FOLDER = "notices"  # of a project, beside its drills
SUFFIX = ".j2"
SUBJECT = "Subject: "
MARKS = {"en": "[DRILL]", "zh": "【演练】"}
DRILLS = {
    "en": "This is a drill ({drill}): nothing is wrong, and nothing is to be done about it.",
    "zh": "这是一次演练（{drill}）：没有真实故障，无需处理。",  # noqa: RUF001 - as Chinese is written
}
_UNITS = {"en": (" s", " min", " h"), "zh": (" 秒", " 分钟", " 小时")}
_NAME = re.compile(r"(?P<name>[a-z0-9][-a-z0-9]*)\.(?P<language>[A-Za-z0-9-]+)\.j2")


@dataclass(frozen=True)
class Found:
    """A template's file, and whether it is the `project`'s own or the `package`'s."""

    name: str
    language: str
    path: Path
    origin: str


@dataclass(frozen=True)
class Text:
    """What is told: a subject of one line, and a text."""

    subject: str
    body: str


class Templates:
    """The templates of a project, whose folder `own` need not exist, and of the package."""

    def __init__(self, own: Path | None = None, *, timezone: str = "UTC") -> None:
        self._folders = [*([] if own is None else [own]), NOTICES]
        self._zone = ZoneInfo(timezone)
        self._environments: dict[str, Environment] = {}

    def packaged(self) -> Templates:
        """The same without a project's own."""
        return Templates(timezone=self._zone.key)

    def found(self) -> list[Found]:
        """All templates, by name and language; those that only others extend (`_...`) are none."""
        found: dict[tuple[str, str], Found] = {}
        for folder in reversed(self._folders):
            for path in folder.glob(f"*{SUFFIX}"):
                if said := _NAME.fullmatch(path.name):
                    origin = "package" if folder == NOTICES else "project"
                    found[said["name"], said["language"]] = Found(said["name"], said["language"], path, origin)
        return [found[key] for key in sorted(found)]

    def languages(self, name: str) -> list[str]:
        """The languages that a template is there in.

        Raises:
            NoticeError: there is no such template.
        """
        every = self.found()
        if spoken := [one.language for one in every if one.name == name]:
            return spoken
        names = ", ".join(dict.fromkeys(one.name for one in every))
        raise NoticeError(f"template '{name}' is not known (there are: {names})")

    def render(self, name: str, language: str, fields: Mapping[str, Any], *, drill: str | None = None) -> Text:
        """What a template says with these fields, marked as of a drill where it is of one.

        Raises:
            NoticeError: there is no such template or language, it asks for a field that there is not or that holds
                nothing, or it is no template.
        """
        if language not in (spoken := self.languages(name)):
            raise NoticeError(f"template '{name}' is not there in '{language}' (there are: {', '.join(spoken)})")
        file = f"{name}.{language}{SUFFIX}"
        try:
            said = self._environment(language).get_template(file).render(fields)
        except UndefinedError as error:
            raise NoticeError(f"{_where(file, error)}: {error.message}; {_known(fields)}") from None
        except TemplateNotFound as error:
            raise NoticeError(f"{_where(file, error)}: there is no template '{error.name}' to go on with") from None
        except TemplateError as error:
            raise NoticeError(f"{_where(file, error)}: {error.message}") from None
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise NoticeError(f"{_where(file, error)}: {error}; {_known(fields)}") from None
        text = _parted(said, file)
        return text if drill is None else marked(text, language, drill)

    def _environment(self, language: str) -> Environment:
        if (made := self._environments.get(language)) is not None:
            return made
        # What is told is plain text: a channel that shows it as anything else escapes it itself.
        made = Environment(  # noqa: S701
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters["time"] = lambda value: _time(value, self._zone)
        made.filters["span"] = lambda value: span(value, language)
        return self._environments.setdefault(language, made)


def marked(text: Text, language: str, drill: str) -> Text:
    """The same, said to be of a drill where nobody can overlook it, whatever the template says."""
    mark, said = MARKS.get(language, MARKS["en"]), DRILLS.get(language, DRILLS["en"])
    return Text(f"{mark} {text.subject}", f"{said.format(drill=drill)}\n\n{text.body}")


def span(seconds: float, language: str) -> str:
    """So many seconds for people."""
    s, minutes, hours = _UNITS.get(language, _UNITS["en"])
    if seconds < 120:
        return f"{seconds:.0f}{s}"
    return f"{_short(seconds / 60)}{minutes}" if seconds < 7200 else f"{_short(seconds / 3600)}{hours}"


def _short(value: float) -> str:
    return f"{value:.0f}" if round(value, 1).is_integer() else f"{value:.1f}"


def _shown(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip() and value not in {"", "\n"}):
        raise ValueError("a field that it shows holds nothing")
    return value


def _time(value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, Undefined):
        return str(value)  # which says that it is missing
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def _parted(said: str, file: str) -> Text:
    head, _, body = said.lstrip("\n").partition("\n")
    subject, body = one_line(head.removeprefix(SUBJECT)), body.strip("\n").rstrip()
    if not head.startswith(SUBJECT) or not subject or not body:
        raise NoticeError(f"template {file} must begin with '{SUBJECT}...', and the text follows an empty line")
    return Text(subject, re.sub(r"\n{3,}", "\n\n", body))


def _where(file: str, error: Exception) -> str:
    """The template and the line at which it broke."""
    line = getattr(error, "lineno", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.endswith(SUFFIX):
            file, line = Path(frame.filename).name, frame.lineno
    return f"template {file}" + (f", line {line}" if line else "")


def _known(fields: Mapping[str, Any]) -> str:
    return f"this notice has: {', '.join(sorted(name for name, value in fields.items() if value is not None))}"
