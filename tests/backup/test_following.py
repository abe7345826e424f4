"""What may be followed into a store."""

from __future__ import annotations

import pytest

from muster.backup import BackupError
from muster.backup.following import check_same

from .made import base


def test_a_database_that_began_anew_does_not_take_the_place_of_the_one_that_was_lost() -> None:
    check_same([], "8")
    check_same([base(5, 1), base(9, 2, system="8")], "8")
    with pytest.raises(BackupError, match=r"another database \(system identifier 8\) than the newest backup base-9"):
        check_same([base(5, 1, system="8"), base(9, 2)], "8")
