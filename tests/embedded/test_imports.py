"""No two modules need each other: what cannot be understood, tested or moved without the other is one thing."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ["muster.embedded"]


def cycle(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first one again at the end; empty if there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_do_not_import_each_other_in_a_circle(package: str) -> None:
    """Imports for type checking alone count, too."""
    graph = grimp.build_graph("muster", cache_dir=None)
    within = {name for name in graph.modules if name == package or name.startswith(f"{package}.")}
    assert len(within) > 10, "the package was not found"
    found = cycle({name: graph.find_modules_directly_imported_by(name) & within for name in within})
    assert not found, " imports ".join(reversed(found))


def test_a_circle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
