"""The YAML documents of a file, with the line of everything in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from muster.base.errors import UsageError
from muster.base.lines import key_of, line_of, named_twice
from muster.base.quick_yaml import composed

LONGEST_SHOWN = 60  # characters of what was given, in an error
Location = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, counted from 1."""

    path: Path
    number: int
    node: yaml.Node
    content: dict[str, Any]

    def wrong(self, where: Location, what: str) -> UsageError:
        """An error in one sentence: file, document, line and key, and `what` is wrong there."""
        key = key_of(where)
        told = f"'{key}' " if key else ""
        return UsageError(f"{self.path}, document {self.number}, line {line_of(self.node, where)}: {told}{what}")

    def fitted(self, model: type[Model], content: Any, where: Location) -> Model:
        """The part of the document at `where`, which is `content`, as a model.

        Raises:
            UsageError: a key is missing, unknown or wrong; the message names the first such key and its line.
        """
        try:
            return model.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            raise self.wrong((*where, *first["loc"]), _what(first["type"], first["msg"], first["input"])) from None

    def __str__(self) -> str:
        return f"{self.path.name}, document {self.number}"


def _what(kind: str, message: str, given: Any) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a key that OpenSLO v1 knows here"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    shown = repr(given) if len(repr(given)) <= LONGEST_SHOWN else repr(given)[:LONGEST_SHOWN] + "..."
    if kind == "string_type":
        return f"is {shown}; right would be a text, in quotes where it is a number or a time"
    wanted = re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", message[:1].lower() + message[1:])
    return f"is wrong: {wanted}, not {shown}"


def read_documents(path: Path) -> list[Document]:
    """The documents of a file that are not empty.

    Raises:
        UsageError: the file cannot be read, is no YAML, or a document is no mapping or names a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"service levels {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"service levels {path} cannot be read: byte {error.start} is not UTF-8") from error
    documents: list[Document] = []
    try:
        for number, node in enumerate(composed(text), start=1):
            if node is not None and not (isinstance(node, yaml.ScalarNode) and not node.value):
                documents.append(_document(path, number, node))
    except RecursionError:
        raise UsageError(f"{path}: it is nested deeper than any OpenSLO document") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from error
    return documents


def _document(path: Path, number: int, node: yaml.Node) -> Document:
    document = Document(path, number, node, {})
    if not isinstance(node, yaml.MappingNode):
        raise document.wrong((), "an OpenSLO document is a mapping that begins with 'apiVersion: openslo/v1'")
    for key, line in named_twice(node):
        raise UsageError(f"{path}, document {number}, line {line}: '{key}' stands here for the second time")
    try:
        return Document(path, number, node, _content(node))
    except ValueError as error:  # a date that is none
        raise UsageError(f"{path}, document {number}: {error}") from error


def _content(node: yaml.Node) -> dict[str, Any]:
    loader = yaml.SafeLoader("")
    try:
        content = loader.construct_document(node)
    finally:
        loader.dispose()
    assert isinstance(content, dict)
    return content
