"""What the monitor knows from one look to the next is in the store, taken in as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.monitor.memory import Change

from .looks import at, look, memory


def test_an_alert_is_raised_lasts_and_is_over_whoever_takes_the_looks_in(tmp_path: Path) -> None:
    changes: list[Change] = []
    for number, wrong in enumerate([{}, {"web": "P1"}, {"web": "P1"}, {"web": "P1"}, {}, {}, {}, {}]):
        with memory(tmp_path) as one:  # each look by another process
            changes += one.take(look(number, **wrong))
            there = [alert.key for alert in one.alerts()]
        assert there == (["web"] if 2 <= number <= 5 else [])
    assert [(change.what, change.severity, change.at) for change in changes] == [
        ("raised", "P1", at(2)),
        ("over", None, at(6)),
    ]
    assert [change.cause for change in changes] == ["Pod/web"] * 2


def test_a_look_that_could_not_see_a_thing_says_nothing_of_it(tmp_path: Path) -> None:
    with memory(tmp_path) as one:
        for number in range(2):
            one.take(look(number, web="P1"))
        for number in range(2, 12):
            assert one.take(look(number, blind=["pods"])) == []
        (alert,) = one.alerts()
        assert (alert.began, alert.raised) == (at(0), at(1))
        assert [one.take(look(number)) for number in (12, 13)] == [[], []]
        assert [change.what for change in one.take(look(14))] == ["over"]


def test_what_is_written_with_a_change_is_there_if_the_change_is(tmp_path: Path) -> None:
    with memory(tmp_path) as one:
        one.take(look(0, web="P1"))

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            one.take(look(1, web="P1"), dies)
        assert one.alerts() == []
        told: list[Change] = []
        one.take(look(1, web="P1"), lambda _, change: told.append(change))
        assert [change.what for change in told] == ["raised"]


def test_what_was_told_is_not_told_again_and_what_was_not_is(tmp_path: Path) -> None:
    with memory(tmp_path) as one:
        for number in range(2):
            one.take(look(number, web="P1", queue="P2"))
        first, second = one.untold("incidents")
        one.tell(first, "incidents", "incident 1")
        one.tell(first, "incidents", "incident 1")
        assert one.untold("incidents") == [second]
        assert one.untold("others") == [first, second]


def test_monitors_of_two_systems_and_clusters_know_nothing_of_each_other(tmp_path: Path) -> None:
    with memory(tmp_path) as one, memory(tmp_path).of("shop", "production") as other:
        for number in range(2):
            one.take(look(number, web="P1"))
        assert other.take(look(2, web="P1")) == []
        assert (len(one.alerts()), other.alerts(), other.untold("x")) == (1, [], [])


def test_what_follows_from_something_else_is_not_told_but_keeps_an_alert(tmp_path: Path) -> None:
    from dataclasses import replace

    def explained(number: int) -> object:
        seen = look(number, web="P1")
        return replace(seen, wrong={key: replace(one, explained=True) for key, one in seen.wrong.items()})

    with memory(tmp_path) as one:
        assert [one.take(explained(number)) for number in range(4)] == [[]] * 4  # type: ignore[arg-type]
        changes = [change for number in (4, 5) for change in one.take(look(number, web="P1"))]
        assert [change.what for change in changes] == ["raised"]
        assert [one.take(explained(number)) for number in range(6, 12)] == [[]] * 6  # type: ignore[arg-type]
        assert len(one.alerts()) == 1


def test_nothing_is_kept_of_what_was_well_again_before_it_became_an_alert(tmp_path: Path) -> None:
    with memory(tmp_path) as one:
        one.take(look(0, web="P3"))
        for number in range(1, 7):
            one.take(look(number))
        with one._reading() as connection:
            assert one._alerts(connection) == []
