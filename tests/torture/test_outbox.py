"""What is lost, told twice or not on record is seen, and every moment of a victim can be struck."""

from __future__ import annotations

from pathlib import Path

from torture.outbox import MADE, MOMENTS, SIDES, Case, draw, kills

NEVER = Case(0, MOMENTS, "before")


def test_what_is_lost_or_told_twice_is_seen(tmp_path: Path) -> None:
    with kills() as place:
        assert place.strike(tmp_path, NEVER) == 0
        assert (tmp_path / MADE).read_text() == str(MOMENTS), "a victim's commits and sendings are other ones now"
        assert list(place.lost(tmp_path)) == []
        hook, events = place.hook.arrived, place.events.arrived
        whole = list(hook)
        hook.pop()
        assert any("6 notices were put, and 5 arrived" in said for said in place.lost(tmp_path))
        path, headers, content = whole[-1]
        hook[:] = [*whole, (path, {**headers, "Idempotency-Key": "another"}, content)]
        assert any("6 notices were put, and 7 arrived" in said for said in place.lost(tmp_path))
        hook[:] = [*whole, (path, headers, {**content, "title": "other"})]
        assert any("arrived with 2 texts" in said for said in place.lost(tmp_path))
        hook[:] = [*whole, whole[-1], whole[-1]]
        assert any("only one can have been under way" in said for said in place.lost(tmp_path))
        hook[:] = whole
        events.reverse()
        assert any("PagerDuty was told ['resolve', 'acknowledge', 'trigger']" in said for said in place.lost(tmp_path))
        (tmp_path / "done.txt").write_text("trigger\n" * 3)
        assert any("of what was done" in said for said in place.lost(tmp_path))


def test_every_moment_is_struck_on_either_side_and_none_twice() -> None:
    every = draw(None, seed=1)
    assert {(case.moment, case.side) for case in every} == {(m, side) for m in range(MOMENTS) for side in SIDES}
    assert len({(case.moment, case.side) for case in draw(50, seed=2)}) == 50
