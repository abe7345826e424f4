"""Faults in texts that Kubernetes objects hold: a file in a ConfigMap for one, of which a fault changes one line."""

from __future__ import annotations

from typing import Any

from muster.base.differing import differences, in_short
from muster.base.errors import RefusedError
from muster.faults.activity import entry_by, or_exit, strike


@or_exit
def replace_line(kind: str, name: str, path: str, begins: str, line: str) -> str:
    """Put `line` in the place of the one line that begins with `begins`, in the text at a field; the rest stays.

    The whole text is recorded before, so `undo` puts it back, unless somebody has changed it since.

    Raises:
        SystemExit: there is no such line, or more than one; it could not be recorded or set.
    """
    where = f"{kind} {name} {path}"
    entry = entry_by(kind, name, path, lambda text: with_line(text, begins, line, where=where))
    strike(entry)
    return f"{entry}: {in_short(differences(entry.before, entry.after))}"


def with_line(text: Any, begins: str, line: str, *, where: str) -> str:
    """The text with its one line that begins so replaced.

    Raises:
        RefusedError: it is no text, or has no such line, or more than one; `where` says which text.
    """
    if not isinstance(text, str):
        raise RefusedError(f"{where} is {text!r}, in which no line can be replaced; right would be a text")
    lines = text.splitlines(keepends=True)
    found = [number for number, present in enumerate(lines) if present.startswith(begins)]
    if len(found) != 1:
        raise RefusedError(f"{where} has {len(found)} lines that begin with {begins!r}; right would be one")
    end = lines[found[0]][len(lines[found[0]].rstrip("\r\n")) :]
    return "".join([*lines[: found[0]], f"{line}{end}", *lines[found[0] + 1 :]])
