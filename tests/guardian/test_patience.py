"""A guardian goes on trying for as long as that can come to something, and no longer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from muster.guardian import patience
from muster.guardian.patience import Patience, is_gone
from muster.guardian.talk import Ear, Mouth
from muster.kube import Cluster
from muster.kube.access import Access, access_to

HOUR = 3600.0


@dataclass
class There:
    """A cluster as far as it is asked here."""

    access: Access
    embedded: bool = False
    server: str = "https://there:6443"


@dataclass
class Day:
    """The time, and whether a cluster of this machine is gone."""

    at: float = 1000.0
    gone: bool = True
    ended: float | None = None
    cluster: There = field(default_factory=lambda: There(access_to("https://there:6443")))

    def tried(self, seconds: float, *, every: float = 60.0) -> tuple[float, str]:
        """After how many seconds of so many trying ends, and why; nothing where it does not."""
        began, tries = self.at, Patience(cast(Cluster, self.cluster), lambda: self.ended)
        while self.at < began + seconds:
            if why := tries.is_over():
                return self.at - began, why
            self.at += every
        return self.at - began, ""


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    day = Day()
    monkeypatch.setattr(patience, "now", lambda: day.at)
    monkeypatch.setattr(patience, "is_gone", lambda _: day.gone)
    yield day


def test_a_cluster_elsewhere_is_tried_for_a_day(day: Day) -> None:
    day.gone = False
    assert day.tried(23 * HOUR)[1] == ""
    assert day.tried(25 * HOUR) == (24 * HOUR + 60, "it tried for 86400 s")


def test_one_of_this_machine_is_tried_for_as_long_as_it_may_be_restarted(day: Day) -> None:
    assert day.tried(HOUR) == (660, "nobody listens at https://there:6443 for 600 s")


def test_one_that_was_back_meanwhile_is_tried_for_as_long_again(day: Day) -> None:
    tries = Patience(cast(Cluster, day.cluster), lambda: None)
    for minute in range(30):
        day.at += 60
        day.gone = minute % 8 != 0  # it answers for a moment, and not as it should
        assert tries.is_over() == ""


def test_the_sessions_own_goes_with_it(day: Day) -> None:
    day.cluster.embedded = True
    assert day.tried(HOUR, every=0.5) == (1.5, "nobody listens at https://there:6443 for 1 s")
    day.gone = False
    assert day.tried(HOUR, every=0.5) == (10.5, "it tried for 10 s")


def test_who_is_told_to_end_ends_soon(day: Day) -> None:
    day.gone = False
    day.ended = day.at
    assert day.tried(HOUR, every=0.5) == (5.5, "it was told to end")


def test_nobody_is_gone_but_who_refuses_on_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_gone(cast(Cluster, There(access_to(f"http://127.0.0.1:{port}"))))
    assert is_gone(cast(Cluster, There(access_to(f"http://127.0.0.1:{port}"))))
    assert is_gone(cast(Cluster, There(access_to(f"http://localhost:{port}"))))
    assert not is_gone(cast(Cluster, There(access_to("http://192.0.2.1:6443"))))


def test_a_session_that_hangs_makes_the_guardian_wait_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads nothing, so that the pipe is full; what it reads later is whole messages."""
    monkeypatch.setattr("muster.guardian.talk.SAY_WITHIN_S", 0.01)
    ours, theirs = os.pipe()
    try:
        mouth = Mouth(theirs)
        for number in range(120):
            mouth.say("failed", why=f"{number} " + "x" * 1000)
        said = os.read(ours, 2**20)
        mouth.say("undone", undone=[])
        heard = list(Ear().hear(said))
    finally:
        os.close(ours)
        os.close(theirs)
    assert [message["why"].split()[0] for message in heard] == [str(number) for number in range(len(heard))]
    assert 10 < len(heard) < 120


def test_what_is_longer_than_a_pipe_takes_at_once_comes_whole(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    if pid := os.fork():
        os.close(theirs)
        ear, heard = Ear(), []
        while data := os.read(ours, 4096):
            heard += list(ear.hear(data))
        os.close(ours)
        assert os.waitpid(pid, 0)[1] == 0
        assert [len(message["said"]) for message in heard] == [200_000, 1]
    else:
        try:
            os.close(ours)
            mouth = Mouth(theirs)
            mouth.say("well", said="x" * 200_000)
            mouth.say("well", said="x")
        finally:
            os._exit(0)
