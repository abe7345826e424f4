"""Threads beside a block end with it."""

from __future__ import annotations

import threading

from muster.base.background import Background


class Counting(Background):
    """Two loops that count how often they came round."""

    def __init__(self) -> None:
        super().__init__(self._run, self._run, name="counting")
        self.lock = threading.Lock()
        self.rounds: dict[int, int] = {}
        self.both = threading.Event()

    def _run(self) -> None:
        while not self.stopping.is_set():
            with self.lock:
                self.rounds[threading.get_ident()] = self.rounds.get(threading.get_ident(), 0) + 1
                if len(self.rounds) == 2:
                    self.both.set()
            self.pause(60)


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "counting"]


def test_every_loop_has_a_thread_and_none_is_left_after_the_block() -> None:
    with Counting() as counting:
        assert counting.both.wait(10)
        assert len(running()) == 2
    assert running() == []
    assert list(counting.rounds.values()) == [1, 1], "a pause ends when the threads are told to"


def test_it_may_be_stopped_before_its_start_and_again() -> None:
    counting = Counting()
    counting.stop()
    counting.stop()
    assert counting.pause(60) is True
    assert counting.rounds == {}
