"""Label selectors as the API reads them, for what is looked at without asking it: `app=api,tier in (a, b),!old`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from muster.base.errors import UsageError

Labels = Mapping[str, str]

_TERM = re.compile(
    r"""\s*(?:
      (?P<absent>!)\s*(?P<gone>[^\s,=!()]+)
    | (?P<key>[^\s,=!()]+)\s*(?:
          (?P<sign>==|=|!=)\s*(?P<value>[^\s,=!()]*)
        | (?P<set>\b(?:in|notin)\b)\s*\((?P<values>[^()]*)\)
      )?
    )\s*(?:,|$)""",
    re.VERBOSE,
)


def selects(selector: str) -> Callable[[Labels], bool]:
    """What tells whether a label selector selects an object with such labels; an empty one selects all.

    Raises:
        UsageError: it is none.
    """
    terms, position = list[Callable[[Labels], bool]](), 0
    while position < len(selector.strip()):
        found = _TERM.match(selector.strip(), position)
        if found is None:
            raise UsageError(f"'{selector}' is no label selector; right would be such as app=api,tier in (a, b)")
        terms.append(_term(found))
        position = found.end()
    return lambda labels: all(term(labels) for term in terms)


def _term(found: re.Match[str]) -> Callable[[Labels], bool]:
    if found["absent"]:
        return lambda labels: found["gone"] not in labels
    key, value = found["key"], found["value"]
    if found["sign"]:
        return (
            (lambda labels: labels.get(key) != value)
            if found["sign"] == "!="
            else lambda labels: labels.get(key) == value
        )
    if found["set"]:
        values = {one.strip() for one in found["values"].split(",")}
        return (
            (lambda labels: labels.get(key) in values)
            if found["set"] == "in"
            else lambda labels: labels.get(key) not in values
        )
    return lambda labels: key in labels
