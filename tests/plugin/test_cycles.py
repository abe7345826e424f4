"""Each module of the plugin, and of the report, can be read by itself: no two need each other, not even lazily."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp
import pytest


@pytest.mark.parametrize("package", ["muster.plugin", "muster.report"])
def test_imports_run_in_no_circle(package: str) -> None:
    graph = grimp.build_graph("muster", exclude_type_checking_imports=True, cache_dir=None)
    modules = {module for module in graph.modules if module.startswith(f"{package}.")}
    assert len(modules) > 20
    imports = {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}
    # A package's __init__ only gathers what its modules are: nobody below it imports it.
    TopologicalSorter(imports).prepare()
