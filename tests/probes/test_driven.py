"""Calls in threads: bounded, each with a time limit, and none begun that was given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from muster.base.waiting import wait_for
from muster.probes.ledger.driven import IDLE_S, RENEW_EVERY, Done, Threads


class Book:
    """A ledger that says what became of it; `gate` holds up its calls."""

    made: list[Book]
    gate: threading.Event

    def __init__(self) -> None:
        self.calls = 0
        self.closed = False
        self.threads = {threading.get_ident()}
        type(self).made.append(self)

    def write(self, identity: str, content: str) -> None:
        self.threads.add(threading.get_ident())
        self.calls += 1
        self.gate.wait(30)
        if content == "bad":
            raise ValueError(identity)

    def read(self, identity: str) -> list[str]:
        return [identity]

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True


@pytest.fixture
def book() -> type[Book]:
    class Own(Book):
        made: list[Book] = []  # noqa: RUF012
        gate = threading.Event()

    Own.gate.set()
    return Own


def write(content: str = "") -> Callable[[Any], None]:
    return lambda ledger: ledger.write("id", content)


def ledger_threads() -> set[threading.Thread]:
    """Those that call ledgers: other threads of this process begin and end as they like."""
    return {thread for thread in threading.enumerate() if thread.name == "muster-ledger"}


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(main())


def test_kept_ledgers_are_used_again_and_new_ones_once(book: type[Book], either_loop: None) -> None:
    async def main() -> None:
        threads = Threads(book)
        assert [(await threads.call(write(), kept=True, limit_s=5)).kept for _ in range(3)] == [False, True, True]
        assert not (await threads.call(write(), kept=False, limit_s=5)).kept
        assert (await threads.call(write(), kept=True, limit_s=5)).kept
        await threads.close()

    run(main)
    assert sorted(made.calls for made in book.made) == [1, 4]
    wait_for(lambda: all(made.closed for made in book.made), within=20, reason="ledgers to be closed")
    assert all(len(made.threads) == 1 for made in book.made), "a ledger belongs to one thread"


def test_a_ledger_is_renewed_after_a_failure_and_after_a_while(book: type[Book]) -> None:
    async def main() -> None:
        threads = Threads(book)
        done = await threads.call(write("bad"), kept=True, limit_s=5)
        assert (type(done.error), done.begun) == (ValueError, True)
        for _ in range(RENEW_EVERY + 1):
            assert (await threads.call(write(), kept=True, limit_s=5)).error is None
        threads._idle[0].idle_since -= IDLE_S + 1
        await threads.call(write(), kept=True, limit_s=5)
        await threads.close()

    run(main)
    assert [made.calls for made in book.made] == [1, RENEW_EVERY, 1, 1]
    wait_for(lambda: all(made.closed for made in book.made), within=20, reason="ledgers to be closed")


def test_a_constructor_that_raises_begins_nothing() -> None:
    def make() -> Any:
        raise OSError(111, "refused")

    async def main() -> Done:
        return await Threads(make).call(write(), kept=True, limit_s=5)

    done = run(main)
    assert (type(done.error), done.begun) == (ConnectionRefusedError, False)


def test_calls_that_hang_gather_no_threads_and_what_was_given_up_is_never_begun(book: type[Book]) -> None:
    book.gate.clear()
    before = ledger_threads()

    async def main() -> None:
        threads = Threads(book, most=4)
        hung = await asyncio.gather(*(threads.call(write(), kept=bool(n % 2), limit_s=0.2) for n in range(20)))
        assert len(ledger_threads() - before) == 4
        assert all(isinstance(done.error, TimeoutError) for done in hung)
        assert sum(done.begun for done in hung) == 4
        book.gate.set()
        served = await threads.call(write(), kept=True, limit_s=5)
        assert (served.error, served.begun) == (None, True), "threads that came back make room"
        await threads.close()

    run(main)
    assert sum(made.calls for made in book.made) == 5, "what was told as never begun must never be done"
    wait_for(lambda: ledger_threads() <= before, within=20, reason="all threads to end")
    assert all(made.closed for made in book.made)


def test_a_call_given_up_while_connecting_is_never_begun(book: type[Book]) -> None:
    connecting = threading.Event()

    def make() -> Book:
        connecting.wait(30)
        return book()

    async def main() -> Done:
        done = await Threads(make).call(write(), kept=True, limit_s=0.1)
        connecting.set()
        return done

    done = run(main)
    assert (type(done.error), done.begun) == (TimeoutError, False)
    wait_for(lambda: book.made and book.made[0].closed, within=20, reason="the ledger to be closed")
    assert book.made[0].calls == 0


def test_a_call_that_outlives_its_loop_disturbs_nobody(book: type[Book], recwarn: pytest.WarningsRecorder) -> None:
    book.gate.clear()

    async def main() -> None:
        await Threads(book).call(write(), kept=True, limit_s=0.05)

    run(main)
    book.gate.set()
    wait_for(lambda: book.made[0].closed, within=20, reason="the ledger to be closed")
    assert not [w for w in recwarn if "thread" in str(w.message).lower()]
