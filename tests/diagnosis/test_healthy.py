"""In a healthy system nothing is found, whatever is rolled out, scaled, configured and done in it meanwhile.

`python -m selfcheck healthy` looks 50 times; what is done between the looks is drawn by a seed.
"""

from __future__ import annotations

import pytest
from selfcheck.healthy import healthy


def test_nothing_is_found_while_it_is_at_work(pytestconfig: pytest.Config) -> None:
    seed = pytestconfig.option.sabotage_seed
    runs = healthy(4, seed)
    assert [(run.change, run.found) for run in runs if run.found] == [], f"python -m selfcheck healthy --seed {seed}"
    assert len(runs) == 4
