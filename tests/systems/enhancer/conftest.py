"""Fixtures for the reference system's tests: a real pair of databases, real programs, a switchable address."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SYSTEM = HERE.parents[2] / "systems" / "enhancer"
sys.path[:0] = [str(SYSTEM), str(HERE)]

from enhancer_support.block import Block  # noqa: E402
from enhancer_support.databases import Pair  # noqa: E402
from enhancer_support.programs import Program, Service  # noqa: E402


@pytest.fixture(scope="session")
def block() -> Iterator[Block]:
    """Loopback addresses that no other test run uses."""
    with Block() as claimed:
        yield claimed


@pytest.fixture(scope="module")
def pair(block: Block, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two databases, db-b following db-a, for tests that leave them so."""
    with Pair(block, tmp_path_factory.mktemp("pair"), SYSTEM) as databases:
        yield databases


@pytest.fixture(scope="module")
def db(pair: Pair, block: Block) -> Iterator[Service]:
    """The Service `db`, leading to db-a at first."""
    with Service(block.address()) as service:
        service.target = pair.a.address
        yield service


@pytest.fixture
def program(db: Service, block: Block, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start a program: `program("api", admission_rate=5, env={...})`. It is stopped after the test."""
    started: list[Program] = []

    def start(name: str, env: dict[str, str] | None = None, **settings: object) -> Program:
        one = Program(
            name, SYSTEM, address=block.address(), database=db.address, directory=tmp_path, settings=settings, env=env
        )
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()
