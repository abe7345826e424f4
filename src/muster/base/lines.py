"""Where in a file something stands, so that a mistake is told with its key and its line."""

from __future__ import annotations

from collections.abc import Sequence

import yaml


def key_of(location: Sequence[int | str]) -> str:
    """A location as `parts.of.it`, on one line whatever its keys hold."""
    return ".".join(text if (text := str(part)).isprintable() else repr(text)[1:-1] for part in location)


def line_of(node: yaml.Node | None, location: Sequence[int | str]) -> int:
    """The line (from 1) of the deepest node on the way to `location` (keys and places in lists) that exists."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def named_twice(root: yaml.Node | None) -> list[tuple[str, int]]:
    """Keys that a mapping names twice, of which YAML would silently keep the last, with the line of the second."""
    found, seen, todo = list[tuple[str, int]](), set[int](), [root]
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:  # an anchor may stand within itself
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
        if isinstance(node, yaml.MappingNode):
            keys = set[str]()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        found.append((key.value, key.start_mark.line + 1))
                    keys.add(key.value)
                todo.append(value)
    return sorted(found, key=lambda one: one[1])
