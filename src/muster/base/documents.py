"""YAML files as people write them: read whole, or refused in one sentence with file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import UsageError
from muster.base.lines import line_of, named_twice
from muster.base.quick_yaml import DatelessLoader, composed

DEEPEST = 64  # what nests deeper is no file that a person wrote, and breaks readers further on
MOST_NODES = 500_000  # anchors unfolded: a few lines can stand for more than a machine holds
# What PyYAML raises, besides its own errors, for a date, a number or a tag that makes no sense.
_ODD_VALUE = (ValueError, OverflowError, IndexError, KeyError, AttributeError, TypeError)


@dataclass(frozen=True)
class Document:
    """One YAML document of a file; `what` calls the file, such as `manifest`."""

    what: str
    path: Path
    root: yaml.Node | None
    content: Any

    def where(self, location: Sequence[int | str] = ()) -> str:
        """File and line of what stands at `location` (keys and places in lists), for the head of a sentence."""
        return f"{self.what} {self.path}, line {line_of(self.root, location)}"


def read_documents(path: Path, what: str) -> list[Document]:
    """The documents of a YAML file, empty ones included.

    What is quoted of a file is never a value: it may be a secret that was not meant as YAML.

    Raises:
        UsageError: it cannot be read, is not UTF-8 or not YAML, names a key twice, or is no file that a person wrote.
    """
    return parse_documents(_text(path, what), what, path)


def parse_documents(text: str, what: str, path: Path) -> list[Document]:
    """The same of a text; `path` is how it is called.

    Raises:
        UsageError: as for `read_documents`.
    """
    try:
        roots = composed(text, dates=False)
    except yaml.YAMLError as error:
        raise UsageError(f"{what} {path}{_line(error)}: not YAML: {_problem(error)}") from None
    except RecursionError:
        raise UsageError(f"{what} {path}: it nests deeper than {DEEPEST} levels") from None
    return [Document(what, path, root, _content(Document(what, path, root, None))) for root in roots]


def read_document(path: Path, what: str) -> Document:
    """The only document of a file; an empty file has the content None.

    Raises:
        UsageError: as for `read_documents`, or there is more than one.
    """
    return parse_document(_text(path, what), what, path)


def parse_document(text: str, what: str, path: Path) -> Document:
    """The same of a text; `path` is how it is called.

    Raises:
        UsageError: as for `read_document`.
    """
    documents = parse_documents(text, what, path)
    if len(documents) > 1:
        raise UsageError(f"{documents[1].where()}: a second document begins here, and only one is read")
    return documents[0] if documents else Document(what, path, None, None)


def _text(path: Path, what: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise UsageError(f"{what} {str(path)!r} cannot be read: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{what} {path}, line {line}: not UTF-8; right would be a file saved as UTF-8") from None


def _content(document: Document) -> Any:
    """What a document says, once it is known to be no trap."""
    root = document.root
    if root is None:
        return None
    _refuse_traps(document)
    _refuse_foreign(document)
    for key, line in named_twice(root):
        raise UsageError(f"{document.what} {document.path}, line {line}: '{key}' stands here for the second time")
    loader = DatelessLoader("")
    try:
        return loader.construct_document(root)
    except yaml.YAMLError as error:
        raise UsageError(f"{document.what} {document.path}{_line(error)}: not YAML: {_problem(error)}") from None
    except _ODD_VALUE:
        raise UsageError(f"{_odd(document)}: this value makes no sense as YAML; put it in quotes") from None
    finally:
        loader.dispose()


def _refuse_traps(document: Document) -> None:
    """Refuse what is endless, too deep or too much once its anchors are unfolded."""
    sizes: dict[int, int] = {}
    todo: list[tuple[yaml.Node, int, bool]] = [(document.root, 1, False)] if document.root else []
    above = set[int]()
    while todo:
        node, depth, seen = todo.pop()
        where = f"{document.what} {document.path}, line {node.start_mark.line + 1}"
        inner = _inner(node)
        if seen:
            above.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(one)] for one in inner)
            if sizes[id(node)] > MOST_NODES:
                raise UsageError(f"{where}: it unfolds to more than {MOST_NODES} values")
        elif id(node) in above:
            raise UsageError(f"{where}: an anchor stands within itself")
        elif depth > DEEPEST:
            raise UsageError(f"{where}: it nests deeper than {DEEPEST} levels")
        elif id(node) not in sizes:
            above.add(id(node))
            todo.append((node, depth, True))
            todo += [(one, depth + 1, False) for one in inner]


def _refuse_foreign(document: Document) -> None:
    """Refuse what JSON has not: other types, keys that are no texts, characters that no text may hold."""
    todo, seen = [document.root], set[int]()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        todo += reversed(_inner(node))
        where = f"{document.what} {document.path}, line {node.start_mark.line + 1}"
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.ScalarNode):
            if kind in {"timestamp", "binary"}:
                raise UsageError(f"{where}: a value of the YAML type !!{kind}; right would be a text, in quotes")
            if re.search(r"[\x00\ud800-\udfff]", node.value):
                raise UsageError(f"{where}: a character that no text may hold (NUL, or half of a pair)")
        elif kind in {"set", "omap", "pairs"}:
            raise UsageError(f"{where}: a value of the YAML type !!{kind}; right would be a mapping or a list")
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not key.tag.endswith((":str", ":merge")):
                line = key.start_mark.line + 1
                raise UsageError(
                    f"{document.what} {document.path}, line {line}: a key that YAML does not take for a text; "
                    "right would be one in quotes"
                )


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _odd(document: Document) -> str:
    """File and line of the first value that cannot be made sense of."""
    todo = [document.root]
    while todo:
        node = todo.pop(0)
        if node is None:
            continue
        todo += _inner(node)
        if isinstance(node, yaml.ScalarNode):
            try:
                DatelessLoader("").construct_document(node)
            except (yaml.YAMLError, *_ODD_VALUE):
                return f"{document.what} {document.path}, line {node.start_mark.line + 1}"
    return document.where()


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    """What PyYAML has against a file, without what it quotes of it: one character, or what stands in <>, apart."""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    return re.sub(r"'(?!<)[^']{2,}'", "'...'", " ".join(str(said).split()))
