"""The runbook and the manual as one HTML file that needs nothing beside itself, made of the Markdown.

Links between pages lead within the file; what is to be ticked can be ticked; a table stands on a phone as cards.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.anchors.index import slugify
from mdit_py_plugins.tasklists import tasklists_plugin

from muster.manual.words import words
from muster.manual.writing import Text
from muster.pages import environment

LOWER = {"h1": "h2", "h2": "h3", "h3": "h4"}  # the page has a heading of its own above all


@dataclass(frozen=True)
class Section:
    """A page within the page; `key` is its anchor."""

    key: str
    title: str
    book: str
    html: Markup


def page(system: str, written: Sequence[Text]) -> str:
    """The document, of all pages of one language."""
    known = words(written[0].language)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").use(tasklists_plugin, enabled=True, label=True)
    template = environment("muster.manual").get_template("manual.html.j2")
    sections = [_section(markdown, text) for text in written]
    return template.render(system=system, sections=sections, language=known.language, say=known.page)


def _section(markdown: MarkdownIt, text: Text) -> Section:
    _, _, content = text.markdown.partition("-->")
    tokens = markdown.parse(content)
    title = next(tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open")
    key = _key(text.book, text.name)
    made = list(_tables(_headings(tokens, key)))
    for token in made:
        for inner in token.children or []:
            if inner.type == "link_open":
                inner.attrSet("href", _within(text, str(inner.attrGet("href"))))
    html = markdown.renderer.render(made, markdown.options, {})
    return Section(key, title, text.book, Markup(html))  # noqa: S704 - HTML in the Markdown is escaped by its reader


def _key(book: str, name: str) -> str:
    return book if name == "README" else f"{book}-{name}"


def _within(text: Text, href: str) -> str:
    """Where a link between pages leads in the one file."""
    path, _, anchor = href.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(text.path), path)) if path else text.path
    book, _, name = target.removesuffix(".md").split("/")
    return f"#{_key(book, name)}" + (f"-{anchor}" if anchor else "")


def _headings(tokens: Sequence[Token], key: str) -> Iterator[Token]:
    """Each heading a level lower, and with the anchor by which links know it."""
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            own = "" if token.tag == "h1" else f"-{slugify(tokens[index + 1].content)}"
            token.attrSet("id", f"{key}{own}")
        if token.type in {"heading_open", "heading_close"}:
            token.tag = LOWER[token.tag]
        yield token


def _tables(tokens: Iterable[Token]) -> Iterator[Token]:
    """Each table as one that can be scrolled, and read row by row: the first cell of a row is its heading, and each
    other one knows the heading of its column."""
    heading, columns, column = "", list[str](), 0
    for token in tokens:
        match token.type:
            case "heading_open":
                heading = str(token.attrGet("id"))
            case "table_open":
                columns = []
                token.attrSet("class", "cards")
                yield _html(f'<div class="wide" role="group" aria-labelledby="{heading}" tabindex="0">')
            case "th_open":
                token.attrSet("scope", "col")
                columns.append("")
            case "inline" if columns and not columns[-1]:
                columns[-1] = token.content
            case "tr_open":
                column = 0
            case "td_open":
                _cell(token, column, columns)
            case "td_close":
                token.tag = "td" if column else "th"
                column += 1
        yield token
        if token.type == "table_close":
            yield _html("</div>")


def _cell(token: Token, column: int, columns: Sequence[str]) -> None:
    if column:
        token.attrSet("data-of", columns[column])
        return
    token.tag = "th"
    token.attrSet("scope", "row")


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
