from __future__ import annotations

from muster.embedded.node.backoff import LAST_S, RESET_S, BackOff


def waits(ends: int, *, ran: float = 0.0) -> list[float]:
    """The waits after so many ends of a container that runs `ran` seconds each time."""
    back_off, at, found = BackOff(), 1000.0, []
    for _ in range(ends):
        at += ran
        found.append(back_off.wait_after(at))
        at += found[-1]
        back_off.restarted(at)
    return found


def test_the_first_restart_is_free_and_then_waits_double_up_to_five_minutes() -> None:
    assert waits(8) == [0, 10, 20, 40, 80, 160, 300, LAST_S]


def test_a_container_that_ran_long_starts_afresh() -> None:
    assert waits(4, ran=RESET_S + 1) == [0, 0, 0, 0]


def test_a_container_that_ran_for_less_does_not() -> None:
    assert waits(3, ran=RESET_S - 1) == [0, 10, 20]
