"""The languages: what the code says in English, told in each, with the judgement of each procedure beside it.

`words/LANGUAGE.yaml` holds both: `texts` from English, and `not_when`, when a procedure is the wrong one. What is not
in it (the texts of a system.yaml, of a package) is told as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from muster.base.errors import UsageError
from muster.base.quick_yaml import loaded

LANGUAGES = ("en", "zh-CN")
_MARKS = re.compile(r"([\\`*_\[\]<>|])")
# From how many seconds on, in units of how many, a time is told; days from two on, as promises say 24 h.
_UNITS = ((172_800.0, 86_400.0, "days"), (3600.0, 3600.0, "h"), (60.0, 60.0, "min"), (0.0, 1.0, "s"))


@dataclass(frozen=True)
class Words:
    """A language: `texts` by what they are in English, `units` of time, `not_when` by procedure, what the `page` says
    around its contents."""

    language: str
    texts: Mapping[str, str]
    units: Mapping[str, str]
    not_when: Mapping[str, str]
    page: Mapping[str, str]

    def text(self, said: str) -> str:
        """What the code says, in this language and as Markdown: no mark in it means anything, it stays one line."""
        return _MARKS.sub(r"\\\1", " ".join(self._told(said).split()))

    def _told(self, said: str) -> str:
        """A step that is named by a stage of system.yaml is told with the stage as it is called there."""
        stage, colon, step = said.rpartition(": ")
        if said not in self.texts and step in self.texts:
            return f"{stage}{colon}{self.texts[step]}"
        return self.texts.get(said, said)

    def span(self, seconds: float) -> str:
        """So many seconds in the largest unit of which they are some: `15 min`, `24 h`, `31 days`."""
        size, unit = next((size, unit) for least, size, unit in _UNITS if seconds >= least)
        return f"{seconds / size:g} {self.units[unit]}"

    def ratio(self, ratio: float) -> str:
        """A ratio in per cent, without digits that say nothing."""
        return f"{ratio * 100:.6g} %"


@cache
def words(language: str) -> Words:
    """The words of a language.

    Raises:
        UsageError: there is no such language.
    """
    if language not in LANGUAGES:
        raise UsageError(f"the manual is not written in '{language}' (there are: {', '.join(LANGUAGES)})")
    content = loaded(files("muster.manual").joinpath("words", f"{language}.yaml").read_text("utf-8"))
    return Words(language, content["texts"], content["units"], content["not_when"], content["page"])
