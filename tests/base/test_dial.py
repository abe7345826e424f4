"""A dial tells what the hands on it want, and when one that held it has let go, however that comes about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster.base.dial import Dial, Hand, LetGo, Turn
from muster.base.errors import UsageError
from muster.base.waiting import wait_for

HOLD = """
import signal, sys
from pathlib import Path
from muster.base.dial import Hand
hand = Hand(Path(sys.argv[1]))
hand.turn(900, held=True)
print("held", flush=True)
signal.pause()
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "load.dial"
    os.mkfifo(path)
    return path


@pytest.fixture
def dial(pipe: Path) -> Iterator[Dial]:
    dial = Dial(pipe)
    yield dial
    dial.close()


def test_a_dial_that_nobody_turns_says_nothing(dial: Dial) -> None:
    assert [dial.read() for _ in range(3)] == [[], [], []]


def test_a_rate_is_told_once_and_lasts_when_its_hand_is_gone(dial: Dial, pipe: Path) -> None:
    with Hand(pipe) as hand:
        hand.turn(500, over_s=2, held=False)
    assert dial.read() == [Turn(500, 2)]
    assert [dial.read() for _ in range(3)] == [[], [], []]


def test_a_rate_that_is_held_is_over_when_the_hand_lets_go(dial: Dial, pipe: Path) -> None:
    with Hand(pipe) as hand:
        hand.turn(900, held=True)
        assert dial.read() == [Turn(900, held=True)]
        assert dial.read() == []
    assert dial.read() == [LetGo()]
    assert dial.read() == []


def test_what_the_owner_sets_meanwhile_is_told_as_the_owners(dial: Dial, pipe: Path) -> None:
    with Hand(pipe) as other:
        other.turn(900, held=True)
        assert dial.read() == [Turn(900, held=True)]
        with Hand(pipe) as owner:
            owner.turn(400, held=False)
        assert dial.read() == [Turn(400)], "and nobody has let go yet"
    assert dial.read() == [LetGo()]


def test_a_hand_that_came_and_went_between_two_looks_is_told_with_its_end(dial: Dial, pipe: Path) -> None:
    with Hand(pipe) as hand:
        hand.turn(900, held=True)
    assert dial.read() == [Turn(900, held=True), LetGo()]


def test_a_rate_goes_back_when_who_held_it_is_killed(dial: Dial, pipe: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(pipe)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert dial.read() == [Turn(900, held=True)]
        holder.send_signal(signal.SIGKILL)
        assert wait_for(dial.read, within=20, every=0.01, reason="the rate to go back") == [LetGo()]
    finally:
        holder.kill()
        holder.communicate()


def test_where_no_load_runs_there_is_nothing_to_turn(pipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be changed: no load reads it"):
        Hand(pipe)
    with pytest.raises(UsageError, match="cannot be changed: No such file"):
        Hand(tmp_path / "none")


def test_a_load_that_ended_cannot_be_turned(pipe: Path) -> None:
    dial = Dial(pipe)
    with Hand(pipe) as hand:
        dial.close()
        with pytest.raises(UsageError, match="the rate of the load cannot be changed"):
            hand.turn(400, held=False)
        hand.let_go()
        hand.let_go()
