"""A few trials of each part, drawn anew each time; `python -m torture` makes hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest
from torture.parts import PARTS


@pytest.mark.parametrize(
    ("part", "trials"),
    [("kills", 1), ("alone", 1), ("pairs", 1), ("api", 4), ("cuts", 2), ("outbox", 3), ("releases", 1), ("monitor", 2)],
)
def test_nothing_is_left(part: str, trials: int, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    seed = pytestconfig.option.sabotage_seed
    cases = PARTS[part].draw([], PARTS[part].count, seed)[:trials]
    with PARTS[part].place() as place:
        for case in cases:
            trial = place.trial(case, tmp_path / "kept")
            assert trial.held, f"python -m torture {part} --seed {seed} --trial {case.number}: {trial.line()}"


def test_the_same_seed_draws_the_same_trials_of_each_part() -> None:
    for name, part in PARTS.items():
        assert list(part.draw([], part.count, 7)) == list(part.draw([], part.count, 7)), name
        assert [case.number for case in part.draw([], 5, 7)] == list(range(5)), name
