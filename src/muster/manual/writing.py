"""The manual and the runbook as Markdown: one text a page, whose path is relative to the directory of both."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from muster.manual.content import Manual
from muster.manual.words import words

# In this order they are read. `README` is the first of each, as where a directory is looked at on the web it is shown.
PAGES = {
    "runbook": ("README", "diagnosis", "problems", "procedures", "metrics", "escalation"),
    "manual": (
        *("README", "grading", "roles", "process", "communication", "checklists", "review", "indicators"),
        *("drills", "training"),
    ),
}
MARK = "<!-- Written by `muster manual write`: what is changed here is lost. -->"


@dataclass(frozen=True)
class Text:
    """A page: which of PAGES it is, in which language, and its Markdown."""

    book: str
    name: str
    language: str
    markdown: str

    @property
    def path(self) -> str:
        """Where it is kept: `manual/en/grading.md`."""
        return f"{self.book}/{self.language}/{self.name}.md"


def texts(told: Manual, language: str) -> list[Text]:
    """Every page in a language, in the order in which they are read.

    Raises:
        UsageError: there is no such language.
    """
    known = words(language)
    environment = Environment(
        loader=PackageLoader("muster.manual", f"templates/{language}"),
        autoescape=False,  # noqa: S701 - this is Markdown, and `text` takes the meaning from its marks
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"text": known.text, "span": known.span, "ratio": known.ratio}
    given = {"manual": told, "not_when": known.not_when}
    return [
        Text(book, name, language, f"{MARK}\n\n{environment.get_template(f'{book}/{name}.md.j2').render(given)}")
        for book, names in PAGES.items()
        for name in names
    ]
