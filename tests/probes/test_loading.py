"""A ledger class that cannot be used is told in one sentence."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.probes.service import system_of

from muster.base.errors import UsageError
from muster.probes.ledger.driver_store import DriverStore
from muster.probes.ledger.loading import find_ledger
from muster.probes.ledger.store import Entry
from muster.probes.prober.process import Prober
from muster.system.definition import PythonLedgerSpec

SHELF = """
class Half:
    def write(self, id, content): pass
    def close(self): pass

class Whole(Half):
    def __init__(self, url, options): pass
    def read(self, id): return "text"

limit = 7
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    """A directory with modules, named so that nobody else's are meant."""
    (tmp_path / "shelf_of_test.py").write_text(SHELF)
    (tmp_path / "broken_of_test.py").write_text("1 / 0")
    (tmp_path / "needy_of_test.py").write_text("import no_such_driver_at_all")
    (tmp_path / "package_of_test").mkdir()
    (tmp_path / "package_of_test" / "inner.py").write_text(SHELF)
    yield tmp_path
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]
    for name in [name for name in sys.modules if "_of_test" in name]:
        del sys.modules[name]


def spec(python: str) -> PythonLedgerSpec:
    return PythonLedgerSpec(python=python)


@pytest.mark.parametrize("module", ["shelf_of_test", "package_of_test.inner"])
def test_a_class_beside_system_yaml_is_found(shelf: Path, module: str) -> None:
    assert find_ledger(spec(f"{module}:Whole"), shelf).__name__ == "Whole"


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("missing_of_test:Whole", r"there is no module 'missing_of_test' in /.* or installed"),
        ("package_of_test.none:Whole", r"there is no module 'package_of_test.none' in "),
        ("shelf_of_test:Hole", r"module 'shelf_of_test' has no class 'Hole' \(there are: Half, Whole\)"),
        ("shelf_of_test:limit", r"has no class 'limit'"),
        ("shelf_of_test:Half", r"class 'Half' of module 'shelf_of_test' has no method 'read'; a ledger needs write"),
        ("broken_of_test:Whole", r"module 'broken_of_test' cannot be imported: ZeroDivisionError: division by zero"),
        ("needy_of_test:Whole", r"module 'needy_of_test' needs 'no_such_driver_at_all', which is not installed"),
    ],
)
def test_what_is_missing_is_named(shelf: Path, timeline: Path, python: str, said: str) -> None:
    system = system_of().model_copy(update={"ledger": spec(python)})
    system._path = shelf / "system.yaml"
    with pytest.raises(UsageError, match=rf"^ledger.python '{python}' in system.yaml: .*{said}"):
        Prober.start(system, "http://127.0.0.1:1", timeline, shelf)


def test_a_read_that_returns_no_list_is_the_classs_own_mistake(shelf: Path) -> None:
    async def look() -> None:
        store = DriverStore(spec("shelf_of_test:Whole"), "http://127.0.0.1:1", shelf)
        try:
            await store.read(Entry("muster-x-1"), kept=False, limit_s=5)
        finally:
            await store.close()

    with pytest.raises(UsageError, match=r"shelf_of_test:Whole: 'read' must return a list of texts, .* not 'text'"):
        asyncio.run(look())
